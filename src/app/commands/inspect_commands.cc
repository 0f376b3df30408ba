#include <memory>
#include <stdio.h>

#include "app/commands/commands.h"
#include "app/inspect/inspect.h"

namespace conclave::app {
namespace {

constexpr char kExitCodes[] = "Exit codes: 0 clean; 1 damage was found; 2 it cannot be read.";

}  // namespace

void add_journal_command(CLI::App& app, int* exit_code) {
  CLI::App* journal = app.add_subcommand("journal", "look into a journal; nothing is changed");
  journal->require_subcommand(1);
  journal->footer(kExitCodes);
  const auto inspection = std::make_shared<JournalInspection>();
  for (const bool dump : {true, false}) {
    CLI::App* command = dump ? journal->add_subcommand("dump", "print every record")
                             : journal->add_subcommand("verify", "check every byte, print damage and a summary");
    command->add_option("path", inspection->path, "data directory, journal directory or one of its files")->required();
    if (dump) command->add_flag("--payload", inspection->payload, "decode the transactions");
    command->callback([inspection, dump, exit_code] {
      inspection->records = dump;
      *exit_code = inspect_journal_command(*inspection, stdout, stderr);
    });
  }
}

void add_snapshot_command(CLI::App& app, int* exit_code) {
  CLI::App* snapshot = app.add_subcommand("snapshot", "look into a snapshot; nothing is changed");
  snapshot->require_subcommand(1);
  snapshot->footer(kExitCodes);
  const auto inspection = std::make_shared<SnapshotInspection>();
  for (const bool inspect : {true, false}) {
    CLI::App* command = inspect ? snapshot->add_subcommand("inspect", "print what it is and its chunks")
                                : snapshot->add_subcommand("verify", "check every byte");
    command->add_option("file", inspection->path, "snapshot file")->required();
    command->callback([inspection, inspect, exit_code] {
      inspection->chunks = inspect;
      *exit_code = inspect_snapshot_command(*inspection, stdout, stderr);
    });
  }
}

}  // namespace conclave::app
