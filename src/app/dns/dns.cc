#include "app/dns/dns.h"

#include <fmt/format.h>
#include <signal.h>
#include <string>
#include <utility>

namespace conclave::app {
namespace {

using frontend::dns::Server;
using frontend::dns::ServerFigures;
using frontend::dns::Zone;

constexpr Duration kFiguresEvery = Duration::seconds(60);

}  // namespace

DnsCommand::DnsCommand(CellRun& run, frontend::dns::ServerOptions options, std::shared_ptr<LogFile> log)
    : run_(run), options_(std::move(options)), log_(std::move(log)) {
  // A cell that does not answer yet is no reason to end: until it does, what is asked is answered SERVFAIL.
  run_.reached();
  auto server = Server::start({.clock = run_.world().env().clock,
                               .executor = run_.executor(),
                               .network = run_.world().network(),
                               .service = run_.service()},
                              options_);
  if (!server) {
    run_.complain(server.error().message);
    run_.finish(kDnsCannotStart);
    return;
  }
  server_ = *std::move(server);
  run_.world().on_signal({SIGINT, SIGTERM, SIGHUP}, [this](int number) { on_signal(number); });
  for (const env::Address& address : server_->addresses()) {
    log::info("dns", "answers on UDP and TCP", {{"address", env::to_string(address)}});
  }
  check_zones();
  schedule_figures();
}

void DnsCommand::check_zones() {
  for (const Zone& zone : options_.responder.zones) {
    run_.service().open(zone.path, {}, [this, zone](const Outcome& opened) { on_zone(zone, opened); });
  }
}

void DnsCommand::on_zone(const Zone& zone, const Outcome& opened) {
  const std::string name = zone.apex.text();
  if (opened) {
    run_.service().close(opened->handle, nullptr);
    if (opened->stat.directory) return log::info("dns", "serves a zone", {{"zone", name}, {"path", zone.path}});
    return log::warning("dns", "the node of a zone is no directory: there are no names below it",
                        {{"zone", name}, {"path", zone.path}});
  }
  log::warning("dns", "cannot read the directory of a zone",
               {{"zone", name},
                {"path", zone.path},
                {"reason", Run::text_of("open", opened.error())},
                {"connection", run_.client().last_failure()}});
}

void DnsCommand::on_signal(int number) {
  if (number == SIGHUP) {
    if (auto reopened = log_->reopen(); !reopened) log::error("log", reopened.error().message);
    return;
  }
  if (std::exchange(stopping_, true)) return run_.finish(kCellDone);  // at once, then
  log::info("dns", "stops", {{"signal", number}, {"under_way", server_->under_way()}});
  server_->stop([this] {
    tell_figures();
    run_.finish(kCellDone);
  });
}

void DnsCommand::schedule_figures() {
  run_.executor().schedule(kFiguresEvery, [this] {
    const ServerFigures& figures = server_->figures();
    const uint64_t queries = figures.udp_queries + figures.tcp_queries;
    if (queries != std::exchange(told_queries_, queries)) tell_figures();
    schedule_figures();
  });
}

void DnsCommand::tell_figures() {
  const ServerFigures& figures = server_->figures();
  const chubby::Figures& client = run_.client().figures();
  log::info("dns", "figures since the start",
            {{"udp", figures.udp_queries},
             {"tcp", figures.tcp_queries},
             {"answered", figures.answered},
             {"no_such_name", figures.no_such_name},
             {"refused", figures.refused},
             {"failed", figures.failed},
             {"timed_out", figures.timed_out},
             {"overloaded", figures.overloaded},
             {"too_large", figures.too_large},
             {"malformed", figures.malformed},
             {"dropped", figures.dropped},
             {"truncated", figures.truncated},
             {"connections", figures.connections},
             {"connections_refused", figures.connections_refused},
             {"cache_hits", client.cache_hits + client.open_hits},
             {"cell_calls", client.calls_sent}});
}

}  // namespace conclave::app
