#include "sim/scenario/machines.h"

#include <algorithm>
#include <array>

#include "sim/scenario/disks.h"

namespace conclave::sim::scenario {
namespace {

constexpr std::array<std::string_view, 7> kProcess = {"kill", "power-cut", "start", "stop", "pause", "resume", "slow"};
constexpr std::array<std::string_view, 5> kLink = {"cut", "clog", "reset", "half-open", "isolate"};

template <class Words>
bool is_among(const Words& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

}  // namespace

bool Machines::knows(std::string_view word) {
  constexpr std::array<std::string_view, 6> kOthers = {"heal", "die", "clock", "fault", "latency", "disk"};
  return is_among(kProcess, word) || is_among(kLink, word) || is_among(kOthers, word);
}

Machines::Machines(Cell& cell, Hosts& hosts, int64_t seed)
    : cell_(cell), world_(cell.world()), hosts_(hosts), points_(static_cast<uint64_t>(seed)), nemesis_(cell, points_) {}

Result<bool> Machines::perform(Command& command, Output& out) {
  const auto done = [](Result<> result) { return result ? Result<bool>(true) : std::unexpected(result.error()); };
  for (const std::string_view what : kProcess) {
    if (command.take(what)) return done(on_process(std::string(what), command));
  }
  for (const std::string_view what : kLink) {
    if (command.take(what)) return done(on_link(std::string(what), command));
  }
  if (command.take("heal")) return done(heal(command));
  if (command.take("die")) return done(die(command));
  if (command.take("clock")) return done(clock(command));
  if (command.take("fault")) return done(fault(command));
  if (command.take("latency")) {
    const auto time = parse_duration(command.word());
    if (!time) return std::unexpected(time.error());
    LinkOptions link = world_.link(1, 2);
    link.latency_min = link.latency_max = *time;
    world_.set_all_links(link);
    return true;
  }
  if (command.take("disk")) {
    const auto id = hosts_.replica(command.word());
    if (!id) return std::unexpected(id.error());
    return done(change_disk(world_.host(*id), command, out, saved_, cell_.engine_checks()));
  }
  return false;
}

Result<> Machines::on_process(const std::string& what, Command& command) {
  const std::string word = command.word();
  const auto chosen = hosts_.hosts(word);
  if (!chosen) return std::unexpected(chosen.error());
  Duration turn{0};
  if (what == "slow") {
    const auto time = parse_duration(command.word());
    if (!time) return std::unexpected(time.error());
    turn = *time;
  }
  Command settings = command;  // for each host again
  for (const uint32_t number : *chosen) {
    Host& host = world_.host(number);
    if (word == "*" && host.running() == (what == "start")) continue;
    if (what == "start") {
      if (host.running()) return wrong(fmt::format("{} runs", number));
      if (number >= World::kFirstClient) return wrong("a client that is gone stays so: name a new one");
      cell_.start(ReplicaId(static_cast<uint8_t>(number)));
      continue;
    }
    const bool is_ended = number < World::kFirstClient && cell_.exited(ReplicaId(static_cast<uint8_t>(number)));
    if (!host.running() && !(what == "power-cut" && is_ended)) return wrong(fmt::format("{} does not run", number));
    settings = command;
    if (what == "pause") {
      host.pause();
    } else if (what == "resume") {
      host.resume();
    } else if (what == "slow") {
      host.set_slow(Duration{0}, turn);
    } else if (what == "stop") {
      const ReplicaId id(static_cast<uint8_t>(number));
      if (number >= World::kFirstClient || !cell_.up(id)) return wrong(fmt::format("{} cannot be asked to stop", word));
      cell_.stop_gracefully(id, [] {});
    } else if (auto crashed = crash(what, host, settings); !crashed) {
      return crashed;
    }
  }
  command = settings;
  return {};
}

Result<> Machines::crash(const std::string& what, Host& host, Command& command) {
  if (what == "kill") return host.crash(Crash::kill), Result<>();
  Disk& disk = host.disk();
  const auto survive = command.number("survive", disk.options().survive_percent);
  const auto torn = command.number("torn", 0);
  if (!survive || !torn) return std::unexpected(survive ? torn.error() : survive.error());
  if (*survive < 0 || *survive > 100) return wrong("survive: from 0 to 100");
  if (*torn != 0 && *torn != 512 && *torn != 4096) return wrong("torn: 512 or 4096");
  disk.options().survive_percent = static_cast<uint32_t>(*survive);
  disk.options().torn_writes = *torn > 0;
  if (*torn > 0) disk.options().sector_bytes = static_cast<uint64_t>(*torn);
  if (!host.running()) return disk.process_ended(Crash::power_cut), Result<>();  // its machine goes on
  host.crash(Crash::power_cut);
  return {};
}

Result<> Machines::die(Command& command) {
  const auto id = hosts_.replica(command.word());
  if (!id) return std::unexpected(id.error());
  const auto call = command.number("call", 1);
  if (!call) return std::unexpected(call.error());
  const std::string how = command.text("how", "power-cut");
  if (how != "kill" && how != "power-cut") return wrong("how: expected kill or power-cut");
  if (*call < 1) return wrong("call: from 1");
  world_.host(*id).crash_at_disk_operation(static_cast<uint64_t>(*call),
                                           how == "kill" ? Crash::kill : Crash::power_cut);
  return {};
}

Result<> Machines::clock(Command& command) {
  const auto number = hosts_.host(command.word());
  if (!number) return std::unexpected(number.error());
  Host& host = world_.host(*number);
  if (command.has("ppm")) {
    const auto ppm = command.number("ppm", 0);
    if (!ppm) return std::unexpected(ppm.error());
    if (*ppm < -900'000 || *ppm > 1'000'000) return wrong("ppm: from -900000 to 1000000");
    return host.set_clock_rate_ppm(*ppm), Result<>();
  }
  if (command.has("jump")) {
    const auto jump = command.duration("jump", Duration{0});
    if (!jump) return std::unexpected(jump.error());
    return host.jump_clock(*jump), Result<>();
  }
  const std::string wall = command.text("wall");
  const bool is_back = wall.starts_with('-');
  const auto time = parse_duration(std::string_view(wall).substr(is_back ? 1 : 0));
  if (!time) return wrong("clock: expected ppm=RATE, jump=TIME or wall=TIME");
  host.jump_wall_clock(is_back ? Duration{0} - *time : *time);
  return {};
}

Result<std::vector<Machines::Link>> Machines::links(const std::string& word) const {
  const size_t dash = word.find('-');
  if (dash == std::string::npos) return wrong(fmt::format("\"{}\": expected A-B or A->B", word));
  const bool is_one_way = word.substr(dash).starts_with("->");
  const auto from = hosts_.hosts(std::string_view(word).substr(0, dash));
  const auto to = hosts_.hosts(std::string_view(word).substr(dash + (is_one_way ? 2 : 1)));
  if (!from) return std::unexpected(from.error());
  if (!to) return std::unexpected(to.error());
  std::vector<Link> found;
  for (const uint32_t a : *from) {
    for (const uint32_t b : *to) {
      if (a == b) continue;
      found.emplace_back(a, b);
      if (!is_one_way) found.emplace_back(b, a);
    }
  }
  std::ranges::sort(found);
  const auto equal = std::ranges::unique(found);
  found.erase(equal.begin(), equal.end());
  if (found.empty()) return wrong(fmt::format("\"{}\" is no link", word));
  return found;
}

Result<> Machines::on_link(const std::string& what, Command& command) {
  if (what == "isolate") {
    const auto chosen = hosts_.hosts(command.word());
    if (!chosen) return std::unexpected(chosen.error());
    for (const uint32_t host : *chosen) world_.isolate(host);
    return {};
  }
  const auto chosen = links(command.word());
  if (!chosen) return std::unexpected(chosen.error());
  Duration time{0};
  if (what == "clog") {
    const auto clogged = parse_duration(command.word());
    if (!clogged) return std::unexpected(clogged.error());
    time = *clogged;
  }
  for (const auto& [from, to] : *chosen) {
    if (what == "cut") world_.cut(from, to);
    if (what == "clog") world_.clog(from, to, time);
    if (what == "reset") world_.reset_connections(from, to);
  }
  if (what == "half-open") world_.half_open(chosen->front().first, chosen->front().second);
  return {};
}

Result<> Machines::heal(Command& command) {
  if (!command.has_word()) return world_.heal_all(), Result<>();
  const auto chosen = links(command.word());
  if (!chosen) return std::unexpected(chosen.error());
  for (const auto& [from, to] : *chosen) world_.heal(from, to);
  return {};
}

Result<> Machines::fault(Command& command) {
  const auto fault = parse_fault("at 0s " + command.line().substr(command.line().find("fault") + 5));
  if (!fault) return std::unexpected(fault.error());
  command.drop_rest();
  const uint64_t left_out = nemesis_.left_out();
  nemesis_.strike(*fault);
  return nemesis_.left_out() > left_out ? wrong("it cannot strike now") : Result<>();
}

}  // namespace conclave::sim::scenario
