#include "app/status/report.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "app/config/scalars.h"
#include "app/status/layout.h"

namespace conclave::app {
namespace {

struct Column {
  std::string_view title;
  std::string (*value)(const ReplicaReport& replica, const CellReport& cell);
};

std::string or_dash(std::string_view text) {
  return text.empty() ? "-" : std::string(text);
}

// How far the replica is behind the master: in log positions, or in transactions if it does not tell those.
std::string lag(const ReplicaReport& replica, const CellReport& cell) {
  const auto leaders = cell.leaders();
  if (leaders.size() != 1) return "-";
  auto ahead = leaders.front()->number("applied");
  auto own = replica.number("applied");
  if (!ahead || !own) {
    ahead = leaders.front()->number("zxid");
    own = replica.number("zxid");
    // Counters of two epochs do not compare.
    if (!ahead || !own || (*ahead >> 32) != (*own >> 32)) return "-";
  }
  // The answers were not given at the same instant, so a follower may seem to be ahead.
  return std::to_string(std::max<int64_t>(0, *ahead - *own));
}

template <size_t N>
struct Key {
  char text[N];
  constexpr Key(const char (&literal)[N]) { std::copy_n(literal, N, text); }  // NOLINT: a literal is what it is
};
template <Key key>
std::string figure(const ReplicaReport& replica, const CellReport&) {
  return or_dash(replica.text(key.text));
}

constexpr Column kColumns[] = {
    {"REPLICA", [](const ReplicaReport& r, const CellReport&) { return env::to_string(r.address); }},
    {"ROLE",
     [](const ReplicaReport& r, const CellReport&) {
       return r.leads() ? std::string("master") : r.serves() ? r.mode : std::string("-");
     }},
    {"ENGINE", figure<"engine">},
    {"BALLOT", figure<"ballot">},
    {"COMMITTED", figure<"committed">},
    {"APPLIED", figure<"applied">},
    {"LAG", lag},
    {"SNAPSHOT", figure<"snapshot">},
    {"ZXID", figure<"zxid">},
    {"NODES", figure<"znode_count">},
    {"SESSIONS", figure<"global_sessions">},
    {"CLIENTS", figure<"num_alive_connections">},
    {"NOTE", [](const ReplicaReport& r, const CellReport&) { return r.problem; }},
};

bool plain_integer(std::string_view text) {
  return parse_integer(text).has_value() && text.find('x') == text.npos;
}

}  // namespace

std::string_view ReplicaReport::text(std::string_view key) const {
  const auto found = figures.find(key);
  return found == figures.end() ? std::string_view() : std::string_view(found->second);
}

std::optional<int64_t> ReplicaReport::number(std::string_view key) const {
  const auto value = parse_integer(text(key));
  return value ? std::optional(*value) : std::nullopt;
}

ReplicaReport read_report(const env::Address& address, const Result<std::string>& mntr) {
  ReplicaReport report{.address = address, .problem = {}, .mode = {}, .figures = {}};
  if (!mntr) {
    report.problem = "not reachable: " + mntr.error().message;
    return report;
  }
  if (mntr->starts_with("This ZooKeeper instance is not currently serving")) {
    report.problem = "reachable, knows no master";
    return report;
  }
  if (mntr->find("is not in the whitelist") != std::string::npos) {
    report.problem = "reachable, does not answer mntr: add it to clients.four_letter_words";
    return report;
  }
  std::string_view rest = *mntr;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    const size_t tab = line.find('\t');
    if (tab == std::string_view::npos) continue;
    std::string_view key = line.substr(0, tab);
    for (const std::string_view prefix : {"zk_", "conclave_"}) {
      if (key.starts_with(prefix)) key.remove_prefix(prefix.size());
    }
    report.figures.emplace(key, trim(line.substr(tab + 1)));
  }
  report.mode = report.text("server_state");
  if (report.mode.empty()) report.problem = "reachable, gave an answer that is not one to mntr";
  return report;
}

void add_srvr(const Result<std::string>& srvr, ReplicaReport* report) {
  if (!srvr || !report->serves()) return;
  constexpr std::string_view kLabel = "\nZxid: ";
  const size_t at = srvr->find(kLabel);
  if (at == std::string::npos) return;
  const size_t start = at + kLabel.size();
  report->figures.emplace("zxid", trim(std::string_view(*srvr).substr(start, srvr->find('\n', start) - start)));
}

std::vector<const ReplicaReport*> CellReport::leaders() const {
  std::vector<const ReplicaReport*> out;
  for (const ReplicaReport& replica : replicas) {
    if (replica.leads()) out.push_back(&replica);
  }
  return out;
}

bool CellReport::healthy() const {
  const auto leading = leaders();
  if (leading.size() != 1) return false;
  const ReplicaReport& leader = *leading.front();
  if (leader.mode == "standalone") return true;
  const int64_t members = leader.number("quorum_size").value_or(static_cast<int64_t>(replicas.size()));
  const int64_t seen_by_leader = leader.number("synced_followers").value_or(0) + 1;
  const int64_t seen_by_us = std::ranges::count_if(
      replicas, [](const ReplicaReport& r) { return r.leads() || (r.serves() && r.mode == "follower"); });
  return std::max(seen_by_leader, seen_by_us) > members / 2;
}

std::string CellReport::verdict() const {
  const auto leading = leaders();
  if (leading.empty()) return "no master";
  if (leading.size() > 1) {
    std::string names;
    for (const ReplicaReport* leader : leading) {
      names += (names.empty() ? "" : " and ") + env::to_string(leader->address);
    }
    return fmt::format("{} say that they are master", names);
  }
  const std::string master = env::to_string(leading.front()->address);
  return healthy() ? fmt::format("{} is master", master) : fmt::format("{} is master, without a quorum", master);
}

std::string table_text(const CellReport& cell) {
  std::vector<std::vector<std::string>> rows;
  rows.emplace_back();
  for (const Column& column : kColumns) rows.front().emplace_back(column.title);
  for (const ReplicaReport& replica : cell.replicas) {
    rows.emplace_back();
    for (const Column& column : kColumns) rows.back().push_back(column.value(replica, cell));
  }
  return columns_text(rows) + cell.verdict() + "\n";
}

std::string json_text(const CellReport& cell) {
  std::string out =
      fmt::format("{{\"healthy\": {}, \"verdict\": {}, \"replicas\": [", cell.healthy(), json_string(cell.verdict()));
  bool first = true;
  for (const ReplicaReport& replica : cell.replicas) {
    out += fmt::format(
        "{}{{\"address\": {}, \"serves\": {}, \"master\": {}, \"mode\": {}, \"problem\": {}, \"figures\": {{",
        first ? "" : ", ", json_string(env::to_string(replica.address)), replica.serves(), replica.leads(),
        json_string(replica.mode), json_string(replica.problem));
    bool first_figure = true;
    for (const auto& [key, value] : replica.figures) {
      out += fmt::format("{}{}: {}", first_figure ? "" : ", ", json_string(key),
                         plain_integer(value) ? value : json_string(value));
      first_figure = false;
    }
    out += "}}";
    first = false;
  }
  return out + "]}\n";
}

}  // namespace conclave::app
