#include "sim/scenario/cell_stage.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <utility>

#include "replica/replica.h"
#include "sim/check/check_all.h"
#include "sim/cluster/client_program.h"

namespace conclave::sim::scenario {
namespace {

constexpr Duration kPatience = Duration::seconds(20);
constexpr Duration kBoot = Duration::millis(20);  // replicas have met

std::string in_one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

bool is_client_name(std::string_view name) {
  constexpr std::array<std::string_view, 15> kTaken = {"client", "until",  "status",  "tree", "sessions",
                                                       "check",  "run",    "load",    "ask",  "master",
                                                       "cell",   "engine", "engines", "for",  "quiet"};
  const bool is_word = !name.empty() && std::ranges::all_of(name, [](char c) { return c >= 'a' && c <= 'z'; });
  const bool is_condition = name == "serving" || name == "agreed" || name == "answered" || name == "ended";
  return is_word && !is_condition && std::ranges::find(kTaken, name) == kTaken.end() && !Machines::knows(name);
}

}  // namespace

Result<std::unique_ptr<CellStage>> CellStage::make(Command& command, int64_t more_seed, consensus::EngineKind engine,
                                                   Output& out) {
  Plan plan;
  plan.clients = 0;
  const std::string first = command.text("first", "1");
  const auto kind = consensus::parse_engine_kind(command.text("engine", std::string(to_string(engine))));
  if (!kind) return std::unexpected(kind.error());
  plan.engine = static_cast<int64_t>(*kind);
  for (const auto& [name, value] : command.rest()) {
    if (auto set = apply_line(plan, fmt::format("{} {}", name, value)); !set) return std::unexpected(set.error());
  }
  plan.seed += more_seed;
  if (auto valid = validate(plan); !valid) return std::unexpected(valid.error());
  if (auto finished = command.finished(); !finished) return std::unexpected(finished.error());
  std::unique_ptr<CellStage> stage(new CellStage(plan));
  if (auto started = stage->start(first); !started) return std::unexpected(started.error());
  std::ranges::move(stage->told_, std::back_inserter(out));
  stage->told_.clear();
  return stage;
}

CellStage::CellStage(const Plan& plan)
    : plan_(plan),
      cell_(std::make_unique<Cell>(plan_, findings_)),
      hosts_(*cell_),
      machines_(*cell_, hosts_, plan.seed) {
  cell_->when_exited([this](ReplicaId id) {
    const Cell::Exit exit = *cell_->exited(id);
    told_.push_back(
        fmt::format("replica {} {}: {}", id.value, exit.at_start ? "refuses to start" : "ended", exit.error.message));
  });
}

CellStage::~CellStage() {
  for (const auto& [name, number] : clients_) cell_->world().client(number).crash(Crash::kill);
  cell_.reset();
}

// Before there is a master clocks may jump: beyond any election timeout at the chosen one, and at the others as far as
// they wait before they promise anything to anybody.
Result<> CellStage::start(const std::string& first) {
  cell_->start_all();
  for (uint32_t number = 0; number < cell_->clients(); ++number) cell_->start_client(number);
  if (first == "none") return {};
  const auto id = hosts_.replica(first);
  if (!id) return std::unexpected(id.error());
  cell_->world().run_for(kBoot);
  for (const ReplicaId other : cell_->replicas()) {
    const Duration jump = other == *id ? plan_.election_timeout_max * 2 : plan_.election_timeout_min - kBoot;
    cell_->world().host(other).jump_clock(std::max(jump, Duration{0}));
  }
  wait([&] { return serving() && cell_->master() == *id; }, kPatience, fmt::format("led by {}", id->value));
  return {};
}

Result<> CellStage::end() {
  return checked_ ? Result<>() : wrong("a cell ends with \"check\"");
}

// ---------------------------------------------------------------- commands

Result<> CellStage::perform(Command& command, Output& out) {
  checked_ = false;
  auto done = dispatch(command);
  tell_findings();
  std::ranges::move(told_, std::back_inserter(out));
  told_.clear();
  return done;
}

Result<> CellStage::dispatch(Command& command) {
  if (command.take("client")) return open_client(command);
  if (command.take("until")) return until(command);
  if (command.take("status")) return show_status(*cell_, told_), Result<>();
  if (command.take("tree")) return show_tree(*cell_, told_), Result<>();
  if (command.take("sessions")) return show_sessions(*cell_, names_, told_), Result<>();
  if (command.take("check")) return check(), Result<>();
  if (command.take("run")) {
    const auto time = parse_duration(command.word());
    if (!time) return std::unexpected(time.error());
    cell_->world().run_for(*time);
    return {};
  }
  if (command.take("load")) return command.take("ends") ? end_load() : wrong("load ends");
  const bool waits = !command.take("ask");
  for (const auto& [name, number] : clients_) {
    if (command.take(name)) return ask(name, command, waits);
  }
  const auto done = machines_.perform(command, told_);
  if (!done) return std::unexpected(done.error());
  return *done ? Result<>() : wrong(fmt::format("cells know no command \"{}\"", command.word()));
}

Result<> CellStage::open_client(Command& command) {
  const std::string name = command.word();
  if (!is_client_name(name)) return wrong(fmt::format("client \"{}\": a name of letters that is no command", name));
  if (clients_.contains(name)) return wrong(fmt::format("there is a client {}: give a new name", name));
  std::vector<env::Address> servers;
  const auto replicas = hosts_.hosts(command.text("replicas", "*"));
  if (!replicas) return std::unexpected(replicas.error());
  for (const uint32_t id : *replicas) servers.push_back(World::address(id, Cell::kClientPort));
  const auto timeout = command.duration("timeout", Duration::seconds(10));
  if (!timeout) return std::unexpected(timeout.error());
  const bool read_only = command.text("read-only", "off") == "on";
  const auto number = static_cast<uint32_t>(plan_.clients + static_cast<int64_t>(clients_.size()));
  clients_[name] = number;
  hosts_.add_client(name, number);
  cell_->world().client(number).boot([&, name](const env::World& env) {
    client::Options options{.servers = servers, .session_timeout = *timeout, .seed = number + 1};
    options.read_only = read_only;
    return std::make_shared<Session>(env, std::move(options), name, cell_->recorder(), cell_->world().scheduler(),
                                     told_, data_given_);
  });
  const bool waits = !command.take("later");
  if (waits) {
    wait([&] { return session(number).state() == client::SessionState::connected; }, kPatience, name + " connected");
    names_[session(number).id()] = name;
  }
  return {};
}

Result<> CellStage::ask(const std::string& name, Command& command, bool waits) {
  const uint32_t number = clients_.at(name);
  if (!running(number)) return wrong(fmt::format("client {} is gone", name));
  if (auto asked = session(number).ask(command); !asked) return asked;
  if (waits) wait([&] { return session(number).is_done(); }, kPatience, name + " answered");
  return {};
}

Result<> CellStage::end_load() {
  const auto running_load = [this](uint32_t number) { return number < cell_->clients() && running(number); };
  for (uint32_t number = 0; running_load(number); ++number) cell_->client(number).stop_asking();
  const auto is_idle = [&] {
    for (uint32_t number = 0; running_load(number); ++number) {
      if (cell_->client(number).under_way() > 0) return false;
    }
    return true;
  };
  wait(is_idle, kPatience, "load ended");
  return {};
}

// ---------------------------------------------------------------- waiting

bool CellStage::wait(const std::function<bool()>& reached, Duration limit, const std::string& what) {
  if (cell_->world().run_until(reached, limit)) return true;
  told_.push_back(std::string(kNot) + fmt::format("{} within {}", what, to_text(limit)));
  return false;
}

Result<> CellStage::until(Command& command) {
  const auto limit = command.duration("within", kPatience);
  if (!limit) return std::unexpected(limit.error());
  if (!command.has_word()) return wrong("until what?");
  std::string what = command.line().substr(command.line().find("until") + 6);
  what = what.substr(0, what.find(" within="));
  const auto reached = condition(command);
  if (!reached) return std::unexpected(reached.error());
  wait(*reached, *limit, what);
  return {};
}

Result<std::function<bool()>> CellStage::condition(Command& command) {
  if (command.take("serving")) return [this] { return serving(); };
  if (command.take("agreed")) return [this] { return agreed(); };
  if (command.take("answered")) {
    return [this] {
      return std::ranges::all_of(clients_,
                                 [this](const auto& c) { return !running(c.second) || session(c.second).is_done(); });
    };
  }
  for (const auto& [name, number] : clients_) {
    if (command.take(name)) return session_condition(name, command);
  }
  const bool is_master = command.take("master");
  const bool is_not = is_master && command.take("not");
  if (!is_master && !command.take("ended")) return wrong(fmt::format("until \"{}\": what is that?", command.word()));
  const auto id = hosts_.replica(command.word());
  if (!id) return std::unexpected(id.error());
  if (!is_master) return [this, id = *id] { return !cell_->running(id); };
  return [this, id = *id, is_not] {
    const auto master = cell_->master();
    return master && (*master == id) != is_not;
  };
}

Result<std::function<bool()>> CellStage::session_condition(const std::string& name, Command& command) {
  const uint32_t number = clients_.at(name);
  const std::string word = command.word();
  const auto wanted = word == "connected"      ? client::SessionState::connected
                      : word == "disconnected" ? client::SessionState::connecting
                                               : client::SessionState::expired;
  if (wanted == client::SessionState::expired && word != "expired") {
    return wrong("sessions are connected, disconnected or expired");
  }
  return [this, number, wanted] { return session(number).state() == wanted; };
}

bool CellStage::serving() {
  const auto master = cell_->master();
  if (!master) return false;
  return std::ranges::all_of(cell_->replicas(), [&](ReplicaId id) {
    return !cell_->running(id) || (cell_->up(id) && cell_->at(id).serving());
  });
}

bool CellStage::agreed() {
  if (!serving()) return false;
  return std::ranges::all_of(cell_->replicas(), [&](ReplicaId id) {
    if (!cell_->running(id)) return true;
    const replica::Replica& replica = cell_->at(id);
    return replica.state().last_zxid() == cell_->log().last() && replica.status().damaged == 0;
  });
}

// ---------------------------------------------------------------- what is wrong

void CellStage::tell_findings() {
  const check::Violations& found = findings_.list();
  for (; findings_told_ < found.size(); ++findings_told_) {
    const check::Violation& one = found[findings_told_];
    told_.push_back(std::string(kFound) + one.checker + ": " + in_one_line(one.what));
  }
}

void CellStage::check() {
  for (const auto& [name, number] : clients_) {
    if (running(number)) session(number).note_contact();
  }
  check::History history = cell_->recorder().history();
  history.log = cell_->log().log();
  history.ended = cell_->world().now();
  check::CheckOptions options;
  options.expiry.drift_ppm = plan_.clock_drift_ppm;
  const check::Report report = check::check_all(history, options);
  for (const check::Violation& one : report.violations) {
    told_.push_back(std::string(kFound) + one.checker + ": " + in_one_line(one.what));
  }
  if (report.violations.empty() && !findings_.any()) {
    told_.push_back(fmt::format("ok: {} operations, {} watch events, {} transactions", history.operations.size(),
                                history.watch_events.size(), history.log.size()));
  }
  checked_ = true;
}

}  // namespace conclave::sim::scenario
