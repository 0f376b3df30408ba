#include "app/member/session.h"

#include <algorithm>
#include <fmt/format.h>
#include <future>
#include <thread>
#include <utility>

#include "app/member/list.h"
#include "app/shell/members.h"
#include "app/status/ask.h"
#include "base/assert.h"

namespace conclave::app {
namespace {

constexpr Duration kInterval = Duration::seconds(1);         // between two looks at a change under way
constexpr Duration kSessionTimeout = Duration::seconds(30);  // a leader that works on a change may be slow to answer
constexpr Duration kCallPatience = Duration::seconds(10);    // of a call that changes nothing

std::chrono::microseconds chrono(Duration duration) {
  return std::chrono::microseconds(duration.us);
}

}  // namespace

MemberSession::MemberSession(MemberOptions options)
    : options_(std::move(options)),
      deadline_(std::chrono::steady_clock::now() + chrono(options_.timeout)),
      servers_(options_.servers) {}

Duration MemberSession::left() const {
  const auto left = std::chrono::duration_cast<std::chrono::microseconds>(deadline_ - std::chrono::steady_clock::now());
  return Duration::micros(std::max<int64_t>(0, left.count()));
}

Result<> MemberSession::open() {
  client::Options options;
  options.servers = servers_;
  options.session_timeout = kSessionTimeout;
  auto access = SessionAccess::open(std::move(options), {}, std::min(left(), kCallPatience));
  if (!access) return std::unexpected(access.error());
  if (!(*access)->wait_connected(std::min(left(), kCallPatience))) {
    return fail(ErrorKind::unavailable,
                fmt::format("no server could be reached; the last one tried: {}", (*access)->last_failure()));
  }
  for (const std::string& identity : options_.auth) {
    const size_t colon = identity.find(':');
    if (!(*access)->add_auth(identity.substr(0, colon), identity.substr(colon + 1))) {
      return fail(ErrorKind::unavailable, "the cell refused the credentials of --auth");
    }
  }
  access_ = *std::move(access);
  return {};
}

void MemberSession::know(const std::vector<env::Address>& servers) {
  for (const env::Address& server : servers) {
    if (std::ranges::find(servers_, server) == servers_.end()) servers_.push_back(server);
  }
}

MemberSession::Outcome<std::string> MemberSession::read_once() {
  if (const auto synced = access_->sync(kMemberConfigPath); !synced) return std::unexpected(synced.error());
  auto node = access_->get(kMemberConfigPath, false);
  if (!node) return std::unexpected(node.error());
  return std::move(node->data);
}

MemberSession::Outcome<std::string> MemberSession::read() {
  if (access_ != nullptr) {
    auto text = read_once();
    if (text) return text;
    // The server may have left the cell, or the session may have ended: next time at any server that is known.
    access_.reset();
    return text;
  }
  if (!open()) return std::unexpected(client::ErrorCode::connection_loss);
  return read_once();
}

MemberSession::Outcome<std::string> MemberSession::change(const client::MemberChange& change,
                                                          const std::function<void()>& meanwhile) {
  CONCLAVE_ASSERT(access_ != nullptr);
  auto answer = access_->begin_reconfig(change);
  while (answer.wait_for(chrono(std::min(left(), kInterval))) != std::future_status::ready) {
    if (left() == Duration()) return std::unexpected(client::ErrorCode::operation_timeout);
    meanwhile();
  }
  auto node = answer.get();
  if (!node) return std::unexpected(node.error());
  return std::move(node->data);
}

std::string MemberSession::progress() {
  const auto cell = ask_replicas(servers_, kInterval);
  return cell ? change_of_members(*cell) : "";
}

bool MemberSession::pause() {
  if (left() == Duration()) return false;
  std::this_thread::sleep_for(chrono(std::min(left(), kInterval)));
  return true;
}

}  // namespace conclave::app
