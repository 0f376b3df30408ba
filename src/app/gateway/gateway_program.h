// The program conclave-gateway, once its command line is read.
#pragma once

#include <string>
#include <vector>

#include "app/gateway/listening.h"
#include "gateway/session.h"

namespace conclave::app {

struct GatewayProgram {
  std::vector<env::Address> servers;  // at least one
  std::string cell;                   // that it must be; empty: whichever
  Listening listening;
  gateway::Settings settings;
  std::string log_file;  // empty: standard error
  std::string log_level = "info";
};

enum class GatewayExit { stopped = 0, cannot_start = 1, bad_arguments = 2 };

// Runs until SIGINT or SIGTERM; a second one ends it at once.
GatewayExit run_gateway(const GatewayProgram& program);

}  // namespace conclave::app
