#include "replica/founding.h"

#include <algorithm>
#include <utility>

#include "base/probe.h"

namespace conclave::replica {

using consensus::DiskId;
using consensus::Member;
using wire::peer::Introduction;

namespace {

const Member* find(const std::vector<Member>& members, ReplicaId id) {
  const auto found = std::ranges::find(members, id, &Member::id);
  return found == members.end() ? nullptr : &*found;
}

bool same_but_for_disks(const std::vector<Member>& a, const std::vector<Member>& b) {
  return std::ranges::equal(a, b, [](const Member& x, const Member& y) { return x.id == y.id && x.voter == y.voter; });
}

}  // namespace

Founding::Founding(ReplicaId self, DiskId disk, std::vector<Member> configured, std::vector<Member> founders,
                   bool log_is_empty, std::optional<state::HostPort> lock_service, env::Entropy& entropy)
    : self_(self),
      disk_(disk),
      configured_(std::move(configured)),
      founders_(std::move(founders)),
      log_is_empty_(log_is_empty),
      lock_service_(std::move(lock_service)),
      entropy_(&entropy) {
  if (!founded() && all_agree()) founders_ = would_found();
}

DiskId Founding::disk_of(ReplicaId peer) const {
  if (peer == self_) return disk_;
  const auto known = peers_.find(peer);
  return known == peers_.end() ? DiskId() : known->second.disk;
}

std::optional<state::HostPort> Founding::lock_service_of(ReplicaId peer) const {
  if (peer == self_) return lock_service_;
  const auto known = peers_.find(peer);
  return known == peers_.end() ? std::nullopt : known->second.lock_service;
}

std::vector<Member> Founding::would_found() const {
  if (!log_is_empty_) return {};
  std::vector<Member> members = configured_;
  for (Member& member : members) member.disk = member.voter ? disk_of(member.id) : DiskId();
  return members;
}

bool Founding::all_agree() const {
  const std::vector<Member> ours = would_found();
  if (find(ours, self_) == nullptr) return false;
  return std::ranges::all_of(ours, [&](const Member& member) {
    if (!member.voter) return true;
    if (member.disk == DiskId()) return false;
    return member.id == self_ || peers_.at(member.id).would_found == ours;
  });
}

Introduction Founding::introduction_to(ReplicaId to, bool cell_known) {
  const auto peer = peers_.find(to);
  Introduction introduction{.disk = disk_, .founded = founded() || cell_known};
  if (lock_service_) {
    introduction.lock_service_host = lock_service_->host;
    introduction.lock_service_port = lock_service_->port;
  }
  introduction.founders = introduction.founded ? founders_ : would_found();
  if (peer != peers_.end()) {
    while (peer->second.call == 0) peer->second.call = entropy_->u64();
    introduction.call = peer->second.call;
    introduction.heard = peer->second.heard;
  }
  return introduction;
}

Founding::Heard Founding::on_introduction(ReplicaId from, const Introduction& said, bool cell_known) {
  const auto known = peers_.find(from);
  if (known == peers_.end()) return Heard::nothing;
  Peer& peer = known->second;
  const bool new_call = std::exchange(peer.heard, said.call) != said.call;
  const Heard courtesy = new_call || (!said.founded && (founded() || cell_known)) ? Heard::answer : Heard::nothing;
  if (peer.call == 0 || said.heard != peer.call) return courtesy;
  const bool news = peer.disk != said.disk;
  peer.disk = said.disk;
  if (said.lock_service_port != 0) peer.lock_service = {said.lock_service_host, said.lock_service_port};
  if (founded() || cell_known) return courtesy;
  if (said.founded) {
    const Member* self = find(said.founders, self_);
    if (self != nullptr && (self->disk == disk_ || (!self->voter && self->disk == DiskId()))) {
      CONCLAVE_PROBE("replica.joins-the-founding");
      founders_ = said.founders;
      return Heard::founded;
    }
    CONCLAVE_PROBE("replica.founded-without-us");
    founded_without_us_ = from;
    lists_another_disk_ = self != nullptr;
    return courtesy;
  }
  peer.would_found = said.founders;
  if (all_agree()) {
    CONCLAVE_PROBE("replica.founds-the-cell");
    founders_ = would_found();
    return Heard::founded;
  }
  return news ? Heard::news : courtesy;
}

std::string Founding::waits_for() const {
  if (lists_another_disk_) return kLostDisk;
  if (founded_without_us_ != ReplicaId() || find(configured_, self_) == nullptr) {
    return "this replica is not a member of the cell yet: add it (conclave member add)";
  }
  if (!log_is_empty_)
    return "this replica has a log and does not know the members of its cell yet: it has to hear from one";
  std::string silent, different;
  for (const Member& member : configured_) {
    if (member.id == self_ || !member.voter) continue;
    const auto peer = peers_.find(member.id);
    if (peer == peers_.end() || peer->second.disk == DiskId()) {
      silent += (silent.empty() ? "" : ", ") + to_string(member.id);
    } else if (!peer->second.would_found.empty() && !same_but_for_disks(peer->second.would_found, configured_)) {
      different += (different.empty() ? "" : ", ") + to_string(member.id);
    }
  }
  if (!different.empty()) return "replicas " + different + " are configured with other members than this one";
  return "a new cell begins when all its voters have met; not met yet: " + (silent.empty() ? "none" : silent);
}

}  // namespace conclave::replica
