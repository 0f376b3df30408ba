// The master's conduct of changes of the members: takes the request of a client, leads the cell there step by step
// (MemberChange), lets the request wait until it is so, and gives up when newcomers make no progress. Loop thread only.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>

#include "replica/driver.h"
#include "replica/member_change.h"
#include "state/txn/outcome.h"
#include "state/txn/request.h"
#include "state/txn/transaction.h"

namespace conclave::replica {

class Reconfiguration {
 public:
  static constexpr uint64_t kCookie = UINT64_MAX;  // of the proposals made here

  // `patience`: for how long newcomers may make no progress. `release` has the proposer evaluate anew what waits under
  // a ticket.
  Reconfiguration(const Members& members, const Founding& met, Driver& driver, Duration patience,
                  std::function<void(uint64_t ticket)> release);

  void begin() { active_ = true; }
  void end();

  // Is the cell as the request wants it? False: it waits under the ticket. Errors: reconfig_in_progress, bad_version,
  // bad_arguments, new_config_no_quorum (given up).
  std::expected<bool, state::Code> judge(const state::ReconfigRequest& request, const state::RequestTag& tag,
                                         uint64_t ticket, Instant now);
  // As MemberChange::want, for whoever does not wait for it.
  Result<> want(WantedMembers wanted, Instant now);
  // Takes the next step, if there is one. Call it at every tick, and when a membership was applied.
  void advance(Instant now);

  // Does a request wait, which will be the one to publish the members?
  bool request_waits() const { return asked_ && !asked_->verdict; }
  // One line for people: "none", "adding 4: 1200 of 5000 entries", "failed: ...".
  std::string state() const;

 private:
  struct Asked {
    state::RequestTag tag;
    uint64_t ticket = 0;
    std::optional<std::expected<bool, state::Code>> verdict;
  };
  void finish(std::expected<bool, state::Code> verdict);
  void watch_progress(Instant now);

  const Members& members_;
  const Founding& met_;
  Driver& driver_;
  const Duration patience_;
  const std::function<void(uint64_t)> release_;
  bool active_ = false;  // this replica is the master
  MemberChange change_;
  std::optional<Asked> asked_;
  bool settling_ = false;  // what was wanted is in force, and not firm yet
  uint64_t progress_ = 0;  // whatever grows while a change gets on
  Instant progress_at_{0};
  std::string failure_;
};

}  // namespace conclave::replica
