#include "app/bench/options.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <optional>

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

Result<> parse_workload(std::string_view text, Workload* out) {
  for (const Workload workload : {Workload::write, Workload::create, Workload::read, Workload::mixed})
    if (text == to_string(workload)) return *out = workload, Result<>();
  return fail(ErrorKind::invalid_argument, fmt::format("--workload {}: must be write, create, read or mixed", text));
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

Result<> parse_option(std::string_view name, std::string_view value, Options* out) {
  if (name == "--servers") return parse_servers(value, &out->servers);
  if (name == "--workload") return parse_workload(value, &out->workload);
  if (name == "--mix") return parse_mix(value, out);
  if (name == "--connections") return parse_number<uint32_t>(name, value, 1, 16000, &out->connections);
  if (name == "--outstanding") return parse_number<uint32_t>(name, value, 1, 4096, &out->outstanding);
  if (name == "--size") return parse_number<uint32_t>(name, value, 8, 1'000'000, &out->size_bytes);
  if (name == "--keys") return parse_number<uint32_t>(name, value, 1, 10'000'000, &out->keys);
  if (name == "--seconds") return parse_number<double>(name, value, 0.1, 3600, &out->seconds);
  if (name == "--warmup") return parse_number<double>(name, value, 0, 600, &out->warmup_seconds);
  if (name == "--ops") return parse_number<uint64_t>(name, value, 1, 1'000'000'000, &out->operations);
  if (name == "--seed") return parse_number<uint64_t>(name, value, 0, UINT64_MAX, &out->seed);
  if (name == "--watch-pids") return parse_pids(value, &out->watch_pids);
  if (name == "--base") return parse_base(value, &out->base);
  return fail(ErrorKind::invalid_argument, fmt::format("{}: no such option (try --help)", name));
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
  }
  return "?";
}

std::string usage() {
  return "usage: conclave bench --servers HOST:PORT[,HOST:PORT...] [options]\n"
         "  --workload write|create|read|mixed   what to send (default write: setData on own keys)\n"
         "  --mix R:W          mixed: R reads to W writes (default 2:1)\n"
         "  --connections N    client sessions, spread over the servers in turn (default 64)\n"
         "  --outstanding N    requests in flight on each connection (default 16)\n"
         "  --size BYTES       data of a node (default 1024)\n"
         "  --keys N           nodes written and read (default 1000, at least one a connection)\n"
         "  --seconds S        measured time (default 5) after --warmup S (default 1)\n"
         "  --ops N            stop after N operations instead; without --warmup's time\n"
         "  --base /NAME       where the nodes live (default /bench); they are left there\n"
         "  --seed N           order of the keys (default 1)\n"
         "  --watch-pids P,..  processes on this machine whose CPU time to report\n"
         "  --json             one JSON object on standard output\n";
}

Result<Options> parse_options(std::span<const std::string> args) {
  Options options;
  for (size_t i = 0; i < args.size(); ++i) {
    std::string_view name = args[i];
    if (name == "--help" || name == "-h") return options.help = true, options;
    if (name == "--json") {
      options.json = true;
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
    if (auto ok = parse_option(name, *value, &options); !ok) return std::unexpected(ok.error());
  }
  if (options.servers.empty()) return fail(ErrorKind::invalid_argument, "--servers is missing (try --help)");
  options.keys = std::max(options.keys, options.connections);  // each connection owns keys
  return options;
}

}  // namespace conclave::app::bench
