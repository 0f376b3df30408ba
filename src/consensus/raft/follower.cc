#include "consensus/raft/follower.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/plant.h"
#include "base/probe.h"

namespace conclave::raft {

void Follower::follow(Ballot ballot) {
  leader_ = ballot.replica;
  bound_until_ = core_.now + core_.config.election_timeout_min;
  if (ballot == ballot_) return;
  ballot_ = ballot;
  matched_ = core_.log.committed();
}

void Follower::append(Append message) {
  const RaftLog& log = core_.log;
  if (!log.matches(message.prev_index, message.prev_ballot)) {
    const Index hint = log.last_of_term(message.prev_index, message.prev_ballot.round, log.committed());
    core_.outbox.send(leader_, Conflict{.ballot = ballot_,
                                        .prev_index = message.prev_index,
                                        .hint_index = hint,
                                        .hint_term = log.ballot_at(hint).round,
                                        .stamp = message.stamp,
                                        .abstains = core_.memberships.abstains()});
    return;
  }
  if (contradicts_committed(message)) return core_.log_drop(leader_, "Append: contradicts what is committed");
  const bool carries = !message.entries.empty();
  const Index upto = message.prev_index + message.entries.size();
  store(std::move(message.entries));
  matched_ = std::max({matched_, upto, log.committed()});
  told_committed(message.committed);
  // The leader's log holds whatever any majority, with us or without, ever committed: so does ours now.
  if (core_.owed != Index() && matched_ >= message.last) {
    CONCLAVE_PROBE("raft.caught-up-after-a-loss");
    log::info("raft", "holds again what was lost, and votes", {{"index", to_string(matched_)}});
    core_.owed = Index();
  }
  if (carries && !CONCLAVE_PLANT(appended_before_durable))
    return core_.outbox.send_when_durable(leader_, appended(matched_, message.stamp));
  const Index durable = carries ? matched_ : std::min(matched_, core_.tail.durable());
  core_.outbox.send(leader_, appended(durable, message.stamp));
}

Appended Follower::appended(Index durable, consensus::Stamp stamp) const {
  return {.ballot = ballot_,
          .received = matched_,
          .durable = durable,
          .stamp = stamp,
          .abstains = core_.memberships.abstains()};
}

// What is committed is in the log of every later leader: who says otherwise is none. Nothing of it may reach our log.
bool Follower::contradicts_committed(const Append& message) const {
  const RaftLog& log = core_.log;
  const auto other = [&log](Index index, Ballot ballot) {
    return index >= log.base() && index <= log.committed() && log.ballot_at(index) != ballot;
  };
  return other(message.prev_index, message.prev_ballot) ||
         std::ranges::any_of(message.entries, [&](const Entry& entry) { return other(entry.index, entry.ballot); });
}

// Step 3 and 4 of the receiver: what contradicts the leader's entries goes, what is missing is appended. What is there
// already stays: a message that is late must not cut off what came after it.
void Follower::store(std::vector<Entry> entries) {
  for (Entry& entry : entries) {
    if (entry.index <= core_.log.committed()) continue;
    if (entry.index <= core_.log.last()) {
      if (core_.log.ballot_at(entry.index) == entry.ballot) continue;
      core_.truncate(entry.index);
    }
    core_.append(std::move(entry));
  }
}

void Follower::told_committed(Index committed) {
  core_.log.commit_to(std::min(committed, std::max(matched_, core_.log.committed())));
}

void Follower::jumped() {
  matched_ = std::max(matched_, core_.log.committed());
  if (leader_ == ReplicaId()) return;
  core_.outbox.send(leader_, appended(std::min(matched_, core_.tail.durable()), consensus::kNoStamp));
}

}  // namespace conclave::raft
