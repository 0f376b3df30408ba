#include "app/server/options.h"

#include <fmt/format.h>

#include "app/server/process_figures.h"
#include "base/assert.h"
#include "wire/zookeeper/server_line.h"

namespace conclave::app {
namespace {

// Room for what a fact holds besides the data of the request: paths, versions, access control lists.
constexpr int64_t kFactOverheadBytes = 64 << 10;

ReplicaId id_of(int64_t id) {
  return ReplicaId(static_cast<uint8_t>(id));
}

consensus::EngineKind engine_of(const Configuration& configuration) {
  const auto engine = consensus::parse_engine_kind(configuration.consensus.engine);
  CONCLAVE_ASSERT(engine.has_value());
  return *engine;
}

consensus::Config engine_config(const Configuration& configuration, uint64_t seed) {
  const ConsensusSettings& settings = configuration.consensus;
  consensus::Config config;
  config.self = id_of(configuration.replica.id);
  for (const MemberSetting& member : configuration.cell.members) {
    config.members.push_back({.id = id_of(member.id), .voter = member.voter});
  }
  config.seed = seed;
  config.tick = Duration::millis(settings.tick_ms);
  config.heartbeat = Duration::millis(settings.heartbeat_ms);
  config.election_timeout_min = Duration::millis(settings.election_timeout_min_ms);
  config.election_timeout_max = Duration::millis(settings.election_timeout_max_ms);
  config.leases = settings.leases;
  config.clock_drift_ppm = settings.clock_drift_ppm;
  config.learning = settings.learning == "everyone"            ? consensus::Learning::everyone
                    : settings.learning == "distinguished_set" ? consensus::Learning::distinguished_set
                                                               : consensus::Learning::distinguished;
  config.distinguished_learners = static_cast<size_t>(settings.distinguished_learners);
  config.slots_in_flight_max = static_cast<size_t>(settings.slots_in_flight_max);
  config.bytes_in_flight_max = static_cast<size_t>(settings.bytes_in_flight_max);
  config.message_bytes_max = static_cast<size_t>(settings.message_bytes_max);
  return config;
}

state::EvaluatorSettings evaluator_settings(const Configuration& configuration) {
  const TreeSettings& tree = configuration.tree;
  state::EvaluatorSettings settings;
  settings.transaction_bytes_max = static_cast<size_t>(configuration.clients.frame_bytes_max + kFactOverheadBytes);
  settings.multi_ops_max = static_cast<size_t>(tree.multi_ops_max);
  settings.path_bytes_max = static_cast<size_t>(tree.path_bytes_max);
  settings.path_depth_max = static_cast<size_t>(tree.path_depth_max);
  settings.enforce_quota = tree.enforce_quota;
  settings.extended_types = tree.extended_types;
  settings.skip_acl = tree.skip_acl;
  return settings;
}

state::HostPort at(const env::Address& address) {
  return {.host = address.host, .port = address.port};
}

// Client addresses only where the list of members has them: what the cell shows is the same at every replica.
state::MemberAddress address_of(const MemberSetting& member) {
  state::MemberAddress address;
  for (const env::Address& peer : member.peer_addresses) address.peers.push_back(at(peer));
  address.election_port = member.election_port;
  if (member.client_listed) address.client = at(*member.client_address);
  if (member.chubby_address) address.lock_service = at(*member.chubby_address);
  return address;
}

}  // namespace

os::WorldOptions world_options(const Configuration& configuration) {
  os::WorldOptions options;
  options.data_directory = configuration.replica.data_directory;
  options.journal_directory = configuration.replica.journal_directory;
  const MemberSetting& self = configuration.self();
  if (self.peer_addresses.empty()) return options;  // a cell of one
  os::PeerOptions peers;
  peers.self = id_of(self.id);
  peers.cell = configuration.cell_id();
  peers.engine = consensus::number_of(engine_of(configuration));
  peers.listen = self.peer_addresses.front();
  if (configuration.replica.listen_on_all_addresses) peers.listen.host.clear();
  options.peers = std::move(peers);
  return options;
}

replica::MemberAddresses addresses_of(const Configuration& configuration) {
  replica::MemberAddresses addresses;
  for (const MemberSetting& member : configuration.cell.members) addresses[id_of(member.id)] = address_of(member);
  return addresses;
}

replica::Options replica_options(const Configuration& configuration, uint64_t seed) {
  replica::Options options;
  options.cell = configuration.cell_id();
  options.engine = engine_of(configuration);
  options.consensus = engine_config(configuration, seed);
  options.addresses = addresses_of(configuration);
  options.lock_service = options.addresses.at(options.consensus.self).lock_service;
  options.evaluator = evaluator_settings(configuration);
  options.member_config = member_config_text;

  const StorageSettings& storage = configuration.storage;
  options.snapshot_entries = static_cast<uint64_t>(storage.snapshot_every);
  options.snapshot_bytes = static_cast<uint64_t>(storage.snapshot_bytes);
  options.snapshots_kept = static_cast<size_t>(storage.snapshots_kept);
  options.entries_kept_in_memory = static_cast<uint64_t>(storage.entries_kept_in_memory);
  options.journal_segment_bytes = static_cast<uint64_t>(storage.segment_bytes);
  options.slow_sync = Duration::millis(storage.slow_sync_ms);

  const ReplicaSettings& replica = configuration.replica;
  options.transactions_in_flight_max = static_cast<size_t>(replica.transactions_in_flight_max);
  options.transaction_bytes_in_flight_max = static_cast<size_t>(replica.transaction_bytes_in_flight_max);
  options.forward_retry = Duration::millis(replica.forward_retry_ms);
  options.serving_grace = Duration::millis(replica.patience_ms);
  options.container_check_interval = Duration::millis(configuration.tree.container_check_interval_ms);
  options.reaped_per_check_max = static_cast<size_t>(configuration.tree.reaped_per_check_max);
  options.touch_interval = Duration::millis(configuration.sessions.touch_interval_ms);
  return options;
}

frontend::zookeeper::Settings front_end_settings(const Configuration& configuration) {
  const ClientsSettings& clients = configuration.clients;
  const SessionsSettings& sessions = configuration.sessions;
  frontend::zookeeper::Settings settings;
  settings.listen = {env::Address{clients.address, static_cast<uint16_t>(clients.port)}};

  frontend::zookeeper::Limits& limits = settings.limits;
  limits.frame_bytes_max = static_cast<size_t>(clients.frame_bytes_max);
  limits.connections_per_address_max = static_cast<size_t>(clients.connections_per_address_max);
  limits.connections_max = static_cast<size_t>(clients.connections_max);
  limits.outstanding_requests_max = static_cast<size_t>(clients.outstanding_max);
  limits.outstanding_bytes_max = static_cast<size_t>(clients.outstanding_bytes_max);
  limits.unsent_bytes_max = static_cast<size_t>(clients.unsent_bytes_max);
  limits.unsent_bytes_pause = std::min(limits.unsent_bytes_pause, limits.unsent_bytes_max / 2);
  limits.multi_ops_max = static_cast<size_t>(configuration.tree.multi_ops_max);
  limits.connect_timeout = Duration::millis(clients.connect_timeout_ms);
  limits.partial_frame_timeout = Duration::millis(clients.partial_frame_timeout_ms);
  limits.watches.watches_per_watcher_max = static_cast<size_t>(clients.watches_per_connection_max);

  settings.tick_time_ms = sessions.tick_ms;
  settings.session_timeout_min_ms = sessions.timeout_min_ms;
  settings.session_timeout_max_ms = sessions.timeout_max_ms;
  settings.local_sessions_enabled = sessions.local;
  settings.local_sessions_upgrading_enabled = sessions.local_upgrade;
  settings.read_only_mode_enabled = clients.read_only_mode;
  settings.skip_acl = configuration.tree.skip_acl;
  settings.reconfig_enabled = configuration.cell.reconfig;
  settings.super_digest = clients.super_digest;
  settings.four_letter_words = clients.four_letter_words;

  const ReplicaSettings& replica = configuration.replica;
  const std::string& journal = replica.journal_directory.empty() ? replica.data_directory : replica.journal_directory;
  settings.conf_lines = {
      fmt::format("dataDir={}", replica.data_directory),
      fmt::format("dataDirSize={}", directory_bytes(replica.data_directory + "/snapshots")),
      fmt::format("dataLogDir={}", journal),
      fmt::format("dataLogSize={}", directory_bytes(journal + "/journal")),
  };
  settings.environment_lines = environment_lines();
  settings.process_figures = [data = replica.data_directory, journal] {
    return frontend::zookeeper::ProcessFigures{
        .file_descriptors_open = file_descriptors_open(),
        .file_descriptors_max = file_descriptors_max(),
        .snapshot_bytes = directory_bytes(data + "/snapshots"),
        .journal_bytes = directory_bytes(journal + "/journal"),
    };
  };
  return settings;
}

frontend::chubby::Settings chubby_settings(const Configuration& configuration) {
  const ChubbySettings& chubby = configuration.chubby;
  frontend::chubby::Settings settings;
  if (const auto listen = configuration.chubby_listen()) settings.listen = {*listen};
  settings.cell = configuration.cell.name;
  settings.lease = Duration::millis(chubby.lease_ms);
  settings.lease_max = Duration::millis(chubby.lease_max_ms);
  settings.lease_sessions = static_cast<size_t>(chubby.lease_sessions);
  settings.offer = Duration::millis(chubby.offer_ms);
  settings.unopened_grace = Duration::millis(chubby.unopened_grace_ms);
  settings.limits.connections_max = static_cast<size_t>(chubby.connections_max);
  settings.limits.calls_max = static_cast<size_t>(chubby.calls_per_session_max);
  settings.limits.handles_max = static_cast<size_t>(chubby.handles_per_session_max);
  settings.limits.cached_max = static_cast<size_t>(chubby.cached_per_session_max);
  settings.limits.notices_max = static_cast<size_t>(chubby.notices_per_session_max);
  settings.limits.unsent_bytes_max = static_cast<size_t>(chubby.unsent_bytes_max);
  settings.limits.hello_timeout = Duration::millis(chubby.hello_timeout_ms);
  return settings;
}

std::string member_config_text(const replica::CellMembers& members) {
  wire::zookeeper::MemberConfig config{.servers = {}, .version = members.membership.version - 1};
  for (const consensus::Member& member : members.membership.members) {
    const auto address = members.addresses.find(member.id);
    if (address == members.addresses.end() || address->second.peers.empty()) continue;
    wire::zookeeper::ServerLine& line = config.servers.emplace_back();
    line.id = member.id.value;
    for (const state::HostPort& peer : address->second.peers) line.peers.push_back({peer.host, peer.port});
    line.election_port = address->second.election_port;
    line.observer = !member.voter;
    if (const auto& client = address->second.client) line.client = {client->host, client->port};
  }
  return format_member_config(config);
}

}  // namespace conclave::app
