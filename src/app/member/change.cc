#include "app/member/change.h"

#include <fmt/format.h>
#include <optional>
#include <utility>

#include "app/shell/members.h"

namespace conclave::app {
namespace {

using client::ErrorCode;

constexpr std::string_view kNoChange = "none";  // what a leader says between changes

std::unexpected<Error> unavailable(std::string why) {
  return fail(ErrorKind::unavailable, std::move(why));
}

// Tells what the leader says whenever that is something else than before.
class Progress {
 public:
  Progress(MemberCell& cell, const MemberVoice& voice) : cell_(cell), voice_(voice) {}

  void look() {
    std::string now = cell_.progress();
    if (now == kNoChange) now.clear();
    if (!now.empty() && now != told_) voice_.tell(now);
    told_ = std::move(now);
  }

 private:
  MemberCell& cell_;
  const MemberVoice& voice_;
  std::string told_;
};

// The list once it shows the step; nothing: the time was over before.
std::optional<MemberConfig> wait_until_shown(const MemberStep& step, MemberCell& cell, Progress& progress) {
  do {
    const auto config = read_members(cell);
    if (config && shows(*config, step)) return *config;
    progress.look();
  } while (cell.pause());
  return std::nullopt;
}

Result<MemberConfig> carry_out_step(const MemberStep& step, uint64_t version, MemberCell& cell,
                                    const MemberVoice& voice) {
  Progress progress(cell, voice);
  const auto answer = cell.change(change_of(step, version), [&] { progress.look(); });
  if (answer) {
    const auto config = wire::zookeeper::parse_member_config(*answer);
    if (config && shows(*config, step)) return *config;
    return unavailable("the cell did it, but answered with another list: look at it (conclave member list)");
  }
  switch (answer.error()) {
    case ErrorCode::connection_loss:
    case ErrorCode::session_expired:
      voice.tell("the connection was lost: the change may have happened or not; waiting until the list shows it");
      if (const auto config = wait_until_shown(step, cell, progress)) return *config;
      return unavailable(
          "the connection was lost and the list does not show the change: it may yet happen, look at it (conclave "
          "member "
          "list)");
    case ErrorCode::operation_timeout:
      return unavailable("no answer in time: the change may yet happen, look at it (conclave member list)");
    default:
      return unavailable(reconfig_error_text(answer.error()));
  }
}

}  // namespace

Result<MemberConfig> read_members(MemberCell& cell) {
  const auto text = cell.read();
  if (!text && text.error() == ErrorCode::operation_timeout) {
    return unavailable("the cell did not answer in time: has it a leader? (conclave status)");
  }
  if (!text) return unavailable(fmt::format("{}: {}", kMemberConfigPath, reconfig_error_text(text.error())));
  if (text->empty()) return unavailable("the server has no list of members: it is not one of a cell");
  auto config = wire::zookeeper::parse_member_config(*text);
  if (!config) return fail(config.error().kind, fmt::format("{}: {}", kMemberConfigPath, config.error().message));
  return config;
}

Result<> carry_out(const MemberPlan& plan, const MemberConfig& before, MemberCell& cell, const MemberVoice& voice) {
  if (!plan.note.empty()) voice.say(plan.note);
  uint64_t version = before.version;
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const MemberStep& step = plan.steps[i];
    const auto config = carry_out_step(step, version, cell, voice);
    if (!config && i == 0) return std::unexpected(config.error());
    if (!config) {
      std::string lines;
      for (const ServerLine& server : step.joining) lines += fmt::format(" '{}'", format_server_line(server));
      return fail(config.error().kind,
                  fmt::format("{}; what is missing of it: conclave member add{}", config.error().message, lines));
    }
    version = config->version;
    voice.say(fmt::format("{}; version {:x}", step.done, version));
  }
  return {};
}

}  // namespace conclave::app
