#include "app/engines/options.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <optional>
#include <string_view>

namespace conclave::app::engines {
namespace {

constexpr std::string_view kEngines = "--engines";
constexpr int64_t kSeedsMax = 100'000;

std::unexpected<Error> wrong(std::string message) {
  return fail(ErrorKind::invalid_argument, std::move(message));
}

bool is_help(std::string_view arg) {
  return arg == "--help" || arg == "-h";
}

Result<std::vector<consensus::EngineKind>> parse_engines(std::string_view text) {
  std::vector<consensus::EngineKind> engines;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const auto engine = consensus::parse_engine_kind(text.substr(begin, end - begin));
    if (!engine) return wrong(fmt::format("{}: {}", kEngines, engine.error().message));
    if (std::ranges::find(engines, *engine) != engines.end()) {
      return wrong(fmt::format("{}: {} is named twice", kEngines, to_string(*engine)));
    }
    engines.push_back(*engine);
    begin = end + 1;
  }
  return engines;
}

Result<int64_t> parse_seeds(std::string_view text) {
  int64_t seeds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seeds);
  if (error != std::errc() || end != text.data() + text.size() || seeds < 1 || seeds > kSeedsMax) {
    return wrong(fmt::format("--seeds {}: must be a whole number from 1 to {}", text, kSeedsMax));
  }
  return seeds;
}

Result<> apply(std::string_view name, std::string_view value, Options* out) {
  if (name == kEngines) {
    auto engines = parse_engines(value);
    if (!engines) return std::unexpected(engines.error());
    out->compare.engines = *std::move(engines);
    return {};
  }
  const auto seeds = parse_seeds(value);
  if (!seeds) return std::unexpected(seeds.error());
  out->compare.seeds = *seeds;
  return {};
}

}  // namespace

bool asked_for(std::span<const std::string> args) {
  return std::ranges::any_of(args, [](std::string_view arg) { return arg.substr(0, arg.find('=')) == kEngines; });
}

std::string usage() {
  return fmt::format(
      "usage: conclave bench --engines LIST [options]\n"
      "  --engines LIST     compare these consensus engines (paxos,raft) in the simulator: what a write costs, how\n"
      "                     long a fail-over takes, what partial partitions do; docs/engines.md explains the figures\n"
      "  --seeds N          fail-overs of each kind (default {}); a quarter as many of each partition\n"
      "  --json             one JSON object on standard output, times in microseconds\n",
      sim::compare::CompareOptions().seeds);
}

Result<Options> parse_options(std::span<const std::string> args) {
  Options options;
  options.help = std::ranges::any_of(args, is_help);
  if (options.help) return options;
  for (size_t i = 0; i < args.size(); ++i) {
    std::string_view name = args[i];
    if (name == "--json") {
      options.json = true;
      continue;
    }
    std::optional<std::string_view> value;
    if (const size_t equals = name.find('='); equals != std::string_view::npos) {
      value = name.substr(equals + 1);
      name = name.substr(0, equals);
    }
    if (name != kEngines && name != "--seeds") {
      return wrong(fmt::format("{}: does not go with --engines (try --help)", name));
    }
    if (!value && i + 1 < args.size()) value = args[++i];
    if (!value) return wrong(fmt::format("{}: a value is missing", name));
    if (auto applied = apply(name, *value, &options); !applied) return std::unexpected(applied.error());
  }
  if (options.compare.engines.empty()) return wrong("--engines is missing (try --help)");
  return options;
}

}  // namespace conclave::app::engines
