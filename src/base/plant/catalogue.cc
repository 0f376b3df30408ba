#include "base/plant/catalogue.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace conclave::plant {
namespace {

#define CONCLAVE_PLANT_ROW(name, bug, source, what, caught_by) {Plant::name, #name, bug, source, what, caught_by},
constexpr PlantedBug kAll[] = {CONCLAVE_PLANTED_BUGS(CONCLAVE_PLANT_ROW)};
#undef CONCLAVE_PLANT_ROW

std::atomic<const PlantedBug*> on = nullptr;
std::atomic<uint64_t> count = 0;

void report() {
  const PlantedBug* bug = on;
  if (bug == nullptr) return;
  std::fprintf(stderr, "planted bug %s: fired %llu times\n", bug->name.data(), static_cast<unsigned long long>(count));
}

// Before main(), so that no program needs to know of it.
[[maybe_unused]] const bool selected_at_start = [] {
  const char* name = std::getenv("CONCLAVE_PLANT");
  if (name == nullptr || *name == '\0') return true;
  if (select(name)) return std::atexit(report) == 0;
  std::fprintf(stderr, "CONCLAVE_PLANT=%s: no planted bug has this name; there are:\n", name);
  for (const PlantedBug& bug : kAll) std::fprintf(stderr, "  %s\n", bug.name.data());
  std::exit(2);
}();

}  // namespace

std::span<const PlantedBug> all() {
  return kAll;
}

bool select(std::optional<std::string_view> name) {
  const PlantedBug* found = nullptr;
  for (const PlantedBug& bug : kAll) {
    if (bug.name == name) found = &bug;
  }
  if (name && found == nullptr) return false;
  on = found;
  count = 0;
  return true;
}

const PlantedBug* selected() {
  return on;
}

bool fires(Plant plant) {
  const PlantedBug* bug = on;
  if (bug == nullptr || bug->plant != plant) return false;
  ++count;
  return true;
}

uint64_t fired() {
  return count;
}

}  // namespace conclave::plant
