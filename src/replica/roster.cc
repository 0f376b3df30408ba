#include "replica/roster.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/log.h"

namespace conclave::replica {
namespace {

constexpr Duration kPartingTime = Duration::seconds(1);

env::Address to_env(const state::HostPort& at) {
  return {at.host, at.port};
}

}  // namespace

Roster::Roster(const env::World& world, const Options& options, storage::Identity identity, Founding founding,
               state::Service& service, std::function<void(const std::vector<consensus::Member>&)> on_founded,
               std::function<void(const Error&)> on_failure)
    : world_(world),
      options_(options),
      self_(options.consensus.self),
      identity_(std::move(identity)),
      founding_(std::move(founding)),
      members_(founding_.founders(), options.addresses, service),
      on_founded_(std::move(on_founded)),
      on_failure_(std::move(on_failure)) {}

Roster::~Roster() {
  *alive_ = false;
}

void Roster::start() {
  renew_peers();
  if (!cell_known()) log::info("replica", "knows no cell yet", {{"waits_for", waits_for()}});
}

void Roster::on_peer_up(ReplicaId peer) {
  founding_.on_up(peer);
  if (!known_by_name()) introduce(peer);
}

bool Roster::apply(const consensus::Entry& entry) {
  const consensus::Membership before = current();
  if (!members_.apply(entry)) return false;
  const Instant until = world_.clock.now() + kPartingTime;
  for (const consensus::Member& member : before.members) leavers_[member.id] = until;
  for (const ReplicaId id : before.outgoing) leavers_[id] = until;
  renew_peers();
  note_listed();
  if (left_out() && before.concerns(self_)) log::warning("replica", waits_for());
  return true;
}

void Roster::restored() {
  members_.restored();
  renew_peers();
  note_listed();
}

void Roster::on_tick() {
  const Instant time = world_.clock.now();
  if (std::ranges::any_of(leavers_, [&](const auto& leaver) { return leaver.second <= time; })) renew_peers();
}

void Roster::remind() {
  if (!known_by_name()) introduce_to_all();
}

void Roster::on_introduction(ReplicaId from, const wire::peer::Introduction& introduction) {
  switch (founding_.on_introduction(from, introduction, cell_known())) {
    case Founding::Heard::nothing:
      return;
    case Founding::Heard::answer:
      return introduce(from);
    case Founding::Heard::news:
      return introduce_to_all();
    case Founding::Heard::founded:
      // It votes only when its disk will remember that it may.
      identity_.founders = founding_.founders();
      return save_identity([this] {
        members_.founded(founding_.founders());
        renew_peers();
        log::info("replica", "the cell is founded", {{"membership", to_string(current())}});
        on_founded_(founding_.founders());
        introduce_to_all();
      });
  }
}

// Do the members list this very disk?
bool Roster::known_by_name() const {
  const consensus::Member* self = current().find(options_.consensus.self);
  return self != nullptr && self->disk == founding_.disk();
}

void Roster::introduce(ReplicaId to) {
  world_.peers.send(to, encode(wire::peer::PeerMessage(founding_.introduction_to(to, cell_known()))));
}

void Roster::introduce_to_all() {
  std::set<ReplicaId> others;
  for (const consensus::Member& member : founding_.configured()) others.insert(member.id);
  for (const consensus::Member& member : current().members) others.insert(member.id);
  for (const ReplicaId other : others) {
    if (world_.peers.connected(other)) introduce(other);
  }
}

// Others may count on this disk from now on, whatever its log tells after the next start.
void Roster::note_listed() {
  if (identity_.listed || !known_by_name()) return;
  identity_.listed = true;
  save_identity([] {});
}

void Roster::save_identity(Task then) {
  auto saved = std::make_shared<Result<>>();
  world_.journal_worker.submit(
      [files = &world_.journal_files, identity = identity_, saved] {
        *saved = storage::save_identity(*files, storage::kJournalDirectory, identity);
      },
      [this, alive = alive_, saved, then = std::move(then)]() mutable {
        if (!*alive) return;
        if (!*saved) return on_failure_(saved->error());
        then();
      });
}

// Those that the cell's members are, and while none are known those of the configuration. Who leaves is listened to for
// a while: it has to hear that it has left, and to hand over the lead.
void Roster::renew_peers() {
  const bool known = cell_known();
  const Instant time = world_.clock.now();
  std::erase_if(leavers_,
                [&](const auto& leaver) { return leaver.second <= time || current().concerns(leaver.first); });
  env::PeerTable table{.version = current().version, .replicas = {}};
  const auto add = [&](ReplicaId id, const MemberAddresses& addresses) {
    const auto address = addresses.find(id);
    const bool reached = address != addresses.end() && !address->second.peers.empty();
    table.replicas[id] = reached ? to_env(address->second.peers.front()) : env::Address{};
  };
  for (const consensus::Member& member : current().members) add(member.id, members_.all().addresses);
  for (const ReplicaId id : current().outgoing) add(id, members_.all().addresses);
  if (!known) {
    for (const auto& [id, address] : options_.addresses) add(id, options_.addresses);
    for (const consensus::Member& member : founding_.configured()) add(member.id, options_.addresses);
  }
  for (const auto& [id, until] : leavers_) table.replicas.try_emplace(id);
  world_.peers.set_peers(std::move(table));
}

std::string Roster::waits_for() const {
  if (left_out()) {
    return "this replica is not a member of the cell (members version " + std::to_string(current().version) +
           "): add it (conclave member add), or, if it was removed, stop it";
  }
  const consensus::Member* self = current().find(self_);
  if (self != nullptr && self->disk != consensus::DiskId() && self->disk != founding_.disk()) return kLostDisk;
  return cell_known() ? std::string() : founding_.waits_for();
}

}  // namespace conclave::replica
