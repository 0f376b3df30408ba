#include "app/gateway/gateway_program.h"

#include <fmt/format.h>
#include <optional>
#include <signal.h>
#include <stdio.h>
#include <thread>
#include <unistd.h>

#include "app/gateway/grpc_server.h"
#include "app/log/log_line.h"
#include "app/log/log_sink.h"
#include "gateway/client_session.h"
#include "os/world.h"

namespace conclave::app {
namespace {

// So long calls under way may take when the gateway is told to stop.
constexpr Duration kStopPatience = Duration::millis(500);
// A gateway has many sessions, most of them small.
constexpr size_t kCacheEntriesMax = 1'000;
constexpr size_t kCacheBytesMax = 1 << 20;

chubby::Options client_options(const GatewayProgram& program) {
  chubby::Options out;
  out.replicas = program.servers;
  out.cell = program.cell;
  out.grace = program.settings.grace;
  out.idle_end = Duration();  // the gateway says when a session is over
  out.cache_entries_max = kCacheEntriesMax;
  out.cache_bytes_max = kCacheBytesMax;
  return out;
}

GatewayExit cannot_start(const std::string& why) {
  log::error("gateway", "cannot start", {{"reason", why}});
  return GatewayExit::cannot_start;
}

}  // namespace

GatewayExit run_gateway(const GatewayProgram& program) {
  auto file = LogFile::open(program.log_file);
  if (!file) {
    fmt::print(stderr, "conclave-gateway: {}\n", file.error().message);
    return GatewayExit::cannot_start;
  }
  log::Level level = log::Level::info;
  parse_level_name(program.log_level, &level);
  install_log(*file, level);

  auto created = os::World::create({});
  if (!created) return cannot_start(created.error().message);
  os::World& world = **created;
  const env::World env = world.env();
  const chubby::Options options = client_options(program);
  gateway::Gateway gateway(
      env.clock, env.executor, env.entropy,
      [&](std::vector<chubby::Credential> credentials) {
        chubby::Options with = options;
        with.credentials = std::move(credentials);
        return std::make_unique<gateway::ClientSession>(env.clock, env.executor, env.network, env.entropy,
                                                        std::move(with));
      },
      program.settings);
  auto server = GrpcServer::start(program.listening, env.executor, gateway);
  if (!server) return cannot_start(server.error().message);

  env::Address at = program.listening.address;
  at.port = (*server)->port();
  log::info("gateway", "serves",
            {{"address", env::to_string(at)}, {"tls", program.listening.certificate.empty() ? "no" : "yes"}});

  std::optional<std::thread> shut_down;
  world.on_signal({SIGINT, SIGTERM}, [&](int signal) {
    if (shut_down) _exit(128 + signal);
    log::info("gateway", "stops", {{"signal", signal}, {"sessions", gateway.sessions()}});
    gateway.stop();
    // It waits for calls, which end on the loop.
    shut_down.emplace([&] {
      (*server)->shut_down(kStopPatience);
      world.stop();
    });
  });
  world.on_signal({SIGHUP}, [&](int) {
    if (auto reopened = (*file)->reopen(); !reopened) {
      log::error("gateway", "cannot reopen the log", {{"reason", reopened.error().message}});
    }
  });
  world.run();
  if (shut_down) shut_down->join();
  return GatewayExit::stopped;
}

}  // namespace conclave::app
