#include "sim/cluster/run.h"

#include <algorithm>
#include <fmt/format.h>
#include <vector>

#include "frontend/chubby/server.h"
#include "replica/replica.h"
#include "sim/check/check_all.h"
#include "sim/cluster/cell.h"
#include "sim/cluster/client_program.h"
#include "sim/cluster/resource_checks.h"

namespace conclave::sim {
namespace {

constexpr Duration kStep = Duration::millis(50);  // how often conditions and findings are looked at

class Run {
 public:
  Run(const Plan& plan, RunOptions options)
      : plan_(plan),
        options_(std::move(options)),
        findings_(options_.without),
        points_(static_cast<uint64_t>(plan.seed)),
        cell_(plan, findings_),
        nemesis_(cell_, points_),
        resources_(cell_) {}

  RunResult execute() {
    if (options_.listener) cell_.world().trace().listen(options_.listener);
    cell_.start_all();
    for (uint32_t number = 0; number < cell_.clients(); ++number) cell_.start_client(number);
    cell_.lock_crowd().start_all();
    nemesis_.schedule(plan_.faults);
    run_until(
        [this] {
          cell_.lock_crowd().maybe_strike();
          return false;
        },
        plan_.safety);
    if (!findings_.any()) settle_core();
    if (!findings_.any()) settle_whole();
    if (!findings_.any() && liveness_.empty()) settle_to_rest();
    return verdict();
  }

 private:
  // Until `reached`, at most `limit`; also ends when something was found. True: reached.
  template <class Reached>
  bool run_until(Reached reached, Duration limit) {
    const Instant end = cell_.world().now() + limit;
    while (!findings_.any()) {
      if (reached()) return true;
      const Instant now = cell_.world().now();
      if (now >= end) return false;
      run_for(std::min(kStep, end - now));
      resources_.observe();
    }
    return false;
  }

  void run_for(Duration time) {
    if (!nemesis_.watches()) return cell_.world().run_for(time);
    cell_.world().run_until(
        [this] {
          nemesis_.watch();
          return false;
        },
        time);
  }

  // How many of these, from the first on, hold every majority that the cell may need; all of these if they do not.
  size_t least_of(const std::vector<ReplicaId>& replicas) {
    if (!plan_.founded && cell_.engine_checks().committed() == Index()) return replicas.size();  // all have to meet
    consensus::ReplicaSet set;
    for (size_t n = 0; n < replicas.size(); ++n) {
      if (nemesis_.decide(set)) return n;
      set.set(replicas[n].value);
    }
    return replicas.size();
  }

  // The faults end, but those outside of a random majority of the intact voters stay down.
  void settle_core() {
    nemesis_.stop();
    Random random(static_cast<uint64_t>(plan_.seed) ^ 0xC04E);
    std::vector<ReplicaId> candidates;
    for (const ReplicaId id : cell_.replicas()) {
      const bool may_vote = std::ranges::any_of(nemesis_.memberships_needed(),
                                                [&](const auto& membership) { return cell_.has_vote(id, membership); });
      if (may_vote && nemesis_.atlas().intact(id)) candidates.push_back(id);
    }
    for (size_t i = candidates.size(); i > 1; --i) std::swap(candidates[i - 1], candidates[random.below(i)]);
    candidates.resize(random.between(least_of(candidates), candidates.size()));
    for (const ReplicaId id : cell_.replicas()) {
      const bool in_core = std::ranges::find(candidates, id) != candidates.end();
      if (!in_core) nemesis_.hold_down(id);
    }
    nemesis_.let_run(candidates);
    start_clients();
    if (!demand_progress()) return;
    healthy_.emplace_back(cell_.world().now(), cell_.world().now());
  }

  void settle_whole() {
    nemesis_.let_run(cell_.replicas());
    for (uint32_t number = 0; number < cell_.clients(); ++number) cell_.client(number).stop_asking();
    cell_.lock_crowd().stop_asking();
    const bool agreed = run_until([this] { return quiet() && alike(); }, plan_.settle_bound * 2);
    if (!agreed && !findings_.any()) not_live(fmt::format("the replicas do not agree in time\n{}", describe()));
    if (!healthy_.empty()) healthy_.back().second = cell_.world().now();
  }

  // The clients close their sessions; those that died without are over by their time-outs.
  void settle_to_rest() {
    for (uint32_t number = 0; number < cell_.clients(); ++number) cell_.client(number).leave();
    cell_.lock_crowd().leave();
    check::Violations left;
    const auto at_rest = [&] {
      for (uint32_t number = 0; number < cell_.clients(); ++number) {
        if (!cell_.client(number).gone()) return false;
      }
      if (!cell_.lock_crowd().gone()) return false;
      if (!alike()) return false;
      left = resources_.left(members());
      return left.empty();
    };
    const Duration longest = std::max(plan_.session_timeout, plan_.lock_lease + plan_.lock_grace);
    const bool rests = run_until(at_rest, longest + plan_.settle_bound);
    if (!healthy_.empty()) healthy_.back().second = cell_.world().now();
    if (rests || findings_.any()) return;
    if (left.empty()) not_live(fmt::format("the cell does not come to rest in time\n{}", describe()));
    for (const check::Violation& found : left) findings_.add(found.checker, found.what);
  }

  // Those that can run.
  std::vector<ReplicaId> members() {
    std::vector<ReplicaId> out;
    for (const ReplicaId id : cell_.replicas()) {
      if (!nemesis_.given_up(id) && cell_.membership().find(id)) out.push_back(id);
    }
    return out;
  }

  void start_clients() {
    for (uint32_t number = 0; number < cell_.clients(); ++number) {
      if (!cell_.world().client(number).running()) cell_.start_client(number);
    }
    cell_.lock_crowd().end_faults();
  }

  // Every client is answered something that needs the master, asked for from now on.
  bool demand_progress() {
    const Instant from = cell_.world().now();
    for (uint32_t number = 0; number < cell_.clients(); ++number) cell_.client(number).start_probing();
    cell_.lock_crowd().start_probing();
    const auto progressed = [&](uint32_t number) { return cell_.client(number).last_progress() >= from; };
    const auto all_progressed = [&] {
      for (uint32_t number = 0; number < cell_.clients(); ++number) {
        if (!progressed(number)) return false;
      }
      return cell_.master().has_value() && cell_.lock_crowd().without_progress_since(from).empty();
    };
    if (run_until(all_progressed, plan_.settle_bound) || findings_.any()) return !findings_.any();
    std::string waiting;
    for (uint32_t number = 0; number < cell_.clients(); ++number) {
      if (!progressed(number)) waiting += fmt::format(" {}", number);
    }
    waiting += cell_.lock_crowd().without_progress_since(from);
    not_live(fmt::format("the cell answers no write of clients{} within {} after the faults\n{}", waiting,
                         to_text(plan_.settle_bound), describe()));
    return false;
  }

  bool quiet() {
    for (uint32_t number = 0; number < cell_.clients(); ++number) {
      if (cell_.client(number).under_way() > 0) return false;
    }
    return cell_.lock_crowd().quiet();
  }

  // Every member that can run does, has repaired its damage, and is where the log is; no change is under way.
  bool alike() {
    if (cell_.membership().joint()) return false;
    for (const ReplicaId id : members()) {
      if (!cell_.up(id)) return false;
      const replica::Replica& replica = cell_.at(id);
      if (!replica.serving() || replica.state().last_zxid() != cell_.log().last()) return false;
      if (replica.status().damaged > 0) return false;
    }
    return cell_.master().has_value();
  }

  std::string describe() {
    std::string text = "  membership " + consensus::to_string(cell_.membership()) + "\n";
    for (const ReplicaId id : cell_.replicas()) {
      text += fmt::format("  replica {}: ", id.value);
      if (!cell_.up(id)) {
        const auto exit = cell_.exited(id);
        text += exit ? fmt::format("ended: {}\n", exit->error.message) : "not running\n";
        continue;
      }
      const replica::Status status = cell_.at(id).status();
      text += fmt::format("role {} master {} ballot {} applied {} committed {} last {} damaged {}\n",
                          static_cast<int>(cell_.at(id).role().role), status.master.value, status.ballot,
                          status.applied.value, status.committed.value, status.last.value, status.damaged);
    }
    if (const auto master = cell_.master(); master && cell_.lock_service(*master) != nullptr) {
      const auto figures = cell_.lock_service(*master)->figures().master;
      const auto replica = cell_.at(*master).figures();
      text += fmt::format(
          "  lock service: sessions {} connected {} handles {} cached {} closed {} held {} waiters {} notices {} calls "
          "{} "
          "fail-overs pending {}; held by the proposer {}, backlog {}, in flight {}, unconfirmed {}; forwarded {}\n",
          figures.sessions, figures.connected, figures.handles, figures.cached_names, figures.closed_names,
          figures.held_changes, figures.lock_waiters, figures.notices, figures.calls, figures.fail_overs_pending,
          replica.proposer.held, replica.proposer.backlog, replica.proposer.in_flight, replica.proposer.unconfirmed,
          replica.forwarder.outstanding);
    }
    if (const auto master = cell_.master(); master && plan_.lock_clients > 0) {
      for (const auto& [path, lock] : cell_.at(*master).state().locks()) {
        for (const state::LockPlace& place : lock.places()) {
          text +=
              fmt::format("  lock {}: session {:#x} handle {} exclusive {} lost {}\n", path, place.holder.session.value,
                          place.holder.handle, place.mode == state::LockMode::exclusive, place.lost);
        }
      }
    }
    return text + cell_.lock_crowd().describe();
  }

  void not_live(std::string what) { liveness_.push_back({.checker = "liveness", .what = std::move(what)}); }

  RunResult verdict() {
    RunResult result;
    result.figures = figures();
    for (uint32_t number = 0; number < cell_.clients(); ++number) {
      if (cell_.world().client(number).running()) cell_.client(number).note_contact();
    }
    cell_.log().leave_out(cell_.lock_crowd().strangers());
    const check::History history = cell_.recorder().take(cell_.log().log(), healthy_);
    result.figures.operations = history.operations.size();
    if (options_.on_history) options_.on_history(history);
    result.violations = findings_.list();
    judge(history, result);
    const auto not_heard = [&](const check::Violation& found) { return findings_.without().contains(found.checker); };
    std::erase_if(result.violations, not_heard);
    std::erase_if(liveness_, not_heard);
    if (!result.violations.empty()) {
      result.verdict = Verdict::unsafe;
    } else if (!liveness_.empty()) {
      result.verdict = Verdict::no_liveness;
    }
    result.violations.insert(result.violations.end(), liveness_.begin(), liveness_.end());
    result.trace_hash = cell_.world().trace_hash();
    return result;
  }

  void judge(const check::History& history, RunResult& result) {
    check::CheckOptions options;
    options.expiry.drift_ppm = plan_.clock_drift_ppm;
    const check::Report report = check::check_all(history, options);
    result.violations.insert(result.violations.end(), report.violations.begin(), report.violations.end());
    result.figures.linear_checked = report.figures.operations_linear;
    result.figures.order_blind_checked = report.figures.operations_order_blind;
    result.figures.order_blind_given_up = report.figures.searches_exhausted;
    result.figures.watch_events = report.figures.watch_events;
  }

  RunFigures figures() {
    return {.simulated = cell_.world().now() - Instant{0},
            .events = cell_.world().scheduler().events_run(),
            .engine_steps = cell_.engine_checks().steps(),
            .digests_compared = cell_.state_checks().compared(),
            .answered = cell_.recorder().answered(),
            .transactions = cell_.log().log().size(),
            .skipped_by_primary_order = cell_.log().skipped(),
            .recoveries = cell_.recoveries(),
            .masters = cell_.engine_checks().masters(),
            .memberships = cell_.membership().version - 1,
            .faults_left_out = nemesis_.left_out(),
            .locks = cell_.lock_crowd().figures(),
            .killed_at_steps = nemesis_.killed_at_steps(),
            .most = resources_.most(),
            .struck = nemesis_.struck(),
            .points = points_.counts()};
  }

  const Plan& plan_;
  RunOptions options_;
  Findings findings_;
  FaultPoints points_;
  Cell cell_;
  Nemesis nemesis_;
  ResourceChecks resources_;
  check::Violations liveness_;
  std::vector<std::pair<Instant, Instant>> healthy_;
};

}  // namespace

RunResult run(const Plan& plan, RunOptions options) {
  return Run(plan, std::move(options)).execute();
}

}  // namespace conclave::sim
