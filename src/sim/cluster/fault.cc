#include "sim/cluster/fault.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>

namespace conclave::sim {
namespace {

constexpr std::array kTypes = {
    FaultType{FaultKind::kill, "kill"},
    FaultType{FaultKind::power_cut, "power-cut"},
    FaultType{FaultKind::power_cut_all, "power-cut-all"},
    FaultType{FaultKind::crash_in_disk, "crash-in-disk"},
    FaultType{FaultKind::pause, "pause"},
    FaultType{FaultKind::slow, "slow"},
    FaultType{FaultKind::transfer_lead, "transfer-lead"},
    FaultType{FaultKind::isolate, "isolate"},
    FaultType{FaultKind::partition, "partition"},
    FaultType{FaultKind::one_way_cut, "one-way-cut"},
    FaultType{FaultKind::bridge, "bridge"},
    FaultType{FaultKind::ring, "ring"},
    FaultType{FaultKind::clog, "clog"},
    FaultType{FaultKind::slow_links, "slow-links"},
    FaultType{FaultKind::short_reads, "short-reads"},
    FaultType{FaultKind::reset_clients, "reset-clients"},
    FaultType{FaultKind::half_open, "half-open"},
    FaultType{FaultKind::drop_frames, "drop-frames"},
    FaultType{FaultKind::duplicate_frames, "duplicate-frames"},
    FaultType{FaultKind::reorder_frames, "reorder-frames"},
    FaultType{FaultKind::replay_frames, "replay-frames"},
    FaultType{FaultKind::clock_rate, "clock-rate"},
    FaultType{FaultKind::clock_jump, "clock-jump"},
    FaultType{FaultKind::wall_clock_jump, "wall-clock-jump"},
    FaultType{FaultKind::disk_stall, "disk-stall"},
    FaultType{FaultKind::disk_error, "disk-error"},
    FaultType{FaultKind::disk_full, "disk-full"},
    FaultType{FaultKind::bit_rot, "bit-rot"},
    FaultType{FaultKind::misdirected_write, "misdirected-write"},
    FaultType{FaultKind::fault_points, "fault-points"},
    FaultType{FaultKind::client_crash, "client-crash"},
    FaultType{FaultKind::client_isolate, "client-isolate"},
    FaultType{FaultKind::crash_in_fail_over, "crash-in-fail-over"},
    FaultType{FaultKind::change_members, "change-members"},
    FaultType{FaultKind::lose_disk, "lose-disk"},
};

Result<uint64_t> parse_number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return fail(ErrorKind::invalid_argument, fmt::format("\"{}\" is not a number", text));
  }
  return value;
}

std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(" \t"));
  line.remove_prefix(word.size());
  return word;
}

Result<Target> parse_target(std::string_view text) {
  if (text == "master") return Target{Target::kMaster};
  if (text == "follower") return Target{Target::kFollower};
  const auto number = parse_number(text);
  if (!number || *number == 0 || *number >= Target::kMaster) {
    return fail(ErrorKind::invalid_argument,
                fmt::format("replica={}: give a number from 1, \"master\" or \"follower\"", text));
  }
  return Target{static_cast<uint8_t>(*number)};
}

Result<> set_field(Fault& fault, std::string_view name, std::string_view value) {
  if (name == "replica") {
    const auto target = parse_target(value);
    if (!target) return std::unexpected(target.error());
    fault.target = *target;
  } else if (name == "lasting") {
    const auto duration = parse_duration(value);
    if (!duration) return std::unexpected(duration.error());
    fault.lasting = *duration;
  } else if (name == "amount" || name == "choice") {
    const auto number = parse_number(value);
    if (!number) return std::unexpected(number.error());
    (name == "amount" ? fault.amount : fault.choice) = *number;
  } else {
    return fail(ErrorKind::invalid_argument, fmt::format("a fault has no \"{}\"", name));
  }
  return {};
}

}  // namespace

std::span<const FaultType> fault_types() {
  return kTypes;
}

std::string_view name_of(FaultKind kind) {
  return kTypes.at(static_cast<size_t>(kind)).name;
}

std::string to_text(Duration duration) {
  if (duration.us % 1000 != 0) return fmt::format("{}us", duration.us);
  if (duration.us % 1'000'000 != 0) return fmt::format("{}ms", duration.us / 1000);
  return fmt::format("{}s", duration.us / 1'000'000);
}

Result<Duration> parse_duration(std::string_view text) {
  const std::string_view number = text.substr(0, text.find_first_not_of("0123456789."));
  const std::string_view unit = text.substr(number.size());
  int64_t scale = unit == "us" ? 1 : unit == "ms" ? 1000 : unit == "s" ? 1'000'000 : unit == "min" ? 60'000'000 : 0;
  const size_t point = number.find('.');
  const auto whole = parse_number(number.substr(0, point));
  if (scale == 0 || !whole || *whole > 1'000'000'000'000) {
    return fail(ErrorKind::invalid_argument, fmt::format("\"{}\" is not a time such as 1.5s, 250ms or 30us", text));
  }
  int64_t micros = static_cast<int64_t>(*whole) * scale;
  if (point != std::string_view::npos) {
    for (const char digit : number.substr(point + 1)) {
      if (digit == '.') return fail(ErrorKind::invalid_argument, fmt::format("\"{}\": a second point", text));
      scale /= 10;
      micros += (digit - '0') * scale;
    }
  }
  return Duration::micros(micros);
}

std::string to_string(const Fault& fault) {
  std::string line = fmt::format("at {} {}", to_text(fault.at), name_of(fault.kind));
  if (fault.target.who == Target::kMaster) {
    line += " replica=master";
  } else if (fault.target.who == Target::kFollower) {
    line += " replica=follower";
  } else if (fault.target.who != Target::kAny) {
    line += fmt::format(" replica={}", fault.target.who);
  }
  if (fault.lasting.us != 0) line += " lasting=" + to_text(fault.lasting);
  if (fault.amount != 0) line += fmt::format(" amount={}", fault.amount);
  if (fault.choice != 0) line += fmt::format(" choice={}", fault.choice);
  return line;
}

Result<Fault> parse_fault(std::string_view line) {
  Fault fault;
  if (next_word(line) != "at") return fail(ErrorKind::invalid_argument, "a fault begins with \"at TIME\"");
  const auto at = parse_duration(next_word(line));
  if (!at) return std::unexpected(at.error());
  fault.at = *at;
  const std::string_view name = next_word(line);
  const auto* type = std::find_if(kTypes.begin(), kTypes.end(), [&](const FaultType& t) { return t.name == name; });
  if (type == kTypes.end()) {
    return fail(ErrorKind::invalid_argument, fmt::format("there is no fault \"{}\"", name));
  }
  fault.kind = type->kind;
  for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
    const size_t equals = word.find('=');
    if (equals == std::string_view::npos) {
      return fail(ErrorKind::invalid_argument, fmt::format("\"{}\": expected NAME=VALUE", word));
    }
    if (auto set = set_field(fault, word.substr(0, equals), word.substr(equals + 1)); !set) {
      return std::unexpected(set.error());
    }
  }
  return fault;
}

}  // namespace conclave::sim
