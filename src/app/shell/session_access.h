// A session of the client library behind blocking calls: the loop runs on a thread of its own, the caller's thread
// waits for it. Calls come from one thread; events are handed to `on_event` on the loop's thread.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "app/shell/access.h"
#include "base/time.h"
#include "client/client.h"
#include "os/world.h"

namespace conclave::app {

class SessionAccess final : public Access {
 public:
  struct Events {
    std::function<void(const client::WatchEvent&)> on_event;
    std::function<void(client::SessionState)> on_state;
  };

  // No call waits longer than `patience`, where it is given: it ends with operation_timeout then, though the cell may
  // do yet what was asked.
  static Result<std::unique_ptr<SessionAccess>> open(client::Options options, Events events,
                                                     std::optional<Duration> patience = std::nullopt);
  // Ends the session at the cell, if that is possible within a second.
  ~SessionAccess() override;

  Outcome<client::Created> create(std::string_view path, std::string_view data,
                                  const client::CreateOptions& options) override;
  Outcome<void> remove(std::string_view path, int32_t version) override;
  Outcome<client::Stat> exists(std::string_view path, bool watch) override;
  Outcome<client::NodeData> get(std::string_view path, bool watch) override;
  Outcome<client::Children> children(std::string_view path, bool watch) override;
  Outcome<client::Stat> set(std::string_view path, std::string_view data, int32_t version) override;
  Outcome<client::NodeAcl> get_acl(std::string_view path) override;
  Outcome<client::Stat> set_acl(std::string_view path, const client::Acl& acl, int32_t version) override;
  Outcome<void> sync(std::string_view path) override;
  Outcome<client::NodeData> reconfig(const client::MemberChange& change) override;
  Outcome<int32_t> count_descendants(std::string_view path) override;
  Outcome<std::vector<std::string>> ephemerals(std::string_view prefix) override;
  Outcome<std::vector<client::Identity>> who_am_i() override;
  Outcome<void> add_watch(std::string_view path, client::AddWatchMode mode) override;
  Outcome<void> remove_watches(std::string_view path) override;
  Outcome<void> add_auth(std::string_view scheme, std::string_view credentials) override;
  std::string describe() override;

  // The same as reconfig, for a caller who does something else meanwhile. The future is of no use after this object.
  std::future<Outcome<client::NodeData>> begin_reconfig(const client::MemberChange& change);

  // Waits until the session is established; false after `patience` or when it ended. `last_failure` then says why.
  bool wait_connected(Duration patience);
  std::string last_failure();

 private:
  SessionAccess(std::unique_ptr<os::World> world, client::Options options, Events events,
                std::optional<Duration> patience);
  client::WatchFunction watcher(bool wanted);
  // Runs `start(completion)` on the loop; it has run when this returns.
  template <class T, class Start>
  std::future<Outcome<T>> begin(Start start);
  // And waits for the completion.
  template <class T, class Start>
  Outcome<T> wait(Start start);
  template <class T>
  T ask(std::function<T(client::Client&)> question);

  std::unique_ptr<os::World> world_;
  Events events_;
  const std::optional<Duration> patience_;
  std::promise<void> settled_;  // connected, or finally not; once
  bool settled_once_ = false;   // loop thread
  std::unique_ptr<client::Client> client_;
  std::thread thread_;
};

}  // namespace conclave::app
