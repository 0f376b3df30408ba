#include "client/blocking/core.h"

#include <utility>

#include "client/blocking/loop_handle.h"

namespace conclave::blocking {

void Core::post(Task task) const {
  loop_->post(std::move(task));
}

bool Core::run(const std::function<void()>& task) const {
  return loop_->run(task);
}

bool Core::on_loop_thread() const {
  return loop_->on_loop_thread();
}

Instant Core::now() const {
  return loop_->clock().now();
}

env::Executor& Core::executor() const {
  return loop_->world().loop;
}

void Core::serve(std::unique_ptr<chubby::LockService> service) {
  service_ = std::move(service);
  service_->on_session([this](chubby::SessionEvent event) { on_session(event); });
}

void Core::add(const std::shared_ptr<Tenant>& tenant) {
  std::erase_if(tenants_, [](const auto& other) { return other.expired(); });
  tenants_.push_back(tenant);
}

void Core::await_safety(chubby::Completion<chubby::SessionState> done) {
  const chubby::SessionState state = service_->session_state();
  if (state != chubby::SessionState::jeopardy) return done(state);
  waiters_.push_back(std::move(done));
}

std::string Core::diagnosis() const {
  std::string text = "session: ";
  text += to_string(service_->session_state());
  const std::string failure = last_failure_ ? last_failure_() : std::string();
  if (!failure.empty()) text += "; last failure: " + failure;
  return text;
}

// Locks know first that they are lost, then the program hears why.
void Core::on_session(chubby::SessionEvent event) {
  for (const auto& weak : std::vector(tenants_)) {
    if (const auto tenant = weak.lock()) tenant->on_session(event);
  }
  for (auto& done : std::exchange(waiters_, {})) await_safety(std::move(done));
  const auto listener = listener_;
  if (listener) listener(event);
}

void Core::evict() {
  ending_ = true;
  for (const auto& weak : std::exchange(tenants_, {})) {
    if (const auto tenant = weak.lock()) tenant->on_end();
  }
}

void Core::end() {
  waiters_.clear();
  listener_ = nullptr;
  last_failure_ = nullptr;
  const auto service = std::move(service_);  // calls that it drops find none
}

}  // namespace conclave::blocking
