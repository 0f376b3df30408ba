// One command over one session with a real cell.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/chubby/run.h"
#include "client/chubby/client.h"
#include "os/world.h"

namespace conclave::app {

inline constexpr uint16_t kChubbyPort = 2190;  // where the port is left out

struct CellOptions {
  std::string command;                // its name, for what it complains of
  std::vector<env::Address> servers;  // at least one
  std::vector<std::string> users;     // "user:password"
  std::string cell;                   // that it must be; empty: whichever
  Duration patience = Duration::seconds(10);
  bool json = false;
  int unreachable = kCellUnreachable;  // the exit code if it is
  bool keep_session = false;           // also while nothing is asked and no handle is open
};

class CellRun final : public Run {
 public:
  CellRun(os::World& world, CellOptions options);

  chubby::LockService& service() override { return client_; }
  env::Executor& executor() override { return world_.loop(); }
  bool json() const override { return options_.json; }
  void print(std::string_view text) override;
  void complain(std::string_view text) override;
  void reached() override { world_.loop().cancel(patience_); }
  void finish(int code) override;

  chubby::Client& client() { return client_; }
  os::World& world() { return world_; }
  const CellOptions& options() const { return options_; }
  bool finished() const { return finished_; }
  int exit_code() const { return exit_code_; }

 private:
  os::World& world_;
  const CellOptions options_;
  chubby::Client client_;
  env::TimerId patience_ = 0;
  bool finished_ = false;
  int exit_code_ = 0;
};

// Runs the command that `start` begins, until it finishes. Returns its exit code. What `start` returns lives until
// then.
int run_on_cell(CellOptions options, const std::function<std::shared_ptr<void>(CellRun&)>& start);

}  // namespace conclave::app
