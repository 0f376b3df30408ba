#include "app/dev/dev.h"

#include <arpa/inet.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <memory>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include "app/dev/child.h"
#include "app/dev/plan.h"
#include "app/log/log_line.h"
#include "app/status/report.h"
#include "client/four_letter.h"
#include "os/world.h"

namespace conclave::app {
namespace {

namespace fs = std::filesystem;

constexpr Duration kPollPause = Duration::millis(200);
constexpr Duration kPollTimeout = Duration::millis(1'000);
constexpr Duration kStopPatience = Duration::millis(4'000);
constexpr uint16_t kUsualPorts[] = {2181, 12181, 22181, 32181};

bool port_free(const env::Address& address) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(address.port);
  inet_pton(AF_INET, address.host.c_str(), &name.sin_addr);
  const bool free = bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0;
  close(fd);
  return free;
}

// The first port of the plan that is taken; nothing if all are free.
std::optional<uint16_t> taken_port(const DevPlan& plan) {
  for (int id = 1; id <= plan.replicas; ++id) {
    for (const env::Address& address : {plan.client_address(id), plan.peer_address(id), plan.chubby_address(id)}) {
      if (!port_free(address)) return address.port;
    }
  }
  return std::nullopt;
}

class Dev {
 public:
  Dev(DevPlan plan, bool temporary, bool verbose, os::World& world)
      : plan_(std::move(plan)), temporary_(temporary), verbose_(verbose), world_(world) {}

  Result<> start() {
    replicas_.resize(static_cast<size_t>(plan_.replicas));
    for (int id = 1; id <= plan_.replicas; ++id) {
      if (auto started = start_replica(id); !started) return started;
    }
    print_welcome();
    world_.on_signal({SIGINT, SIGTERM}, [this](int) { stop(); });
    poll();
    return {};
  }

  int run() {
    world_.run();
    world_.loop().cancel(poll_timer_);
    replicas_.clear();
    if (!temporary_) return exit_code_;
    if (exit_code_ != 0) {
      fmt::print("the data and the logs stay in {}\n", plan_.directory);
    } else {
      std::error_code ignored;  // a temporary directory that cannot be removed is not worth a word
      fs::remove_all(plan_.directory, ignored);
    }
    return exit_code_;
  }

 private:
  struct CloseFile {
    void operator()(FILE* file) const { fclose(file); }
  };
  struct Replica {
    std::unique_ptr<FILE, CloseFile> log;
    std::unique_ptr<Child> child;  // destroyed first: it writes to the log
    std::string mode;              // as it said last
  };
  Replica& replica(int id) { return replicas_[static_cast<size_t>(id - 1)]; }

  Result<> start_replica(int id) {
    std::ofstream file(plan_.config_path(id));
    file << plan_.config_text(id);
    file.close();
    replica(id).log.reset(fopen(plan_.log_path(id).c_str(), "ae"));
    if (!file || replica(id).log == nullptr) return fail(ErrorKind::io, "cannot write to " + plan_.directory);
    auto child = Child::start(world_.loop(), {"conclave", "server", "--config", plan_.config_path(id)},
                              {.on_line = [this, id](const std::string& line) { on_line(id, line); },
                               .on_exit = [this, id](const std::string& how) { on_exit(id, how); }});
    if (!child) return std::unexpected(child.error());
    replica(id).child = *std::move(child);
    return {};
  }

  void print_welcome() {
    fmt::print("A cell of {} ({}), data and logs in {}\n",
               plan_.replicas == 1 ? "one replica" : fmt::format("{} replicas", plan_.replicas), plan_.engine,
               plan_.directory);
    for (int id = 1; id <= plan_.replicas; ++id) {
      fmt::print("  replica {}  clients {}  lock service {}  peers {}  pid {}\n", id,
                 env::to_string(plan_.client_address(id)), env::to_string(plan_.chubby_address(id)),
                 env::to_string(plan_.peer_address(id)), replica(id).child->pid());
    }
    fmt::print(
        "Connect:  conclave shell {}\n          or any ZooKeeper client with the same address\n"
        "Lock:     conclave lock --servers {} /job -- COMMAND\n"
        "Look:     conclave status {}\nStop:     Ctrl-C\n",
        plan_.connect_string(), plan_.chubby_servers(), plan_.connect_string());
    fflush(stdout);
  }

  // Everything goes to the replica's file; here only what a person should see.
  void on_line(int id, const std::string& line) {
    fmt::print(replica(id).log.get(), "{}\n", line);
    fflush(replica(id).log.get());
    log::Level level{};
    const bool structured = parse_log_level(line, &level);
    if (!verbose_ && ((structured && level < log::Level::warning) || stopping_)) return;
    fmt::print("[{}] {}\n", id, line);
    fflush(stdout);
  }

  void on_exit(int id, const std::string& how) {
    --alive_;
    replica(id).mode.clear();
    if (!stopping_) {
      fmt::print("replica {} has died: {}; its log is {}\n", id, how, plan_.log_path(id));
      if (alive_ == 0) {
        fmt::print("no replica is left\n");
        exit_code_ = 1;
      } else {
        fmt::print("  {} of {} go on; start it again with: conclave server --config {}\n", alive_, plan_.replicas,
                   plan_.config_path(id));
      }
      fflush(stdout);
    }
    if (alive_ == 0) world_.stop();
  }

  // Asks every replica who it is, and says so when the master changes.
  void poll() {
    pending_ = plan_.replicas;
    for (int id = 1; id <= plan_.replicas; ++id) {
      client::ask_four_letter_word(world_.loop(), world_.network(), plan_.client_address(id), "mntr", kPollTimeout,
                                   [this, id](Result<std::string> answer) { on_answer(id, answer); });
    }
  }

  void on_answer(int id, const Result<std::string>& answer) {
    replica(id).mode = read_report(plan_.client_address(id), answer).mode;
    if (--pending_ > 0) return;
    if (!stopping_) report_master();
    poll_timer_ = world_.loop().schedule(kPollPause, [this] { poll(); });
  }

  // During an election two replicas may say for a moment that they lead; then the one not reported yet is the new one.
  void report_master() {
    int master = 0;
    for (int id = 1; id <= plan_.replicas; ++id) {
      const std::string& mode = replica(id).mode;
      if ((mode == "leader" || mode == "standalone") && (master == 0 || id != reported_master_)) master = id;
    }
    if (master == reported_master_) return;
    if (master != 0) {
      fmt::print("replica {} is master\n", master);
    } else {
      fmt::print("there is no master\n");
    }
    fflush(stdout);
    reported_master_ = master;
  }

  void stop() {
    if (stopping_) {  // asked twice: do not wait
      for (const Replica& each : replicas_) each.child->signal(SIGKILL);
      return;
    }
    stopping_ = true;
    fmt::print("\nstopping\n");
    fflush(stdout);
    for (const Replica& each : replicas_) each.child->signal(SIGTERM);
    if (alive_ == 0) world_.stop();
    world_.loop().schedule(kStopPatience, [this] {
      for (const Replica& each : replicas_) each.child->signal(SIGKILL);
    });
  }

  const DevPlan plan_;
  const bool temporary_;
  const bool verbose_;
  os::World& world_;
  std::vector<Replica> replicas_;
  int alive_ = plan_.replicas;
  int pending_ = 0;
  int reported_master_ = 0;
  env::TimerId poll_timer_ = 0;
  bool stopping_ = false;
  int exit_code_ = 0;
};

Result<DevPlan> make_plan(const DevOptions& options) {
  DevPlan plan;
  plan.replicas = options.replicas;
  plan.engine = options.engine;
  plan.log_level = options.verbose ? "debug" : "info";
  if (options.base_port) {
    plan.base_port = *options.base_port;
    if (const auto port = taken_port(plan)) {
      return fail(ErrorKind::io, fmt::format("port {} is taken; choose others with --base-port", *port));
    }
  } else {
    bool found = false;
    for (const uint16_t port : kUsualPorts) {
      plan.base_port = port;
      found = !taken_port(plan);
      if (found) break;
    }
    if (!found) return fail(ErrorKind::io, "the usual ports are taken; choose others with --base-port");
  }

  std::error_code error;
  if (options.data.empty()) {
    std::string pattern = (fs::temp_directory_path(error) / "conclave-dev-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) return fail(ErrorKind::io, "cannot make a temporary directory");
    plan.directory = pattern;
  } else {
    fs::create_directories(options.data, error);
    if (error) return fail(ErrorKind::io, fmt::format("cannot make {}: {}", options.data, error.message()));
    plan.directory = fs::absolute(options.data).lexically_normal().string();
  }
  return plan;
}

}  // namespace

int run_dev(const DevOptions& options) {
  const auto plan = make_plan(options);
  if (!plan) {
    fmt::print(stderr, "conclave dev: {}\n", plan.error().message);
    return 1;
  }
  auto world = os::World::create({});
  if (!world) {
    fmt::print(stderr, "conclave dev: {}\n", world.error().message);
    return 1;
  }
  Dev dev(*plan, options.data.empty(), options.verbose, **world);
  if (const auto started = dev.start(); !started) {
    fmt::print(stderr, "conclave dev: {}\n", started.error().message);
    return 1;
  }
  return dev.run();
}

}  // namespace conclave::app
