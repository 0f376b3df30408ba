// conclave-gateway: the lock service over gRPC. docs/gateway.md is the manual.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <signal.h>
#include <string>

#include "app/commands/commands.h"
#include "app/config/server_line.h"
#include "app/gateway/gateway_program.h"
#include "app/log/log_line.h"

namespace {

using namespace conclave;
using namespace conclave::app;

int refuse(std::string_view why) {
  fmt::print(stderr, "conclave-gateway: {}\n", why);
  return static_cast<int>(GatewayExit::bad_arguments);
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  constexpr uint16_t kServerPort = 2190;
  GatewayProgram program;
  std::string servers, listen = "127.0.0.1:2290";
  int64_t client_timeout_ms = program.settings.client_timeout.ms(), grace_ms = program.settings.grace.ms();

  CLI::App app("The lock service of a Conclave cell over gRPC (docs/gateway.md)", "conclave-gateway");
  app.set_version_flag("--version,-V", "conclave-gateway " CONCLAVE_VERSION);
  app.add_option("--servers", servers,
                 fmt::format("HOST[:PORT],... of the replicas' lock service (port {} if left out)", kServerPort))
      ->envname("CONCLAVE_SERVERS");
  app.add_option("--cell", program.cell, "name that the cell must have");
  app.add_option("--listen", listen, "HOST:PORT for gRPC clients (default 127.0.0.1:2290; port 0: a free one)");
  app.add_option("--tls-cert", program.listening.certificate, "file with our certificate chain, PEM")
      ->check(CLI::ExistingFile);
  app.add_option("--tls-key", program.listening.key, "file with its key, PEM")->check(CLI::ExistingFile);
  app.add_option("--tls-client-ca", program.listening.client_ca,
                 "file with the authorities of client certificates, PEM; without one of them nobody gets in")
      ->check(CLI::ExistingFile);
  app.add_flag("--insecure", program.listening.insecure, "listen without TLS although other machines reach it");
  app.add_option("--sessions", program.settings.sessions_max, "at most so many clients (default 1000)")
      ->check(CLI::Range(1, 100'000));
  app.add_option("--client-timeout", client_timeout_ms,
                 "a session is kept for so long after its client was last heard from, in ms (default 12000)")
      ->check(CLI::Range(500, 600'000));
  app.add_option("--grace", grace_ms, "how long clients stay in jeopardy before they give up, in ms (default 45000)")
      ->check(CLI::Range(500, 600'000));
  app.add_option("--log-level", program.log_level, "debug, info (default), warning or error");
  app.add_option("--log-file", program.log_file, "default: standard error");
  app.footer("Exit codes: 0 stopped by a signal; 1 could not start; 2 bad arguments.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(GatewayExit::bad_arguments);
  }

  if (servers.empty()) return refuse("name the replicas by --servers or in CONCLAVE_SERVERS");
  auto addresses = parse_servers(servers, kServerPort);
  if (!addresses) return refuse(addresses.error().message);
  program.servers = *std::move(addresses);
  // Port 0 is no address of a server, but one to listen on.
  const bool any_port = listen.ends_with(":0");
  auto address = parse_address(any_port ? listen.substr(0, listen.size() - 1) + "1" : listen);
  if (!address) return refuse("--listen: " + address.error().message);
  program.listening.address = *std::move(address);
  if (any_port) program.listening.address.port = 0;
  if (const auto good = check(program.listening); !good) return refuse(good.error().message);
  log::Level level = log::Level::info;
  if (!parse_level_name(program.log_level, &level)) return refuse("--log-level: " + program.log_level + " is none");
  program.settings.client_timeout = Duration::millis(client_timeout_ms);
  program.settings.grace = Duration::millis(grace_ms);
  return static_cast<int>(run_gateway(program));
}
