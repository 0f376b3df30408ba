// The subcommands of `conclave`: each adds itself to the command line and, when chosen, leaves its exit code.
#pragma once

#include <CLI/CLI.hpp>
#include <vector>

#include "base/result.h"
#include "env/network.h"

namespace conclave::app {

// Bad arguments or a bad configuration; what CLI11 finds wrong too.
inline constexpr int kExitUsage = 2;

void add_server_command(CLI::App& app, int* exit_code);
void add_dev_command(CLI::App& app, int* exit_code);
void add_shell_command(CLI::App& app, int* exit_code);
void add_status_command(CLI::App& app, int* exit_code);
void add_member_command(CLI::App& app, int* exit_code);
void add_journal_command(CLI::App& app, int* exit_code);
void add_snapshot_command(CLI::App& app, int* exit_code);
void add_sim_command(CLI::App& app, int* exit_code);
void add_explore_command(CLI::App& app, int* exit_code);
void add_scenario_command(CLI::App& app, int* exit_code);
// Of the lock service: ls, cat, put, rm, stat, acl; lock, elect; events, locks, sessions. `command`: the words behind
// `--`, which are no arguments of ours.
void add_chubby_file_commands(CLI::App& app, int* exit_code);
void add_chubby_lock_commands(CLI::App& app, const std::vector<std::string>& command, int* exit_code);
void add_chubby_watch_commands(CLI::App& app, int* exit_code);
void add_dns_command(CLI::App& app, int* exit_code);

// The load generator; with --roofline at a null log of its own; with --engines the comparison of engines. Returns the
// exit code.
int run_bench_command(std::vector<std::string> arguments);

// "host:port,host:port"; a port left out is the default one.
Result<std::vector<env::Address>> parse_servers(const std::string& text, uint16_t default_port = 2181);

}  // namespace conclave::app
