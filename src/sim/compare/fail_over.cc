#include "sim/compare/fail_over.h"

#include "sim/compare/measured_cell.h"
#include "sim/compare/outage.h"

namespace conclave::sim::compare {
namespace {

constexpr Duration kAfter = Duration::seconds(1);

}  // namespace

std::string_view to_string(Loss loss) {
  switch (loss) {
    case Loss::killed:
      return "killed";
    case Loss::cut_off:
      return "cut off";
  }
  return "unknown";
}

Result<Duration> measure_fail_over(const Settings& settings, Loss loss) {
  MeasuredCell cell(settings);
  if (auto started = cell.start_under_load(); !started) return std::unexpected(started.error());
  const Instant lost_at = cell.now();
  if (loss == Loss::killed) {
    cell.world().host(cell.replica(1)).crash(Crash::kill);
  } else {
    cell.world().isolate(cell.replica(1).value);
  }
  size_t seen = cell.acknowledged().size();
  const bool goes_on = cell.world().run_until(
      [&] {
        for (; seen < cell.acknowledged().size(); ++seen) {
          if (cell.acknowledged()[seen].asked > lost_at) return true;
        }
        return false;
      },
      MeasuredCell::kRecoveryMax);
  if (!goes_on)
    return fail(ErrorKind::unavailable, "nothing was acknowledged within a minute of the loss of the master");
  cell.world().run_for(kAfter);
  if (auto verdict = cell.verdict(); !verdict) return std::unexpected(verdict.error());
  return longest_outage(cell.acknowledged(), lost_at, cell.now());
}

}  // namespace conclave::sim::compare
