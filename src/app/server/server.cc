#include "app/server/server.h"

#include <fmt/format.h>
#include <signal.h>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include "app/server/options.h"
#include "base/log.h"
#include "frontend/chubby/server.h"
#include "frontend/zookeeper/server.h"
#include "os/world.h"
#include "replica/replica.h"

namespace conclave::app {
namespace {

// How long the lead may take to go to another replica when we are told to stop.
constexpr Duration kStopPatience = Duration::seconds(2);

class Server {
 public:
  Server(const Configuration& configuration, std::shared_ptr<LogFile> log, os::World& world)
      : configuration_(configuration), log_(std::move(log)), world_(world) {}

  Result<> start() {
    const env::World env = world_.env();
    auto opened = replica::Replica::open(env, replica_options(configuration_, env.entropy.u64()));
    if (!opened) return std::unexpected(opened.error());
    replica_ = *std::move(opened);
    frontend::zookeeper::Settings settings = front_end_settings(configuration_);
    settings.other_figures = [this] { return lock_service_figures(); };
    front_end_ = std::make_unique<frontend::zookeeper::Server>(env.clock, env.executor, env.entropy, *replica_,
                                                               std::move(settings));
    if (auto listening = front_end_->listen(env.network); !listening) return listening;
    // Also where it does not listen: as the master this replica waits for caches that another one has let clients fill.
    chubby_ = std::make_unique<frontend::chubby::Server>(env.clock, env.executor, env.entropy, *replica_,
                                                         chubby_settings(configuration_));
    if (auto listening = chubby_->listen(env.network); !listening) return listening;
    replica_->start([this](Error error) { on_storage_failure(error); });
    world_.on_signal({SIGINT, SIGTERM}, [this](int signal) { on_stop_signal(signal); });
    world_.on_signal({SIGHUP}, [this](int) { reopen_log(); });
    watch_joining();

    const env::Address clients = front_end_->addresses().front();
    const std::vector<env::Address> locks = chubby_->addresses();
    log::info("server", "started",
              {{"replica", configuration_.replica.id},
               {"cell", configuration_.cell.name},
               {"members", configuration_.cell.members.size()},
               {"engine", configuration_.consensus.engine},
               {"clients", env::to_string(clients)},
               {"chubby", locks.empty() ? "off" : env::to_string(locks.front())},
               {"data", configuration_.replica.data_directory},
               {"pid", static_cast<int64_t>(::getpid())}});
    return {};
  }

  ServerExit run() {
    world_.run();
    world_.loop().cancel(join_timer_);
    chubby_.reset();
    front_end_.reset();
    replica_.reset();
    return exit_;
  }

 private:
  std::vector<std::pair<std::string_view, uint64_t>> lock_service_figures() const {
    if (chubby_ == nullptr) return {};
    const frontend::chubby::ServerFigures figures = chubby_->figures();
    return {{"lock_connections", figures.connections},
            {"lock_sessions", figures.master.sessions},
            {"lock_handles", figures.master.handles},
            {"lock_cached_names", figures.master.cached_names},
            {"lock_held_changes", figures.master.held_changes},
            {"lock_waiters", figures.master.lock_waiters},
            {"lock_notices", figures.master.notices},
            {"lock_fail_overs_pending", figures.master.fail_overs_pending},
            {"lock_fail_over_step", static_cast<uint64_t>(figures.master.step)}};
  }

  void on_stop_signal(int signal) {
    if (stopping_) {
      log::warning("server", "told to stop a second time: ending at once");
      ::_exit(128 + signal);
    }
    stopping_ = true;
    log::info("server", "stopping", {{"signal", signal == SIGINT ? "SIGINT" : "SIGTERM"}});
    replica_->stop(kStopPatience, [this] {
      front_end_->stop();
      chubby_->stop();
      log::info("server", "stopped");
      world_.stop();
    });
  }

  // Fail-stop: what is on disk is not known any more, so nothing is tried that could make it worse.
  void on_storage_failure(const Error& error) {
    log::error("server", "storage failed: stopping", {{"kind", to_string(error.kind)}, {"reason", error.message}});
    exit_ = ServerExit::storage_failed;
    world_.stop();
  }

  void reopen_log() {
    if (const auto reopened = log_->reopen(); !reopened) log::error("server", reopened.error().message);
  }

  // A replica that cannot join its cell must not be silent about it.
  void watch_joining() {
    join_timer_ = world_.loop().schedule(Duration::millis(configuration_.replica.join_warning_ms), [this] {
      if (replica_->serving() || stopping_) return;
      const replica::Status status = replica_->status();
      std::string missing;
      for (const replica::PeerStatus& peer : status.peers) {
        if (peer.connected || peer.id == status.self) continue;
        missing += fmt::format("{}{}={}", missing.empty() ? "" : " ", peer.id.value, env::to_string(peer.peer_address));
      }
      log::warning("server", "not serving yet: " + (status.waits_for.empty() ? "no master is known" : status.waits_for),
                   {{"ballot", status.ballot}, {"peers_not_connected", missing.empty() ? "none" : missing}});
      watch_joining();
    });
  }

  const Configuration& configuration_;
  std::shared_ptr<LogFile> log_;
  os::World& world_;
  std::unique_ptr<replica::Replica> replica_;
  std::unique_ptr<frontend::zookeeper::Server> front_end_;  // destroyed before the replica, its gateway
  std::unique_ptr<frontend::chubby::Server> chubby_;        // likewise
  env::TimerId join_timer_ = 0;
  bool stopping_ = false;
  ServerExit exit_ = ServerExit::stopped;
};

}  // namespace

ServerExit run_server(const Configuration& configuration, std::shared_ptr<LogFile> log) {
  auto world = os::World::create(world_options(configuration));
  if (!world) {
    log::error("server", "cannot start", {{"reason", world.error().message}});
    return ServerExit::cannot_start;
  }
  Server server(configuration, std::move(log), **world);
  if (const auto started = server.start(); !started) {
    log::error("server", "cannot start",
               {{"kind", to_string(started.error().kind)}, {"reason", started.error().message}});
    return ServerExit::cannot_start;
  }
  return server.run();
}

}  // namespace conclave::app
