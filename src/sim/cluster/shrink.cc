#include "sim/cluster/shrink.h"

#include <algorithm>

namespace conclave::sim {
namespace {

class Shrinking {
 public:
  Shrinking(const Plan& plan, const std::function<bool(const Plan&)>& still_fails, size_t runs_max)
      : best_(plan), still_fails_(still_fails), runs_max_(runs_max) {}

  Shrunk shrink() {
    drop_faults();
    shorten();
    drop_clients();
    usual_settings();
    drop_faults();
    return {.plan = best_, .runs = runs_};
  }

 private:
  bool try_plan(const Plan& plan) {
    if (plan == best_ || runs_ >= runs_max_ || !validate(plan)) return false;
    ++runs_;
    if (!still_fails_(plan)) return false;
    best_ = plan;
    return true;
  }

  // Takes away ever smaller runs of faults.
  void drop_faults() {
    for (size_t size = best_.faults.size(); size > 0; size /= 2) {
      for (size_t from = 0; from < best_.faults.size();) {
        Plan plan = best_;
        const auto begin = plan.faults.begin() + static_cast<ptrdiff_t>(from);
        plan.faults.erase(begin, begin + static_cast<ptrdiff_t>(std::min(size, plan.faults.size() - from)));
        if (!try_plan(plan)) from += size;
      }
    }
  }

  void shorten() {
    const Duration needed = best_.faults.empty() ? Duration::seconds(1) : best_.faults.back().at + Duration::seconds(5);
    for (const Duration safety : {needed, best_.safety / 2, best_.safety * 3 / 4}) {
      Plan plan = best_;
      plan.safety = std::min(plan.safety, safety);
      try_plan(plan);
    }
  }

  void drop_clients() {
    for (int64_t clients = 0; clients < best_.clients; ++clients) {
      Plan plan = best_;
      plan.clients = clients;
      if (try_plan(plan)) return;
    }
  }

  // One setting after the other as it ships.
  void usual_settings() {
    const Plan usual;
    const auto reset = [&](auto field) {
      Plan plan = best_;
      plan.*field = usual.*field;
      try_plan(plan);
    };
    for (int64_t Plan::* field :
         {&Plan::observers, &Plan::learning, &Plan::slots_in_flight_max, &Plan::message_bytes_max,
          &Plan::transactions_in_flight_max, &Plan::epoch_counter_high, &Plan::snapshot_entries,
          &Plan::entries_kept_in_memory, &Plan::snapshots_kept, &Plan::journal_segment_bytes, &Plan::survive_percent,
          &Plan::pipelined, &Plan::keys, &Plan::data_bytes_max, &Plan::watch_percent, &Plan::session_end_per_million,
          &Plan::replicas}) {
      reset(field);
    }
    for (Duration Plan::* field : {&Plan::latency_max, &Plan::sync_time_max, &Plan::session_timeout}) reset(field);
    reset(&Plan::leases);
  }

  Plan best_;
  const std::function<bool(const Plan&)>& still_fails_;
  size_t runs_max_;
  size_t runs_ = 0;
};

}  // namespace

Shrunk shrink(const Plan& plan, const std::function<bool(const Plan&)>& still_fails, size_t runs_max) {
  return Shrinking(plan, still_fails, runs_max).shrink();
}

}  // namespace conclave::sim
