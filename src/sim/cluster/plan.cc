#include "sim/cluster/plan.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <variant>

namespace conclave::sim {
namespace {

struct Setting {
  std::string_view name;
  std::variant<int64_t Plan::*, Duration Plan::*, bool Plan::*> field;
  int64_t low = 0;  // microseconds for times
  int64_t high = INT64_MAX;
};

constexpr int64_t kSecond = 1'000'000;

constexpr std::array kSettings = {
    Setting{"seed", &Plan::seed},
    Setting{"replicas", &Plan::replicas, 1, 7},
    Setting{"observers", &Plan::observers, 0, 4},
    Setting{"spares", &Plan::spares, 0, 8},
    Setting{"founded", &Plan::founded},
    Setting{"engine", &Plan::engine, 0, 1},
    Setting{"tick", &Plan::tick, 1000, kSecond},
    Setting{"heartbeat", &Plan::heartbeat, 1000, 10 * kSecond},
    Setting{"election-timeout-min", &Plan::election_timeout_min, 1000, 60 * kSecond},
    Setting{"election-timeout-max", &Plan::election_timeout_max, 1000, 60 * kSecond},
    Setting{"leases", &Plan::leases},
    Setting{"clock-drift-ppm", &Plan::clock_drift_ppm, 0, 100'000},
    Setting{"learning", &Plan::learning, 0, 2},
    Setting{"slots-in-flight-max", &Plan::slots_in_flight_max, 1},
    Setting{"message-bytes-max", &Plan::message_bytes_max, 1},
    Setting{"transactions-in-flight-max", &Plan::transactions_in_flight_max, 1},
    Setting{"epoch-counter-high", &Plan::epoch_counter_high, 2, 0xFFFF'FFFF},
    Setting{"snapshot-entries", &Plan::snapshot_entries, 1},
    Setting{"snapshot-slice-bytes", &Plan::snapshot_slice_bytes, 1, 64 << 20},
    Setting{"entries-kept-in-memory", &Plan::entries_kept_in_memory, 0},
    Setting{"snapshots-kept", &Plan::snapshots_kept, 1, 10},
    Setting{"journal-segment-bytes", &Plan::journal_segment_bytes, 64 << 10, 1 << 30},
    Setting{"latency-min", &Plan::latency_min, 0, 10 * kSecond},
    Setting{"latency-max", &Plan::latency_max, 0, 10 * kSecond},
    Setting{"sync-time-max", &Plan::sync_time_max, 100, 10 * kSecond},
    Setting{"survive-percent", &Plan::survive_percent, 0, 100},
    Setting{"clients", &Plan::clients, 0, 200},
    Setting{"session-timeout", &Plan::session_timeout, kSecond, 600 * kSecond},
    Setting{"pause-between-operations", &Plan::pause_between_operations, 100, 3600 * kSecond},
    Setting{"pipelined", &Plan::pipelined, 1, 1000},
    Setting{"keys", &Plan::keys, 1, 10'000},
    Setting{"data-bytes-max", &Plan::data_bytes_max, 0, 1 << 20},
    Setting{"share-create", &Plan::share_create, 0, 1000},
    Setting{"share-remove", &Plan::share_remove, 0, 1000},
    Setting{"share-set", &Plan::share_set, 0, 1000},
    Setting{"share-get", &Plan::share_get, 0, 1000},
    Setting{"share-exists", &Plan::share_exists, 0, 1000},
    Setting{"share-children", &Plan::share_children, 0, 1000},
    Setting{"share-sync-get", &Plan::share_sync_get, 0, 1000},
    Setting{"share-multi", &Plan::share_multi, 0, 1000},
    Setting{"share-sequential", &Plan::share_sequential, 0, 1000},
    Setting{"watch-percent", &Plan::watch_percent, 0, 100},
    Setting{"read-only-percent", &Plan::read_only_percent, 0, 100},
    Setting{"session-end-per-million", &Plan::session_end_per_million, 0, 1'000'000},
    Setting{"lock-clients", &Plan::lock_clients, 0, 10'000},
    Setting{"lock-keys", &Plan::lock_keys, 1, 10'000},
    Setting{"lock-lease", &Plan::lock_lease, kSecond / 2, 60 * kSecond},
    Setting{"lock-grace", &Plan::lock_grace, kSecond, 600 * kSecond},
    Setting{"lock-fault-pace", &Plan::lock_fault_pace, 0, 3600 * kSecond},
    Setting{"safety", &Plan::safety, 0, 1'000'000 * kSecond},
    Setting{"settle-bound", &Plan::settle_bound, kSecond, 3600 * kSecond},
};

std::string value_text(const Plan& plan, const Setting& setting) {
  return std::visit(
      [&]<class T>(T Plan::* field) -> std::string {
        if constexpr (std::is_same_v<T, Duration>) return to_text(plan.*field);
        if constexpr (std::is_same_v<T, bool>) return plan.*field ? "on" : "off";
        if constexpr (std::is_same_v<T, int64_t>) return std::to_string(plan.*field);
      },
      setting.field);
}

int64_t value_number(const Plan& plan, const Setting& setting) {
  if (const auto* field = std::get_if<Duration Plan::*>(&setting.field)) return (plan.**field).us;
  if (const auto* field = std::get_if<int64_t Plan::*>(&setting.field)) return plan.**field;
  return 0;
}

Result<> set_value(Plan& plan, const Setting& setting, std::string_view text) {
  if (const auto* field = std::get_if<Duration Plan::*>(&setting.field)) {
    const auto duration = parse_duration(text);
    if (!duration) return std::unexpected(duration.error());
    plan.** field = *duration;
  } else if (const auto* flag = std::get_if<bool Plan::*>(&setting.field)) {
    if (text != "on" && text != "off") return fail(ErrorKind::invalid_argument, "expected on or off");
    plan.** flag = text == "on";
  } else {
    int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) {
      return fail(ErrorKind::invalid_argument, fmt::format("\"{}\" is not a whole number", text));
    }
    plan.*std::get<int64_t Plan::*>(setting.field) = number;
  }
  return {};
}

std::string_view trimmed(std::string_view line) {
  line = line.substr(0, line.find('#'));
  while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r')) line.remove_suffix(1);
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  return line;
}

}  // namespace

std::string to_text(const Plan& plan) {
  const Plan defaults;
  std::string text;
  for (const Setting& setting : kSettings) {
    const std::string value = value_text(plan, setting);
    if (setting.name == "seed" || value != value_text(defaults, setting)) {
      text += fmt::format("{} {}\n", setting.name, value);
    }
  }
  for (const Fault& fault : plan.faults) text += to_string(fault) + "\n";
  return text;
}

Result<> apply_line(Plan& plan, std::string_view line) {
  line = trimmed(line);
  if (line.empty()) return {};
  if (line.starts_with("at ")) {
    auto fault = parse_fault(line);
    if (!fault) return std::unexpected(fault.error());
    const auto after = std::ranges::upper_bound(plan.faults, fault->at, {}, &Fault::at);
    plan.faults.insert(after, *fault);
    return {};
  }
  const size_t space = line.find_first_of(" \t");
  const std::string_view name = line.substr(0, space);
  const auto setting = std::ranges::find(kSettings, name, &Setting::name);
  if (setting == kSettings.end())
    return fail(ErrorKind::invalid_argument, fmt::format("there is no setting \"{}\"", name));
  if (space == std::string_view::npos) return fail(ErrorKind::invalid_argument, fmt::format("{}: no value", name));
  if (auto set = set_value(plan, *setting, trimmed(line.substr(space))); !set) {
    return fail(ErrorKind::invalid_argument, fmt::format("{}: {}", name, set.error().message));
  }
  return {};
}

Result<Plan> parse_plan(std::string_view text) {
  Plan plan;
  for (size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (auto applied = apply_line(plan, line); !applied) {
      return fail(applied.error().kind, fmt::format("line {}: {}", number, applied.error().message));
    }
  }
  if (auto valid = validate(plan); !valid) return std::unexpected(valid.error());
  return plan;
}

Result<> validate(const Plan& plan) {
  for (const Setting& setting : kSettings) {
    if (std::holds_alternative<bool Plan::*>(setting.field) || setting.name == "seed") continue;
    const int64_t value = value_number(plan, setting);
    if (value < setting.low || value > setting.high) {
      return fail(ErrorKind::invalid_argument,
                  fmt::format("{} {}: out of bounds", setting.name, value_text(plan, setting)));
    }
  }
  if (plan.heartbeat >= plan.election_timeout_min || plan.election_timeout_min > plan.election_timeout_max) {
    return fail(ErrorKind::invalid_argument, "heartbeat < election-timeout-min <= election-timeout-max does not hold");
  }
  return {};
}

}  // namespace conclave::sim
