// The command elect: run for primary and hold it for a command, or say who is primary.
#pragma once

#include <optional>
#include <string>

#include "app/chubby/holding.h"
#include "client/chubby/recipe_election.h"

namespace conclave::app {

// Runs for primary and holds that for the user's command. REQUIRES: lives until the run is over.
class ElectCommand {
 public:
  ElectCommand(CellRun& run, const HoldOptions& options, const std::string& id);

 private:
  CellRun& run_;
  Holder holder_;
  chubby::Election election_;
};

// Prints who is primary; `follow`: and every later one, until it is interrupted. REQUIRES: as above.
class PrimaryCommand {
 public:
  PrimaryCommand(CellRun& run, std::string name, bool follow);

 private:
  void look();
  void judge(const std::string& id, const std::vector<chubby::LockInfo>& locks);

  CellRun& run_;
  const std::string name_;
  const bool follow_;
  chubby::HandleId handle_;
  std::optional<std::string> told_;
};

}  // namespace conclave::app
