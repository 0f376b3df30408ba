#include "app/bench/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <fmt/format.h>
#include <unistd.h>

namespace conclave::app::bench {
namespace {

template <class T>
Result<> parse_number(std::string_view option, std::string_view text, T low, T high, T* out) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < low || value > high)
    return fail(ErrorKind::invalid_argument,
                fmt::format("{} {}: must be a number from {} to {}", option, text, low, high));
  *out = value;
  return {};
}

Result<> parse_servers(std::string_view text, std::vector<Server>* out) {
  out->clear();
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view one = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    const size_t colon = one.rfind(':');
    if (colon == std::string_view::npos || colon == 0)
      return fail(ErrorKind::invalid_argument, fmt::format("--servers: '{}' is not HOST:PORT", one));
    Server server{.host = std::string(one.substr(0, colon))};
    if (auto ok = parse_number<uint16_t>("--servers: port", one.substr(colon + 1), 1, 65535, &server.port); !ok)
      return ok;
    out->push_back(std::move(server));
  }
  return {};
}

Result<> parse_pids(std::string_view text, std::vector<int>* out) {
  out->clear();
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    int pid = 0;
    if (auto ok = parse_number<int>("--watch-pids:", text.substr(0, comma), 1, 1 << 30, &pid); !ok) return ok;
    out->push_back(pid);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return {};
}

constexpr std::array kWorkloads = {Workload::write, Workload::create, Workload::read, Workload::mixed,
                                   Workload::idle,  Workload::watch,  Workload::fill, Workload::failover};

Result<> parse_workload(std::string_view text, Workload* out) {
  std::string names;
  for (const Workload workload : kWorkloads) {
    if (text == to_string(workload)) return *out = workload, Result<>();
    names += fmt::format("{}{}", names.empty() ? "" : ", ", to_string(workload));
  }
  return fail(ErrorKind::invalid_argument, fmt::format("--workload {}: must be one of {}", text, names));
}

Result<> parse_signal(std::string_view text, int* out) {
  if (text == "KILL") return *out = SIGKILL, Result<>();
  if (text == "STOP") return *out = SIGSTOP, Result<>();
  if (text == "TERM") return *out = SIGTERM, Result<>();
  return fail(ErrorKind::invalid_argument, fmt::format("--signal {}: must be KILL, STOP or TERM", text));
}

Result<> parse_pin(std::string_view text, std::optional<size_t>* out) {
  size_t number = 0;
  if (auto ok = parse_number<size_t>("--pin", text, 1, 1000, &number); !ok) return ok;
  *out = number - 1;
  return {};
}

Result<> parse_mix(std::string_view text, Options* out) {
  const size_t colon = std::min(text.find(':'), text.size());
  if (auto ok = parse_number<uint32_t>("--mix: reads", text.substr(0, colon), 1, 1000, &out->mix_reads); !ok) return ok;
  return parse_number<uint32_t>("--mix: writes", text.substr(std::min(colon + 1, text.size())), 1, 1000,
                                &out->mix_writes);
}

Result<> parse_base(std::string_view text, std::string* out) {
  if (text.size() < 2 || text.front() != '/' || text.back() == '/' || text.find('/', 1) != std::string_view::npos)
    return fail(ErrorKind::invalid_argument,
                fmt::format("--base {}: must be a path of one component, as /bench", text));
  *out = text;
  return {};
}

// The blow is whole only when all three of its options were given.
struct BlowOptions {
  std::optional<double> at_s;
  int signal = 0;
  int victim = 0;
};

Result<> parse_option(std::string_view name, std::string_view value, Options* out, BlowOptions* blow) {
  if (name == "--servers") return parse_servers(value, &out->servers);
  if (name == "--pin") return parse_pin(value, &out->pinned);
  if (name == "--workload") return parse_workload(value, &out->workload);
  if (name == "--mix") return parse_mix(value, out);
  if (name == "--connections") return parse_number<uint32_t>(name, value, 1, 50'000, &out->connections);
  if (name == "--outstanding") return parse_number<uint32_t>(name, value, 1, 4096, &out->outstanding);
  if (name == "--rate") return parse_number<double>(name, value, 1, 10'000'000, &out->rate);
  if (name == "--size") return parse_number<uint32_t>(name, value, 8, 1'000'000, &out->size_bytes);
  if (name == "--keys") return parse_number<uint32_t>(name, value, 1, 10'000'000, &out->keys);
  if (name == "--nodes") return parse_number<uint32_t>(name, value, 1, 100'000'000, &out->nodes);
  if (name == "--rounds") return parse_number<uint32_t>(name, value, 1, 100'000, &out->rounds);
  if (name == "--seconds") return parse_number<double>(name, value, 0.1, 3600, &out->seconds);
  if (name == "--warmup") return parse_number<double>(name, value, 0, 600, &out->warmup_seconds);
  if (name == "--ops") return parse_number<uint64_t>(name, value, 1, 1'000'000'000, &out->operations);
  if (name == "--session-timeout") return parse_number<uint32_t>(name, value, 1000, 600'000, &out->session_timeout_ms);
  if (name == "--request-timeout") return parse_number<uint32_t>(name, value, 10, 60'000, &out->request_timeout_ms);
  if (name == "--at") return parse_number<double>(name, value, 0, 3600, &blow->at_s.emplace());
  if (name == "--signal") return parse_signal(value, &blow->signal);
  if (name == "--victim") return parse_number<int>(name, value, 2, 1 << 30, &blow->victim);
  if (name == "--seed") return parse_number<uint64_t>(name, value, 0, UINT64_MAX, &out->seed);
  if (name == "--watch-pids") return parse_pids(value, &out->watch_pids);
  if (name == "--base") return parse_base(value, &out->base);
  if (name == "--svg") return out->svg_file = value, Result<>();
  if (name == "--interval") return parse_number<uint32_t>(name, value, 10, 60'000, &out->interval_ms);
  return fail(ErrorKind::invalid_argument, fmt::format("{}: no such option (try --help)", name));
}

bool paces(Workload workload) {
  return workload == Workload::write || workload == Workload::create || workload == Workload::read ||
         workload == Workload::mixed;
}

uint32_t default_connections(Workload workload) {
  switch (workload) {
    case Workload::idle:
      return 10'000;
    case Workload::watch:
      return 5000;
    case Workload::failover:
      return 16;
    default:
      return 64;
  }
}

// What no single option can tell.
Result<> check_together(const BlowOptions& blow, Options* out) {
  if (out->servers.empty()) return fail(ErrorKind::invalid_argument, "--servers is missing (try --help)");
  if (out->pinned && *out->pinned >= out->servers.size())
    return fail(ErrorKind::invalid_argument,
                fmt::format("--pin {}: must be a number from 1 to {}, the count of --servers", *out->pinned + 1,
                            out->servers.size()));
  const std::string_view workload = to_string(out->workload);
  if (out->rate != 0 && !paces(out->workload))
    return fail(ErrorKind::invalid_argument,
                fmt::format("--rate: the workload must be write, create, read or mixed, not {}", workload));
  if (out->operations != 0 && !paces(out->workload))
    return fail(ErrorKind::invalid_argument,
                fmt::format("--ops: the workload must be write, create, read or mixed, not {}", workload));
  if (!out->svg_file.empty() && (out->workload == Workload::idle || out->workload == Workload::watch))
    return fail(ErrorKind::invalid_argument, fmt::format("--svg: the workload {} has no latency over time", workload));
  if (!blow.at_s && blow.signal == 0 && blow.victim == 0) return {};
  if (!blow.at_s || blow.signal == 0 || blow.victim == 0)
    return fail(ErrorKind::invalid_argument, "--at, --signal and --victim must be given together");
  if (out->workload != Workload::failover)
    return fail(ErrorKind::invalid_argument, fmt::format("--at: the workload must be failover, not {}", workload));
  if (*blow.at_s >= out->seconds)
    return fail(ErrorKind::invalid_argument,
                fmt::format("--at {}: must be before the end of --seconds {}", *blow.at_s, out->seconds));
  out->blow = Blow{.at_s = *blow.at_s, .signal = blow.signal, .victim = blow.victim};
  return {};
}

}  // namespace

std::string_view to_string(Workload workload) {
  switch (workload) {
    case Workload::write:
      return "write";
    case Workload::create:
      return "create";
    case Workload::read:
      return "read";
    case Workload::mixed:
      return "mixed";
    case Workload::idle:
      return "idle";
    case Workload::watch:
      return "watch";
    case Workload::fill:
      return "fill";
    case Workload::failover:
      return "failover";
  }
  return "?";
}

bool Options::shows_progress() const {
  return progress || isatty(STDERR_FILENO) == 1;
}

std::string usage() {
  return R"(usage: conclave bench --servers HOST:PORT[,HOST:PORT...] [options]

what to do
  --workload NAME    (default write)
      write          setData on own keys
      create         new nodes, until the time is over
      read           getData of own keys
      mixed          both, as --mix R:W says: R reads to W writes (default 2:1)
      idle           sessions that only ping: their memory and CPU at the servers
      watch          every connection watches one node: how long until the last is told of a change
      fill           new nodes until --nodes N (default 100000) are there: rate, memory per node
      failover       writes by clients that go to another server when theirs fails: the gap
  --size BYTES       data of a node (default 1024)
  --keys N           nodes written and read (default 1000, at least one a connection)
  --base /NAME       where the nodes live (default /bench); they are left there
  --seed N           order of the keys (default 1)

how much, how long
  --connections N    client sessions (default 64; failover 16, watch 5000, idle 10000)
  --outstanding N    requests in flight on each connection (default 16; failover 1)
  --spread, --pin N  the connections go to all servers in turn (default), or all to the Nth of --servers
  --rate OPS         write, create, read, mixed: so many operations a second, whether or not the servers keep up;
                     latency counts from when each was due
  --seconds S        measured time (default 5) after --warmup S (default 1)
  --ops N            stop after N operations instead; without --warmup's time
  --rounds N         watch: changes measured (default 20)
  --session-timeout MS   asked of the servers (default 30000); idle sessions ping at a third of it

failover
  --request-timeout MS   unanswered for so long, a client goes to the next server (default 500)
  --at S --signal KILL|STOP|TERM --victim PID
                     sends the signal, S seconds into the measured time, and measures from that instant; the victim
                     is left as it is then

what to report
  --watch-pids P,..  processes on this machine whose CPU time and memory to report. When there are as many as servers,
                     each is taken for the server in the same place
  --svg FILE         a plot of latency and throughput over time, in intervals of --interval MS (default 100);
                     not for idle and watch
  --progress         a line each second on standard error; without it only when that is a terminal
  --json             one JSON object on standard output instead of the table
)";
}

Result<Options> parse_options(std::span<const std::string> args) {
  Options options;
  BlowOptions blow;
  for (size_t i = 0; i < args.size(); ++i) {
    std::string_view name = args[i];
    if (name == "--help" || name == "-h") return options.help = true, options;
    if (name == "--json" || name == "--progress") {
      (name == "--json" ? options.json : options.progress) = true;
      continue;
    }
    if (name == "--spread") {
      options.pinned.reset();
      continue;
    }
    std::optional<std::string_view> value;
    if (const size_t equals = name.find('='); equals != std::string_view::npos) {
      value = name.substr(equals + 1);
      name = name.substr(0, equals);
    } else if (i + 1 < args.size()) {
      value = args[++i];
    }
    if (!value) return fail(ErrorKind::invalid_argument, fmt::format("{}: a value is missing", name));
    if (auto ok = parse_option(name, *value, &options, &blow); !ok) return std::unexpected(ok.error());
  }
  if (auto ok = check_together(blow, &options); !ok) return std::unexpected(ok.error());
  if (options.connections == 0) options.connections = default_connections(options.workload);
  if (options.outstanding == 0) options.outstanding = options.workload == Workload::failover ? 1 : 16;
  options.keys = std::max(options.keys, options.connections);  // each connection owns keys
  return options;
}

}  // namespace conclave::app::bench
