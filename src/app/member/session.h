// A cell behind the calls of MemberCell: a session of the client library, opened again when it is lost, and four-letter
// words. One thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/member/cell.h"
#include "app/shell/session_access.h"
#include "base/result.h"
#include "base/time.h"
#include "env/network.h"

namespace conclave::app {

struct MemberOptions {
  std::vector<env::Address> servers;
  std::vector<std::string> auth;  // "scheme:credentials"
  Duration timeout;               // of all together
};

class MemberSession final : public MemberCell {
 public:
  // REQUIRES: each of options.auth has a colon.
  explicit MemberSession(MemberOptions options);

  // Opens the session and shows the identities. Errors: no server is reached in time, an identity is refused.
  Result<> open();
  // More servers of the cell: where to go when the session is lost, and whom to ask for progress.
  void know(const std::vector<env::Address>& servers);
  const std::vector<env::Address>& servers() const { return servers_; }

  Outcome<std::string> read() override;
  // REQUIRES: open, or the last read, succeeded.
  Outcome<std::string> change(const client::MemberChange& change, const std::function<void()>& meanwhile) override;
  std::string progress() override;
  bool pause() override;

 private:
  Duration left() const;
  Outcome<std::string> read_once();

  const MemberOptions options_;
  const std::chrono::steady_clock::time_point deadline_;
  std::vector<env::Address> servers_;
  std::unique_ptr<SessionAccess> access_;  // null: to be opened again
};

}  // namespace conclave::app
