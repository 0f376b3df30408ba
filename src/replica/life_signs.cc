#include "replica/life_signs.h"

#include <algorithm>

namespace conclave::replica {
namespace {

void make_unique(std::vector<SessionId>& sessions) {
  std::ranges::sort(sessions);
  const auto repeated = std::ranges::unique(sessions);
  sessions.erase(repeated.begin(), repeated.end());
}

}  // namespace

void LifeSigns::drop_repeated() {
  make_unique(fresh_);
  crowded_ = std::max(kCrowded, 2 * fresh_.size());
}

void LifeSigns::on_master(consensus::Ballot ballot) {
  if (ballot == ballot_) return;
  ballot_ = ballot;
  if (told_.empty()) return;
  fresh_since_ = told_.front().since;
  for (const Report& report : told_) fresh_.insert(fresh_.end(), report.fresh.begin(), report.fresh.end());
  told_.clear();
}

void LifeSigns::clear() {
  fresh_.clear();
  told_.clear();
}

std::optional<wire::peer::Touches> LifeSigns::report() {
  if (fresh_.empty() && told_.empty()) return std::nullopt;
  make_unique(fresh_);
  wire::peer::Touches touches{.number = ++last_number_, .sessions = fresh_};
  if (!told_.empty()) {
    for (const Report& report : told_) {
      touches.sessions.insert(touches.sessions.end(), report.fresh.begin(), report.fresh.end());
    }
    make_unique(touches.sessions);
  }
  if (!fresh_.empty()) {
    told_.push_back({.number = last_number_, .since = fresh_since_, .fresh = std::move(fresh_)});
    fresh_.clear();
  }
  if (told_.size() > kReportsMax) {
    // The oldest one counts as heard when the next one is.
    Report& next = told_[1];
    next.since = told_.front().since;
    next.fresh.insert(next.fresh.end(), told_.front().fresh.begin(), told_.front().fresh.end());
    make_unique(next.fresh);
    told_.pop_front();
  }
  return touches;
}

void LifeSigns::acknowledged(uint64_t number) {
  if (number > last_number_) return;
  while (!told_.empty() && told_.front().number <= number) told_.pop_front();
}

}  // namespace conclave::replica
