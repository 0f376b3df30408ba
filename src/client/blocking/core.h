// What a Client and everything that it gave out share: the loop, the service on it, and who must be told of the
// session. Part of client.h; any thread, but for what is marked "loop".
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/task.h"
#include "base/time.h"
#include "client/blocking/loop_thread.h"
#include "client/chubby/lock_service.h"
#include "env/executor.h"

namespace conclave::blocking {

// Lives on the loop as long as the service. Loop.
class Tenant {
 public:
  virtual ~Tenant() = default;
  virtual void on_session(chubby::SessionEvent /*event*/) {}
  // The service is about to be destroyed.
  virtual void on_end() = 0;
};

class Core {
 public:
  explicit Core(std::shared_ptr<LoopHandle> loop) : loop_(std::move(loop)) {}

  // Runs `task` on the loop, in the order posted; destroys it unrun once the loop has ended.
  void post(Task task) const;
  // The same, and waits. On the loop thread it is run at once. False: not run.
  bool run(const std::function<void()>& task) const;
  bool on_loop_thread() const;
  Instant now() const;

  // --- loop
  // Null: the client is being destroyed, or is gone.
  chubby::LockService* service() const { return ending_ ? nullptr : service_.get(); }
  env::Executor& executor() const;
  void add(const std::shared_ptr<Tenant>& tenant);
  // Calls `done` when the session is not in jeopardy.
  void await_safety(chubby::Completion<chubby::SessionState> done);
  // What is known of the connection, for a person; may be empty.
  std::string diagnosis() const;

 private:
  friend class Client;
  void serve(std::unique_ptr<chubby::LockService> service);
  void on_session(chubby::SessionEvent event);
  // Destroys what lives on the loop; end() does so with the service.
  void evict();
  void end();

  const std::shared_ptr<LoopHandle> loop_;
  std::unique_ptr<chubby::LockService> service_;
  bool ending_ = false;
  std::vector<std::weak_ptr<Tenant>> tenants_;
  std::function<void(chubby::SessionEvent)> listener_;
  std::vector<chubby::Completion<chubby::SessionState>> waiters_;  // for the end of jeopardy
  std::function<std::string()> last_failure_;
};

}  // namespace conclave::blocking
