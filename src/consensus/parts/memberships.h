// Which membership each position of the log comes under: that of the snapshot, and those that entries above it made.
// The newest one is in force for the engine that asks; an engine in whose log entries are replaced takes them back.
// Pure.
#pragma once

#include <algorithm>
#include <deque>
#include <utility>

#include "base/assert.h"
#include "consensus/api/engine.h"
#include "consensus/api/entry.h"
#include "consensus/api/quorum.h"
#include "consensus/api/state_fold.h"

namespace conclave::consensus {

class Memberships {
 public:
  // `first` is in force as of the snapshot at `index`. Without one it is the founding membership of `config`; without
  // members there, nothing is known yet.
  Memberships(const Config& config, Membership first, Index index) : self_(config.self), disk_(config.disk) {
    known_.push_back({.index = index, .membership = std::move(first)});
    if (!config.members.empty()) found(config.members);
    renew();
  }

  const Membership& current() const { return known_.back().membership; }
  // The entry that made it; the snapshot's index, or 0, if none above that did.
  Index current_index() const { return known_.back().index; }
  const Quorum& quorum() const { return quorum_; }
  // The one that was in force at `index`. REQUIRES: not below the first one known.
  const Membership& as_of(Index index) const {
    auto known = known_.rbegin();
    while (std::next(known) != known_.rend() && known->index > index) ++known;
    return known->membership;
  }
  // Does this replica take no part in deciding anything? It does not if it knows of no cell, nor if the one it knows
  // lists its number with another disk: it has lost what it once promised (B38). Whether it is listed at all is no
  // matter: others may count on it before it hears of that, and after (section 6).
  bool abstains() const {
    const Member* self = current().find(self_);
    return current().version == 0 || (self && self->disk != DiskId() && self->disk != disk_);
  }

  // The founding membership is known now. Of no matter if a later one was before.
  void found(std::vector<Member> founders) {
    Membership& first = known_.front().membership;
    if (first.version == 0) first = {.version = 1, .members = std::move(founders), .outgoing = {}};
    renew();
  }
  // REQUIRES: entry.kind is membership and its payload was checked; entry.index is above current_index().
  void add(const Entry& entry) {
    CONCLAVE_ASSERT(entry.index > current_index() || known_.size() == 1);
    auto payload = decode_membership(entry.payload.view());
    CONCLAVE_ASSERT(payload.has_value());
    known_.push_back({.index = entry.index, .membership = std::move(payload->membership)});
    renew();
  }
  // The same of an entry that another master may have proposed, after something that was lost: it counts only if it can
  // follow what is in force. False: it does not, and everybody passes it over.
  bool add_if_next(const Entry& entry) {
    const auto payload = decode_membership(entry.payload.view());
    if (!payload || !why_not(current(), payload->membership).empty()) return false;
    add(entry);
    return true;
  }
  // Entries from `from` on are void.
  void truncate(Index from) {
    while (known_.size() > 1 && known_.back().index >= from) known_.pop_back();
    renew();
  }
  // Nobody will ask about what was in force below `index`.
  void release(Index index) {
    while (known_.size() > 1 && known_[1].index <= index) known_.pop_front();
  }
  // The state jumped to `index`, where `membership` is in force (version 0: the one that was). `kept`: the log goes on
  // behind it.
  void install(Index index, Membership membership, bool kept) {
    if (!kept) known_.erase(known_.begin() + 1, known_.end());
    release(index);
    if (membership.version > known_.front().membership.version) known_.front() = {index, std::move(membership)};
    renew();
  }

  void fold(StateFold& fold) const {
    fold.add(known_.size());
    for (const Known& known : known_) fold.add(known.index, encode_membership(known.membership));
  }

 private:
  struct Known {
    Index index;
    Membership membership;
  };
  void renew() { quorum_ = Quorum(current()); }

  ReplicaId self_;
  DiskId disk_;
  std::deque<Known> known_;  // by index; never empty
  Quorum quorum_;
};

}  // namespace conclave::consensus
