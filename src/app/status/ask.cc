#include "app/status/ask.h"

#include <string>
#include <utility>

#include "client/four_letter.h"
#include "os/world.h"

namespace conclave::app {

Result<CellReport> ask_replicas(const std::vector<env::Address>& addresses, Duration timeout) {
  CellReport cell;
  if (addresses.empty()) return cell;
  auto world = os::World::create({});
  if (!world) return std::unexpected(world.error());
  struct Answers {
    Result<std::string> mntr, srvr;
  };
  std::vector<Answers> answers(addresses.size());
  size_t unanswered = 2 * answers.size();
  for (size_t i = 0; i < answers.size(); ++i) {
    for (const auto& [word, slot] : {std::pair("mntr", &answers[i].mntr), std::pair("srvr", &answers[i].srvr)}) {
      client::ask_four_letter_word((*world)->loop(), (*world)->network(), addresses[i], word, timeout,
                                   [&, slot](Result<std::string> answer) {
                                     *slot = std::move(answer);
                                     if (--unanswered == 0) (*world)->stop();
                                   });
    }
  }
  (*world)->run();
  for (size_t i = 0; i < answers.size(); ++i) {
    cell.replicas.push_back(read_report(addresses[i], answers[i].mntr));
    add_srvr(answers[i].srvr, &cell.replicas.back());
  }
  return cell;
}

}  // namespace conclave::app
