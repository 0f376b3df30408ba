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
  Memberships(const Config& config, Membership first, Index index)
      : self_(config.self), disk_(config.disk), was_listed_(config.disk_was_listed) {
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
  // Does this replica take no part in deciding anything? It does not until a membership has listed its disk: a disk
  // that is new may be that of a replica which lost another one, and with it what it once promised (B38), and a log
  // that it has learnt in part may not tell yet that the others count on its number. Once its disk has been listed it
  // is no matter whether it still is: others may count on it before they hear that it is not (section 6).
  bool abstains() const {
    const Member* self = current().find(self_);
    return self ? !lists_us(*self) : !was_listed_;
  }
  // Has a membership ever listed this disk?
  bool was_listed() const { return was_listed_; }

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
    fold.add(was_listed_);
  }

 private:
  struct Known {
    Index index;
    Membership membership;
  };
  // With "any" disk only founders that vote are: observers of whom nobody knows their disk are not counted on.
  bool lists_us(const Member& self) const { return self.disk == disk_ || (self.voter && self.disk == DiskId()); }
  void renew() {
    quorum_ = Quorum(current());
    const Member* self = current().find(self_);
    was_listed_ = was_listed_ || (self && lists_us(*self));
  }

  ReplicaId self_;
  DiskId disk_;
  bool was_listed_;
  std::deque<Known> known_;  // by index; never empty
  Quorum quorum_;
};

}  // namespace conclave::consensus
