#include "app/config/settings.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits>
#include <utility>

#include "app/config/scalars.h"

namespace conclave::app {
namespace {

constexpr int64_t kDay = 86'400'000;
constexpr int64_t kMany = std::numeric_limits<int32_t>::max();
constexpr int64_t kMiB = 1 << 20;

// A field of one section as an accessor function. Pointers to members of members do not exist in C++.
#define CONCLAVE_FIELD(section, key) +[](Configuration& configuration) -> auto& { return configuration.section.key; }

const std::vector<Setting>& table() {
  using enum Setting::ZooUnit;
  static const std::vector<Setting> instance = {
      // --- cell
      {"cell.name", "", CONCLAVE_FIELD(cell, name), "",
       "Name of the cell; its identity is a hash of it, and replicas of a cell of another name are refused."},
      {"cell.reconfig", "reconfigEnabled", CONCLAVE_FIELD(cell, reconfig), "",
       "Whether clients may ask for a change of membership."},

      // --- replica
      {"replica.id", "", CONCLAVE_FIELD(replica, id), "",
       "Which of the members this replica is. zoo.cfg: the file `myid` in dataDir.", 1, 255},
      {"replica.data_directory", "dataDir", CONCLAVE_FIELD(replica, data_directory), "path",
       "Where snapshots are kept, and the journal unless it has its own directory. Required."},
      {"replica.journal_directory", "dataLogDir", CONCLAVE_FIELD(replica, journal_directory), "path",
       "Where the journal is kept, for a disk of its own. Empty: the data directory."},
      {"replica.listen_on_all_addresses", "quorumListenOnAllIPs", CONCLAVE_FIELD(replica, listen_on_all_addresses), "",
       "Listen for peers on every interface instead of this replica's peer address alone."},
      {"replica.patience_ms",
       "syncLimit",
       CONCLAVE_FIELD(replica, patience_ms),
       "ms (zoo.cfg: ticks)",
       "How long requests of clients wait for a master before they are answered with a lost connection.",
       1,
       kDay,
       {},
       ticks},
      {"replica.join_warning_ms",
       "initLimit",
       CONCLAVE_FIELD(replica, join_warning_ms),
       "ms (zoo.cfg: ticks)",
       "A starting replica that has not joined its cell after this time says so, and why, in the log.",
       1,
       kDay,
       {},
       ticks},
      {"replica.forward_retry_ms", "", CONCLAVE_FIELD(replica, forward_retry_ms), "ms",
       "A request passed on to the master and unanswered for this long is sent again.", 10, kDay},
      {"replica.transactions_in_flight_max", "", CONCLAVE_FIELD(replica, transactions_in_flight_max), "transactions",
       "Transactions a master has evaluated and not yet applied.", 1, 1 << 20},
      {"replica.transaction_bytes_in_flight_max", "", CONCLAVE_FIELD(replica, transaction_bytes_in_flight_max), "bytes",
       "Their bytes.", kMiB, 4'096 * kMiB},

      // --- clients
      {"clients.address", "clientPortAddress", CONCLAVE_FIELD(clients, address), "host",
       "Address to listen on for clients. Empty: every interface."},
      {"clients.port", "clientPort", CONCLAVE_FIELD(clients, port), "port", "Port to listen on for clients.", 1,
       65'535},
      {"clients.connections_per_address_max", "maxClientCnxns", CONCLAVE_FIELD(clients, connections_per_address_max),
       "connections", "Connections from one client address; 0: no limit.", 0, kMany},
      {"clients.connections_max", "maxCnxns", CONCLAVE_FIELD(clients, connections_max), "connections",
       "Connections in all; 0: no limit.", 0, kMany},
      {"clients.frame_bytes_max", "jute.maxbuffer", CONCLAVE_FIELD(clients, frame_bytes_max), "bytes",
       "Longest request of a client, and so the most data of a node.", 1'024, 256 * kMiB},
      {"clients.outstanding_max", "globalOutstandingLimit", CONCLAVE_FIELD(clients, outstanding_max), "requests",
       "Unanswered requests of one connection before reading from it pauses.", 1, 1'000'000},
      {"clients.outstanding_bytes_max", "", CONCLAVE_FIELD(clients, outstanding_bytes_max), "bytes",
       "Their bytes, likewise.", 4'096, 1'024 * kMiB},
      {"clients.connect_timeout_ms", "", CONCLAVE_FIELD(clients, connect_timeout_ms), "ms",
       "A connection that has not sent its whole first request by then is closed.", 1, kDay},
      {"clients.partial_frame_timeout_ms", "", CONCLAVE_FIELD(clients, partial_frame_timeout_ms), "ms",
       "A connection that has begun a request and not finished it by then is closed.", 1, kDay},
      {"clients.watches_per_connection_max", "", CONCLAVE_FIELD(clients, watches_per_connection_max), "watches",
       "Watches of one connection.", 1, kMany},
      {"clients.unsent_bytes_max", "", CONCLAVE_FIELD(clients, unsent_bytes_max), "bytes",
       "A client that leaves more than this unread is closed.", 4'096, 1'024 * kMiB},
      {"clients.four_letter_words", "4lw.commands.whitelist", CONCLAVE_FIELD(clients, four_letter_words), "words",
       "Four-letter words that are answered; `*`: all of them."},
      {"clients.super_digest", "DigestAuthenticationProvider.superDigest", CONCLAVE_FIELD(clients, super_digest),
       "super:hash", "Digest of the super user, who may do everything. Empty: there is none."},
      {"clients.read_only_mode", "readonlymode.enabled", CONCLAVE_FIELD(clients, read_only_mode), "",
       "Serve reads to clients that ask for read-only mode while no master is known. "
       "A session that begins so ends with the mode, unless sessions may be local."},

      // --- chubby
      {"chubby.enabled", "", CONCLAVE_FIELD(chubby, enabled), "",
       "Whether this replica listens for clients of the lock service. False at some replicas only: while one of them "
       "is "
       "the master there is no lock service."},
      {"chubby.address", "", CONCLAVE_FIELD(chubby, address), "host",
       "Address to listen on for clients of the lock service. Empty: that of this replica's member entry, or every "
       "interface."},
      {"chubby.port", "", CONCLAVE_FIELD(chubby, port), "port",
       "Port to listen on for them, and that of every member without an address of its own, at the host of its peer "
       "address. 0: as the members say; if none does there is no lock service.",
       0, 65'535},
      {"chubby.lease_ms", "", CONCLAVE_FIELD(chubby, lease_ms), "ms",
       "How long a client's session, locks and cache are safe after the master was heard from. The cell waits this "
       "long "
       "for a client that was lost.",
       1'000, 600'000},
      {"chubby.lease_max_ms", "", CONCLAVE_FIELD(chubby, lease_max_ms), "ms",
       "The longest lease, of sessions that open while there are many. Not longer than lease_ms: all have that.", 1'000,
       600'000},
      {"chubby.lease_sessions", "", CONCLAVE_FIELD(chubby, lease_sessions), "sessions",
       "From so many sessions on, a further one gets a lease that is longer in proportion, for its whole life.", 1,
       kMany},
      {"chubby.offer_ms", "", CONCLAVE_FIELD(chubby, offer_ms), "ms",
       "A client whose turn it is to take a lock and that does not take it for so long loses its turn.", 100, 600'000},
      {"chubby.unopened_grace_ms", "", CONCLAVE_FIELD(chubby, unopened_grace_ms), "ms",
       "A new master leaves ephemeral nodes that nobody has open yet alone for so long.", 1'000, 3'600'000},
      {"chubby.hello_timeout_ms", "", CONCLAVE_FIELD(chubby, hello_timeout_ms), "ms",
       "A connection that has not said Hello by then is closed.", 1, kDay},
      {"chubby.connections_max", "", CONCLAVE_FIELD(chubby, connections_max), "connections",
       "Connections in all; more are closed at once.", 1, kMany},
      {"chubby.calls_per_session_max", "", CONCLAVE_FIELD(chubby, calls_per_session_max), "calls",
       "Unanswered calls of one session before more are put off.", 1, 65'536},
      {"chubby.handles_per_session_max", "", CONCLAVE_FIELD(chubby, handles_per_session_max), "handles",
       "Open handles of one session.", 1, kMany},
      {"chubby.cached_per_session_max", "", CONCLAVE_FIELD(chubby, cached_per_session_max), "nodes",
       "Nodes that one session may have cached.", 0, kMany},
      {"chubby.notices_per_session_max", "", CONCLAVE_FIELD(chubby, notices_per_session_max), "notices",
       "Notices on their way to one session; beyond it events are dropped and the client is told to look again.", 16,
       kMany},
      {"chubby.unsent_bytes_max", "", CONCLAVE_FIELD(chubby, unsent_bytes_max), "bytes",
       "A client that leaves more than this unread is closed.", 16 * kMiB, 4'096 * kMiB},

      // --- sessions
      {"sessions.tick_ms", "tickTime", CONCLAVE_FIELD(sessions, tick_ms), "ms",
       "The tick, in which the default session time-outs (and some values of zoo.cfg) are counted.", 1, kDay},
      {"sessions.timeout_min_ms", "minSessionTimeout", CONCLAVE_FIELD(sessions, timeout_min_ms), "ms",
       "Shortest session time-out a client can get; 0 (zoo.cfg: -1): two ticks.", 0, kMany},
      {"sessions.timeout_max_ms", "maxSessionTimeout", CONCLAVE_FIELD(sessions, timeout_max_ms), "ms",
       "Longest session time-out a client can get; 0 (zoo.cfg: -1): twenty ticks.", 0, kMany},
      {"sessions.local", "localSessionsEnabled", CONCLAVE_FIELD(sessions, local), "",
       "New sessions are known to their replica only, until they need to be global."},
      {"sessions.local_upgrade", "localSessionsUpgradingEnabled", CONCLAVE_FIELD(sessions, local_upgrade), "",
       "A local session becomes global when it creates its first ephemeral node."},
      {"sessions.touch_interval_ms", "", CONCLAVE_FIELD(sessions, touch_interval_ms), "ms",
       "How often a replica tells the master which of its sessions showed signs of life.", 10, 60'000},

      // --- tree
      {"tree.enforce_quota", "enforceQuota", CONCLAVE_FIELD(tree, enforce_quota), "",
       "Refuse writes above a quota; otherwise they are only logged."},
      {"tree.extended_types", "extendedTypesEnabled", CONCLAVE_FIELD(tree, extended_types), "",
       "Allow nodes with a time to live."},
      {"tree.skip_acl", "skipACL", CONCLAVE_FIELD(tree, skip_acl), "", "Let every client do everything."},
      {"tree.container_check_interval_ms", "znode.container.checkIntervalMs",
       CONCLAVE_FIELD(tree, container_check_interval_ms), "ms",
       "How often empty containers and nodes past their time to live are looked for.", 1, kDay},
      {"tree.reaped_per_check_max", "znode.container.maxPerMinute", CONCLAVE_FIELD(tree, reaped_per_check_max), "nodes",
       "Nodes removed by one such check.", 1, kMany},
      {"tree.multi_ops_max", "", CONCLAVE_FIELD(tree, multi_ops_max), "operations",
       "Operations in one transaction of a client.", 1, 1'000'000},
      {"tree.path_bytes_max", "", CONCLAVE_FIELD(tree, path_bytes_max), "bytes", "Longest path of a node.", 64, 65'536},
      {"tree.path_depth_max", "", CONCLAVE_FIELD(tree, path_depth_max), "names", "Deepest path of a node.", 4, 4'096},

      // --- storage
      {"storage.snapshot_every", "snapCount", CONCLAVE_FIELD(storage, snapshot_every), "transactions",
       "Log entries from one snapshot to the next.", 2, kMany},
      {"storage.snapshot_bytes",
       "snapSizeLimitInKb",
       CONCLAVE_FIELD(storage, snapshot_bytes),
       "bytes (zoo.cfg: KiB)",
       "Bytes of log from one snapshot to the next, if that comes first.",
       kMiB,
       int64_t{1} << 50,
       {},
       kibibytes},
      {"storage.entries_kept_in_memory", "commitLogCount", CONCLAVE_FIELD(storage, entries_kept_in_memory), "entries",
       "Entries behind a snapshot kept in memory, for peers that lag a little.", 0, kMany},
      {"storage.snapshots_kept", "autopurge.snapRetainCount", CONCLAVE_FIELD(storage, snapshots_kept), "snapshots",
       "Snapshots kept when older ones are removed.", 1, 1'000},
      {"storage.segment_bytes",
       "preAllocSize",
       CONCLAVE_FIELD(storage, segment_bytes),
       "bytes (zoo.cfg: KiB)",
       "Size of a journal file, allocated whole.",
       kMiB,
       4'096 * kMiB,
       {},
       kibibytes},
      {"storage.slow_sync_ms", "fsync.warningthresholdms", CONCLAVE_FIELD(storage, slow_sync_ms), "ms",
       "A sync of the journal that takes longer is logged.", 1, kDay},

      // --- consensus
      {"consensus.engine",
       "",
       CONCLAVE_FIELD(consensus, engine),
       "",
       "The algorithm behind the log: Multi-Paxos or Raft. The same at every replica, and for the whole life of a "
       "cell.",
       0,
       0,
       {"paxos", "raft"}},
      {"consensus.learning",
       "",
       CONCLAVE_FIELD(consensus, learning),
       "",
       "Who tells the learners what was chosen: the master, every acceptor, or a set of distinguished learners.",
       0,
       0,
       {"distinguished", "everyone", "distinguished_set"}},
      {"consensus.distinguished_learners", "", CONCLAVE_FIELD(consensus, distinguished_learners), "replicas",
       "Size of the set for `distinguished_set`.", 1, 255},
      {"consensus.leases", "", CONCLAVE_FIELD(consensus, leases), "",
       "Let the master answer reads under its lease; false: every read barrier asks a quorum."},
      {"consensus.clock_drift_ppm", "", CONCLAVE_FIELD(consensus, clock_drift_ppm), "parts per million",
       "Bound on the difference of clock rates between replicas, on which leases rely.", 0, 100'000},
      {"consensus.tick_ms", "", CONCLAVE_FIELD(consensus, tick_ms), "ms", "How often the engine looks at the time.", 1,
       1'000},
      {"consensus.heartbeat_ms", "", CONCLAVE_FIELD(consensus, heartbeat_ms), "ms",
       "How often the master shows that it is alive.", 1, 60'000},
      {"consensus.election_timeout_min_ms", "", CONCLAVE_FIELD(consensus, election_timeout_min_ms), "ms",
       "Shortest silence of the master after which a replica seeks the lead; also the length of a promise to a lease.",
       10, 600'000},
      {"consensus.election_timeout_max_ms", "", CONCLAVE_FIELD(consensus, election_timeout_max_ms), "ms",
       "Longest such silence; each replica draws its own from this range.", 10, 600'000},
      {"consensus.slots_in_flight_max", "", CONCLAVE_FIELD(consensus, slots_in_flight_max), "positions",
       "Log positions proposed and not yet chosen.", 1, 1 << 20},
      {"consensus.bytes_in_flight_max", "", CONCLAVE_FIELD(consensus, bytes_in_flight_max), "bytes",
       "Bytes proposed and not yet chosen.", kMiB, 4'096 * kMiB},
      {"consensus.message_bytes_max", "", CONCLAVE_FIELD(consensus, message_bytes_max), "bytes",
       "Payload of one message between replicas.", 64 << 10, 256 * kMiB},

      // --- log
      {"log.level",
       "",
       CONCLAVE_FIELD(log, level),
       "",
       "Lowest level that is written.",
       0,
       0,
       {"debug", "info", "warning", "error"}},
      {"log.file", "", CONCLAVE_FIELD(log, file), "path", "File to append the log to. Empty: standard error."},
  };
  return instance;
}

#undef CONCLAVE_FIELD

}  // namespace

std::span<const Setting> settings() {
  return table();
}

const Setting* find_setting(std::string_view name) {
  const auto found = std::find_if(table().begin(), table().end(), [&](const Setting& s) { return s.name == name; });
  return found == table().end() ? nullptr : &*found;
}

const Setting* find_zoo_setting(std::string_view zoo_name) {
  if (zoo_name.empty()) return nullptr;
  const auto found =
      std::find_if(table().begin(), table().end(), [&](const Setting& s) { return s.zoo_name == zoo_name; });
  return found == table().end() ? nullptr : &*found;
}

Result<> set_integer(const Setting& setting, int64_t value, Configuration* configuration) {
  if (value < setting.min || value > setting.max) {
    return fail(ErrorKind::invalid_argument,
                fmt::format("{} is out of range, {} to {} are allowed", value, setting.min, setting.max));
  }
  std::get<Setting::Integer>(setting.field)(*configuration) = value;
  return {};
}

Result<> set_text(const Setting& setting, std::string value, Configuration* configuration) {
  if (!setting.choices.empty() && std::ranges::find(setting.choices, value) == setting.choices.end()) {
    return fail(ErrorKind::invalid_argument,
                fmt::format("\"{}\" is none of {}", value, fmt::join(setting.choices, ", ")));
  }
  std::get<Setting::Text>(setting.field)(*configuration) = std::move(value);
  return {};
}

Result<> set_from_text(const Setting& setting, std::string_view text, int64_t tick_ms, Configuration* configuration) {
  if (std::holds_alternative<Setting::Text>(setting.field)) {
    return set_text(setting, std::string(trim(text)), configuration);
  }
  if (const auto* list = std::get_if<Setting::List>(&setting.field)) {
    (*list)(*configuration) = parse_list(text);
    return {};
  }
  if (const auto* boolean = std::get_if<Setting::Boolean>(&setting.field)) {
    const auto value = parse_boolean(text);
    if (!value) return std::unexpected(value.error());
    (*boolean)(*configuration) = *value;
    return {};
  }
  const auto value = parse_integer(text);
  if (!value) return std::unexpected(value.error());
  const int64_t factor = setting.zoo_unit == Setting::ZooUnit::ticks       ? tick_ms
                         : setting.zoo_unit == Setting::ZooUnit::kibibytes ? 1'024
                                                                           : 1;
  int64_t scaled = 0;
  if (__builtin_mul_overflow(*value, factor, &scaled)) {
    return fail(ErrorKind::invalid_argument, fmt::format("\"{}\" is too large", trim(text)));
  }
  return set_integer(setting, scaled, configuration);
}

std::string default_of(const Setting& setting) {
  Configuration defaults;
  if (const auto* integer = std::get_if<Setting::Integer>(&setting.field)) {
    return std::to_string((*integer)(defaults));
  }
  if (const auto* boolean = std::get_if<Setting::Boolean>(&setting.field)) {
    return (*boolean)(defaults) ? "true" : "false";
  }
  if (const auto* text = std::get_if<Setting::Text>(&setting.field)) {
    return fmt::format("\"{}\"", (*text)(defaults));
  }
  return fmt::format("[\"{}\"]", fmt::join(std::get<Setting::List>(setting.field)(defaults), "\", \""));
}

std::string_view type_of(const Setting& setting) {
  constexpr std::string_view kNames[] = {"integer", "boolean", "text", "list of texts"};
  return kNames[setting.field.index()];
}

std::string documentation_row(const Setting& setting) {
  const std::string_view key = setting.name.substr(setting.name.find('.') + 1);
  const std::string shown_default =
      setting.name == "replica.id" || setting.name == "replica.data_directory" ? "" : "`" + default_of(setting) + "`";
  const std::string zoo = setting.zoo_name.empty() ? "" : fmt::format("`{}`", setting.zoo_name);
  std::string meaning(setting.meaning);
  if (!setting.choices.empty()) meaning += fmt::format(" One of `{}`.", fmt::join(setting.choices, "`, `"));
  return fmt::format("| `{}` | {} | {} | {} | {} |", key, shown_default,
                     setting.unit.empty() ? type_of(setting) : setting.unit, zoo, meaning);
}

}  // namespace conclave::app
