#include "frontend/zookeeper/four_letter_words.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

namespace conclave::frontend::zookeeper {
namespace {

using Line = std::back_insert_iterator<Bytes>;

constexpr std::string_view kNotServing = "This ZooKeeper instance is not currently serving requests\n";

bool serving(const ServerView& view) {
  return view.hub.gateway.serving() || view.read_only;
}

std::string mode(const ServerView& view) {
  if (view.read_only) return "read-only";
  const replica::Status status = view.hub.gateway.status();
  // An observer may serve before it knows who the members are.
  if (status.peers.size() <= 1 && status.role != replica::Role::observer) return "standalone";
  switch (status.role) {
    case replica::Role::leader:
      return "leader";
    case replica::Role::follower:
      return "follower";
    case replica::Role::observer:
      return "observer";
    case replica::Role::looking:
      return "follower";  // between two masters
  }
  return "follower";
}

// As Java prints a double that was rounded to four decimals: "0.0", "4.3333", "2.5".
std::string average(double value) {
  std::string text = fmt::format("{:.4f}", value);
  while (text.ends_with('0') && !text.ends_with(".0")) text.pop_back();
  return text;
}

std::string socket_address(const env::Address& address) {
  const bool bare_v6 = address.host.find(':') != std::string::npos;
  return bare_v6 ? fmt::format("/[{}]:{}", address.host, address.port)
                 : fmt::format("/{}:{}", address.host, address.port);
}

void connection_line(const Connection& connection, bool brief, Bytes* out) {
  const ConnectionStatistics& s = connection.statistics();
  fmt::format_to(Line(*out), " {}[1](queued={},recved={},sent={}", socket_address(connection.peer()),
                 connection.outstanding(), s.received, s.sent);
  if (!brief && connection.session() != SessionId()) {
    fmt::format_to(Line(*out),
                   ",sid=0x{:x},lop={},est={},to={},lcxid=0x{:x},lzxid=0x{:x},lresp={},llat={},minlat={},avglat={},"
                   "maxlat={}",
                   static_cast<uint64_t>(connection.session().value), s.last_operation, s.established_ms,
                   connection.timeout_ms(), static_cast<uint64_t>(int64_t{s.last_xid}), s.last_zxid, s.last_response_ms,
                   s.last_latency_ms, s.latencies.min_ms, static_cast<int64_t>(s.latencies.average_ms()),
                   s.latencies.max_ms);
  }
  *out += ")\n";
}

void srvr(const ServerView& view, bool with_clients, Bytes* out) {
  if (!serving(view)) {
    *out += kNotServing;
    return;
  }
  const ServerStatistics& s = view.hub.statistics;
  const state::Service& state = view.hub.gateway.state();
  fmt::format_to(Line(*out), "Zookeeper version: {}\n", view.hub.settings.version);
  if (view.read_only) *out += "READ-ONLY mode; serving only read-only clients\n";
  if (with_clients) {
    *out += "Clients:\n";
    for (const Connection* connection : view.connections) connection_line(*connection, /*brief=*/true, out);
    *out += "\n";
  }
  fmt::format_to(Line(*out),
                 "Latency min/avg/max: {}/{}/{}\nReceived: {}\nSent: {}\nConnections: {}\nOutstanding: {}\n"
                 "Zxid: 0x{:x}\nMode: {}\nNode count: {}\n",
                 s.latencies.min_ms, average(s.latencies.average_ms()), s.latencies.max_ms, s.received, s.sent,
                 view.connections.size(), s.outstanding, state.last_zxid().value, mode(view), state.node_count());
}

size_t global_sessions(const ServerView& view) {
  return view.hub.gateway.status().sessions_global;
}

void mntr(const ServerView& view, Bytes* out) {
  if (!serving(view)) {
    *out += kNotServing;
    return;
  }
  const ServerStatistics& s = view.hub.statistics;
  const state::Service& state = view.hub.gateway.state();
  const replica::Status status = view.hub.gateway.status();
  const ProcessFigures process =
      view.hub.settings.process_figures ? view.hub.settings.process_figures() : ProcessFigures{};
  const auto row = [out](std::string_view key, const auto& value) {
    fmt::format_to(Line(*out), "zk_{}\t{}\n", key, value);
  };
  row("version", view.hub.settings.version);
  row("server_state", mode(view));
  row("peer_state", status.role == replica::Role::leader ? "leading - broadcast" : "following - broadcast");
  row("ephemerals_count", state.ephemeral_count());
  row("num_alive_connections", view.connections.size());
  row("avg_latency", average(s.latencies.average_ms()));
  row("outstanding_requests", s.outstanding);
  row("znode_count", state.node_count());
  row("global_sessions", global_sessions(view));
  row("local_sessions", view.hub.local_sessions.size());
  row("packets_sent", s.sent);
  row("packets_received", s.received);
  row("watch_count", view.hub.watches.watch_count());
  row("auth_failed_count", s.auth_failed);
  row("min_latency", s.latencies.min_ms);
  row("max_latency", s.latencies.max_ms);
  row("open_file_descriptor_count", process.file_descriptors_open);
  row("max_file_descriptor_count", process.file_descriptors_max);
  row("approximate_data_size", state.approximate_data_bytes());
  row("uptime", (view.hub.clock.now() - view.started).ms());
  row("last_client_response_size", s.response_bytes_last);
  row("min_client_response_size", s.response_bytes_min);
  row("max_client_response_size", s.response_bytes_max);
  row("bytes_received_count", s.received_bytes);
  row("response_bytes", s.sent_bytes);
  row("connection_rejected", s.connections_rejected);
  row("connection_drop_count", s.connections_dropped);
  row("watch_events_sent", s.watch_events);
  row("looking_count", status.elections);
  // Conclave's own, which `conclave status` reads.
  const auto own = [out](std::string_view key, const auto& value) {
    fmt::format_to(Line(*out), "conclave_{}\t{}\n", key, value);
  };
  own("engine", status.engine);
  own("master", status.master.value);
  own("ballot", status.ballot);
  own("committed", status.committed.value);
  own("applied", status.applied.value);
  own("last", status.last.value);
  own("snapshot", status.snapshot.value);
  own("lease_valid", status.lease_valid ? 1 : 0);
  own("damaged", status.damaged);
  own("fsync_p50_us", status.fsync_p50.us);
  own("fsync_p99_us", status.fsync_p99.us);
  if (view.hub.settings.other_figures) {
    for (const auto& [key, value] : view.hub.settings.other_figures()) own(key, value);
  }
  row("member_version", status.member_version);
  row("waits_for", status.waits_for.empty() ? "nothing" : status.waits_for);
  if (status.role != replica::Role::leader) return;
  row("member_change", status.member_change.empty() ? "none" : status.member_change);
  int64_t learners = -1;  // ourselves
  int64_t followers = -1;
  int64_t observers = 0;
  for (const replica::PeerStatus& peer : status.peers) {
    const bool here = peer.connected || peer.id == status.self;
    learners += here;
    followers += here && peer.voter;
    observers += here && !peer.voter;
  }
  row("learners", std::max<int64_t>(learners, 0));
  row("synced_followers", std::max<int64_t>(followers, 0));
  row("synced_observers", observers);
  row("quorum_size", status.peers.size());
}

void conf(const ServerView& view, Bytes* out) {
  const Settings& settings = view.hub.settings;
  const replica::Status status = view.hub.gateway.status();
  if (!view.addresses.empty()) fmt::format_to(Line(*out), "clientPort={}\n", view.addresses.front().port);
  *out += "secureClientPort=-1\n";
  for (const std::string& line : settings.conf_lines) fmt::format_to(Line(*out), "{}\n", line);
  fmt::format_to(Line(*out),
                 "tickTime={}\nmaxClientCnxns={}\nminSessionTimeout={}\nmaxSessionTimeout={}\n"
                 "clientPortListenBacklog=-1\nserverId={}\n",
                 settings.tick_time_ms, settings.limits.connections_per_address_max, settings.session_timeout_min_ms,
                 settings.session_timeout_max_ms, status.self.value);
  if (status.peers.size() <= 1) return;
  *out += "membership: \n";
  for (const replica::PeerStatus& peer : status.peers) {
    fmt::format_to(Line(*out), "server.{}={}:{}:{}:{};{}:{}\n", peer.id.value, peer.peer_address.host,
                   peer.peer_address.port, peer.peer_address.port, peer.voter ? "participant" : "observer",
                   peer.client_address.host, peer.client_address.port);
  }
}

void cons(const ServerView& view, Bytes* out) {
  for (const Connection* connection : view.connections) connection_line(*connection, /*brief=*/false, out);
  *out += "\n";
}

void dump(const ServerView& view, Bytes* out) {
  const state::Service& state = view.hub.gateway.state();
  const auto sessions = state.sessions();
  fmt::format_to(Line(*out), "SessionTracker dump:\nGlobal Sessions({}):\n", sessions.size());
  size_t owners = 0;
  Bytes owned;
  for (const state::SessionView& session : sessions) {
    const auto id = static_cast<uint64_t>(session.id.value);
    fmt::format_to(Line(*out), "0x{:x}\t{}ms\n", id, session.timeout_ms);
    const auto paths = state.ephemerals(session.id);
    if (paths.empty()) continue;
    ++owners;
    fmt::format_to(Line(owned), "0x{:x}:\n", id);
    for (const std::string& path : paths) fmt::format_to(Line(owned), "\t{}\n", path);
  }
  fmt::format_to(Line(*out), "ephemeral nodes dump:\nSessions with Ephemerals ({}):\n{}", owners, owned);
  fmt::format_to(Line(*out), "Connections dump:\nConnections ({}):\n", view.connections.size());
  for (const Connection* connection : view.connections) {
    fmt::format_to(Line(*out), "\tip: {} sessionId: 0x{:x}\n", socket_address(connection->peer()),
                   static_cast<uint64_t>(connection->session().value));
  }
}

std::map<WatcherId, uint64_t> session_of(const ServerView& view) {
  std::map<WatcherId, uint64_t> out;
  for (const Connection* c : view.connections) out[c->number()] = static_cast<uint64_t>(c->session().value);
  return out;
}

void wchs(const ServerView& view, Bytes* out) {
  const WatchManager& watches = view.hub.watches;
  fmt::format_to(Line(*out), "{} connections watching {} paths\nTotal watches:{}\n", watches.watcher_count(),
                 watches.path_count(), watches.watch_count());
}

void wchp(const ServerView& view, Bytes* out) {
  const auto sessions = session_of(view);
  for (const auto& row : view.hub.watches.list()) {
    fmt::format_to(Line(*out), "{}\n", row.path);
    for (const WatcherId watcher : row.watchers) fmt::format_to(Line(*out), "\t0x{:x}\n", sessions.at(watcher));
  }
  *out += "\n";
}

void wchc(const ServerView& view, Bytes* out) {
  const auto sessions = session_of(view);
  std::map<WatcherId, std::vector<std::string_view>> paths;
  const auto rows = view.hub.watches.list();
  for (const auto& row : rows) {
    for (const WatcherId watcher : row.watchers) paths[watcher].push_back(row.path);
  }
  for (const auto& [watcher, watched] : paths) {
    fmt::format_to(Line(*out), "0x{:x}\n", sessions.at(watcher));
    for (const std::string_view path : watched) fmt::format_to(Line(*out), "\t{}\n", path);
  }
  *out += "\n";
}

void envi(const ServerView& view, Bytes* out) {
  fmt::format_to(Line(*out), "Environment:\nzookeeper.version={}\n", view.hub.settings.version);
  for (const std::string& line : view.hub.settings.environment_lines) fmt::format_to(Line(*out), "{}\n", line);
}

void dirs(const ServerView& view, Bytes* out) {
  const ProcessFigures process =
      view.hub.settings.process_figures ? view.hub.settings.process_figures() : ProcessFigures{};
  fmt::format_to(Line(*out), "datadir_size: {}\nlogdir_size: {}\n", process.snapshot_bytes, process.journal_bytes);
}

void isro(const ServerView& view, Bytes* out) {
  *out += !serving(view) ? "null" : view.read_only ? "ro" : "rw";
}

void hash(const ServerView& view, Bytes* out) {
  const state::Service& state = view.hub.gateway.state();
  fmt::format_to(Line(*out), "{:x}:{}\n", state.last_zxid().value, state.digest());
}

void crst(const ServerView& view, Bytes* out) {
  for (Connection* connection : view.connections) connection->reset_statistics();
  *out += "Connection stats reset.\n";
}

void srst(const ServerView& view, Bytes* out) {
  view.hub.statistics.reset();
  *out += "Server stats reset.\n";
}

struct Word {
  std::string_view name;
  void (*run)(const ServerView& view, Bytes* out);
};
constexpr Word kWords[] = {
    {"conf", conf},
    {"cons", cons},
    {"crst", crst},
    {"dirs", dirs},
    {"dump", dump},
    {"envi", envi},
    {"hash", hash},
    {"isro", isro},
    {"mntr", mntr},
    {"ruok", [](const ServerView&, Bytes* out) { *out += "imok"; }},
    {"srst", srst},
    {"srvr", [](const ServerView& view, Bytes* out) { srvr(view, /*with_clients=*/false, out); }},
    {"stat", [](const ServerView& view, Bytes* out) { srvr(view, /*with_clients=*/true, out); }},
    {"wchc", wchc},
    {"wchp", wchp},
    {"wchs", wchs},
};

bool allowed(std::string_view word, const Settings& settings) {
  if (word == "srvr" || (word == "isro" && settings.read_only_mode_enabled)) return true;
  return std::any_of(settings.four_letter_words.begin(), settings.four_letter_words.end(),
                     [&](const std::string& entry) { return entry == "*" || entry == word; });
}

}  // namespace

std::optional<Bytes> answer_four_letter_word(std::string_view word, const ServerView& view) {
  for (const Word& known : kWords) {
    if (known.name != word) continue;
    if (!allowed(word, view.hub.settings)) {
      return fmt::format("{} is not executed because it is not in the whitelist.\n", word);
    }
    Bytes out;
    known.run(view, &out);
    return out;
  }
  return std::nullopt;
}

}  // namespace conclave::frontend::zookeeper
