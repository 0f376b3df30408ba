// What all commands of the lock service are told in the same way.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "app/chubby/cell_run.h"
#include "base/result.h"

namespace conclave::app {

struct CellArguments {
  std::string command;
  std::string servers;
  std::string cell;
  std::vector<std::string> users;
  int64_t timeout_ms = 0;  // 0: not given
  bool json = false;
};

std::shared_ptr<CellArguments> add_cell_arguments(CLI::App* command);
// Says what is wrong and returns the exit code for it; 0: nothing, and `options` is filled.
int cell_options(const CellArguments& arguments, CellOptions* options);
// The whole way of a command that needs nothing more.
int run_with(const CellArguments& arguments, const std::function<void(CellRun&)>& start);

}  // namespace conclave::app
