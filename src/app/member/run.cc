#include "app/member/run.h"

#include <algorithm>
#include <fmt/format.h>
#include <stdio.h>

#include "app/member/change.h"
#include "app/member/list.h"
#include "app/status/ask.h"

namespace conclave::app {
namespace {

constexpr Duration kWordPatience = Duration::seconds(2);  // as `conclave status`

int failed(const std::string& command, const Error& error) {
  fmt::print(stderr, "conclave member {}: {}\n", command, error.message);
  return 1;
}

// The list of members; the session knows their addresses then.
Result<MemberConfig> begin(MemberSession* session) {
  if (const auto opened = session->open(); !opened) return std::unexpected(opened.error());
  auto config = read_members(*session);
  if (config) session->know(client_addresses_of(*config));
  return config;
}

}  // namespace

int list_members(const MemberOptions& options, bool json) {
  MemberSession session(options);
  auto config = begin(&session);
  if (!config) return failed("list", config.error());
  auto cell = ask_replicas(session.servers(), std::min(options.timeout, kWordPatience));
  if (!cell) return failed("list", cell.error());
  const MemberList list{.config = *std::move(config), .cell = *std::move(cell)};
  fmt::print("{}", json ? members_json(list) : members_text(list));
  return 0;
}

int change_members(const MemberOptions& options, const std::string& command,
                   const std::function<Result<MemberPlan>(const MemberConfig&)>& plan) {
  MemberSession session(options);
  const auto config = begin(&session);
  if (!config) return failed(command, config.error());
  const auto steps = plan(*config);
  if (!steps) return failed(command, steps.error());
  const auto print_to = [](FILE* file) {
    return [file](std::string_view line) {
      fmt::print(file, "{}\n", line);
      fflush(file);
    };
  };
  const auto done = carry_out(*steps, *config, session, {.say = print_to(stdout), .tell = print_to(stderr)});
  return done ? 0 : failed(command, done.error());
}

}  // namespace conclave::app
