#include "base/probe.h"

namespace conclave {
namespace {

Probe*& first() {
  static Probe* head = nullptr;
  return head;
}

}  // namespace

// Runs before main, where there is one thread.
Probe::Probe(const char* name) : name_(name), next_(first()) {
  first() = this;
}

std::map<std::string, uint64_t> Probe::all() {
  std::map<std::string, uint64_t> counts;
  for (const Probe* probe = first(); probe != nullptr; probe = probe->next_) {
    counts[probe->name_] += probe->hits_.load(std::memory_order_relaxed);
  }
  return counts;
}

}  // namespace conclave
