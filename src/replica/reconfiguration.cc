#include "replica/reconfiguration.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "base/log.h"

namespace conclave::replica {

using consensus::Member;
using state::Code;
using state::ReconfigRequest;

namespace {

// Sorted by id.
WantedMembers wanted_by(const ReconfigRequest& request, const CellMembers& now) {
  WantedMembers wanted;
  if (!request.whole) wanted.members = now.membership.members;
  std::erase_if(wanted.members, [&](const Member& member) {
    return std::ranges::find(request.leaving, member.id) != request.leaving.end();
  });
  for (const ReconfigRequest::Joining& joining : request.joining) {
    std::erase_if(wanted.members, [&](const Member& member) { return member.id == joining.id; });
    wanted.members.push_back({.id = joining.id, .voter = joining.voter, .disk = {}});
    wanted.addresses[joining.id] = joining.address;
  }
  std::ranges::sort(wanted.members, {}, &Member::id);
  return wanted;
}

Code code_of(const Error& error) {
  return error.kind == ErrorKind::already_exists ? Code::reconfig_in_progress : Code::bad_arguments;
}

}  // namespace

Reconfiguration::Reconfiguration(const Members& members, const Founding& met, Driver& driver, Duration patience,
                                 std::function<void(uint64_t ticket)> release)
    : members_(members), met_(met), driver_(driver), patience_(patience), release_(std::move(release)) {}

void Reconfiguration::end() {
  active_ = false;
  change_.forget();
  asked_.reset();
  settling_ = false;
  failure_.clear();
}

std::expected<bool, Code> Reconfiguration::judge(const ReconfigRequest& request, const state::RequestTag& tag,
                                                 uint64_t ticket, Instant now) {
  if (asked_ && asked_->tag == tag) {
    if (asked_->verdict) return *std::exchange(asked_, std::nullopt)->verdict;
    asked_->ticket = ticket;
    return false;
  }
  if (settling_) return std::unexpected(Code::reconfig_in_progress);
  const bool numbered = std::ranges::none_of(request.joining, [](const auto& j) { return j.id == ReplicaId(); });
  if (!numbered) return std::unexpected(Code::bad_arguments);
  WantedMembers wanted = wanted_by(request, members_.all());
  // A request that was done under another master comes again; its version is that of before.
  if (!change_.wanted() && MemberChange::fulfilled(members_.all(), wanted)) {
    asked_ = Asked{.tag = tag, .ticket = ticket, .verdict = std::nullopt};
    settling_ = true;
    return false;
  }
  if (request.version != state::kAnyVersion &&
      request.version != static_cast<int64_t>(members_.current().version) - 1) {
    return std::unexpected(Code::bad_version);
  }
  if (auto taken = want(std::move(wanted), now); !taken) {
    log::info("replica", "refuses to change the members", {{"reason", taken.error().message}});
    return std::unexpected(code_of(taken.error()));
  }
  asked_ = Asked{.tag = tag, .ticket = ticket, .verdict = std::nullopt};
  return false;
}

Result<> Reconfiguration::want(WantedMembers wanted, Instant now) {
  if (auto taken = change_.want(members_.all(), std::move(wanted)); !taken) return taken;
  failure_.clear();
  progress_at_ = now;
  return {};
}

void Reconfiguration::finish(std::expected<bool, Code> verdict) {
  if (!request_waits()) return;
  asked_->verdict = verdict;
  release_(asked_->ticket);
}

// One step at a time: a step that is under way already is refused by the engine, and offered again.
void Reconfiguration::advance(Instant now) {
  if (!active_) return;
  const bool was_wanted = change_.wanted();
  const auto next = change_.next_step(members_.all(), met_);
  if (was_wanted && !change_.wanted()) settling_ = true;
  if (next) {
    driver_.feed(consensus::Propose{
        .cookie = kCookie, .kind = consensus::EntryKind::membership, .payloads = {Blob(encode_members(*next))}});
  }
  if (settling_ && driver_.status().membership_firm) {
    settling_ = false;
    log::info("replica", "the members are as wanted", {{"membership", to_string(members_.current())}});
    finish(true);
  }
  if (change_.wanted()) watch_progress(now);
}

void Reconfiguration::watch_progress(Instant now) {
  const std::vector<ReplicaId> newcomers = change_.newcomers(members_.current());
  uint64_t progress = members_.current().version;
  for (const consensus::EngineStatus::Peer& peer : driver_.status().peers) {
    if (std::ranges::find(newcomers, peer.id) != newcomers.end()) progress += peer.match.value;
  }
  if (progress != progress_) {
    progress_ = progress;
    progress_at_ = now;
  }
  if (now - progress_at_ < patience_) return;
  failure_ = state();
  change_.forget();
  log::warning("replica", "gives up a change of the members", {{"state", failure_}});
  finish(std::unexpected(Code::new_config_no_quorum));
}

std::string Reconfiguration::state() const {
  const consensus::Membership& now = members_.current();
  if (now.joint()) return "changing the voters: " + to_string(now);
  if (settling_) return "the last voters learn of it: " + to_string(now);
  if (!change_.wanted()) return failure_.empty() ? "none" : "failed: " + failure_;
  std::string text;
  const consensus::EngineStatus engine = driver_.status();
  for (const ReplicaId id : change_.newcomers(now)) {
    const auto peer = std::ranges::find(engine.peers, id, &consensus::EngineStatus::Peer::id);
    text += text.empty() ? "adding " : ", ";
    if (met_.disk_of(id) == consensus::DiskId() && (peer == engine.peers.end() || peer->since_heard < Duration{0})) {
      text += fmt::format("{}: not met yet", id.value);
    } else {
      const uint64_t match = peer == engine.peers.end() ? 0 : peer->match.value;
      text += fmt::format("{}: {} of {} entries", id.value, match, engine.committed.value);
    }
  }
  return text.empty() ? "changing: " + to_string(now) : text;
}

}  // namespace conclave::replica
