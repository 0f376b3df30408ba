#include <fmt/format.h>
#include <memory>
#include <utility>

#include "app/commands/commands.h"
#include "app/status/report.h"
#include "client/four_letter.h"
#include "os/world.h"

namespace conclave::app {
namespace {

struct StatusArguments {
  std::vector<std::string> servers;
  int64_t timeout_ms = 2'000;
  bool json = false;
};

int run(const StatusArguments& arguments) {
  CellReport cell;
  for (const std::string& text : arguments.servers) {
    const auto servers = parse_servers(text);
    if (!servers) {
      fmt::print(stderr, "conclave status: {}\n", servers.error().message);
      return kExitUsage;
    }
    for (const env::Address& server : *servers) cell.replicas.push_back({.address = server});
  }
  auto world = os::World::create({});
  if (!world) {
    fmt::print(stderr, "conclave status: {}\n", world.error().message);
    return 1;
  }
  struct Answers {
    Result<std::string> mntr, srvr;
  };
  std::vector<Answers> answers(cell.replicas.size());
  size_t unanswered = 2 * answers.size();
  for (size_t i = 0; i < answers.size(); ++i) {
    for (const auto& [word, slot] : {std::pair("mntr", &answers[i].mntr), std::pair("srvr", &answers[i].srvr)}) {
      client::ask_four_letter_word((*world)->loop(), (*world)->network(), cell.replicas[i].address, word,
                                   Duration::millis(arguments.timeout_ms), [&, slot](Result<std::string> answer) {
                                     *slot = std::move(answer);
                                     if (--unanswered == 0) (*world)->stop();
                                   });
    }
  }
  (*world)->run();
  for (size_t i = 0; i < answers.size(); ++i) {
    cell.replicas[i] = read_report(cell.replicas[i].address, answers[i].mntr);
    add_srvr(answers[i].srvr, &cell.replicas[i]);
  }
  fmt::print("{}", arguments.json ? json_text(cell) : table_text(cell));
  return cell.healthy() ? 0 : 1;
}

}  // namespace

void add_status_command(CLI::App& app, int* exit_code) {
  CLI::App* command = app.add_subcommand("status", "ask replicas who is master and how far each one is");
  const auto arguments = std::make_shared<StatusArguments>();
  command->add_option("servers", arguments->servers, "HOST:PORT of every replica, separated by spaces or commas")
      ->required();
  command->add_option("--timeout", arguments->timeout_ms, "for each answer, in ms (default 2000)")
      ->check(CLI::Range(1, 600'000));
  command->add_flag("--json", arguments->json, "for programs");
  command->footer("Exit codes: 0 there is one master and a quorum; 1 there is not; 2 bad arguments.");
  command->callback([arguments, exit_code] { *exit_code = run(*arguments); });
}

}  // namespace conclave::app
