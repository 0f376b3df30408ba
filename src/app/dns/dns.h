// The command dns: a name server over a session with the cell, until SIGINT or SIGTERM.
#pragma once

#include <memory>

#include "app/chubby/cell_run.h"
#include "app/log/log_sink.h"
#include "frontend/dns/server.h"

namespace conclave::app {

// Could not start: an address is taken, say.
inline constexpr int kDnsCannotStart = 1;

class DnsCommand {
 public:
  DnsCommand(CellRun& run, frontend::dns::ServerOptions options, std::shared_ptr<LogFile> log);

 private:
  using Outcome = chubby::Outcome<chubby::Opened>;

  void check_zones();
  void on_zone(const frontend::dns::Zone& zone, const Outcome& opened);
  void on_signal(int number);
  void tell_figures();
  void schedule_figures();

  CellRun& run_;
  const frontend::dns::ServerOptions options_;
  std::shared_ptr<LogFile> log_;
  std::unique_ptr<frontend::dns::Server> server_;
  uint64_t told_queries_ = 0;
  bool stopping_ = false;
};

}  // namespace conclave::app
