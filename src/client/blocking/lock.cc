#include "client/blocking/lock.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace conclave::blocking {

using namespace chubby;

class Lock::State final : public Tenant {
 public:
  explicit State(std::function<void()> on_lost) : on_lost_(std::move(on_lost)) {}

  void on_session(SessionEvent event) override {
    if (event == SessionEvent::expired) lose();
  }
  void on_end() override { lose(); }
  void on_event(const Event& event) {
    if (event.kind == EventKind::handle_invalid) lose();
  }
  // The lock is held from now on. Loop.
  void hold() { held_ = true; }
  // From now on nobody is told of a loss. False: it was lost or released before. Any thread.
  bool let_go() {
    {
      const std::lock_guard lock(mutex_);
      if (gone_) return false;
      gone_ = true;
    }
    changed_.notify_all();
    return true;
  }
  bool gone() const {
    const std::lock_guard lock(mutex_);
    return gone_;
  }
  bool wait_gone(Duration at_most) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::microseconds(at_most.us), [this] { return gone_; });
  }

 private:
  void lose() {
    if (held_ && let_go() && on_lost_) on_lost_();
  }

  const std::function<void()> on_lost_;
  bool held_ = false;  // loop
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool gone_ = false;  // lost or released; guarded by mutex_
};

Outcome<Lock> Lock::acquire(const Client& client, std::string_view name, LockOptions options, CallOptions call) {
  const std::shared_ptr<Core>& core = client.core();
  const Instant begun = core->now();
  const auto rest = [&] {
    CallOptions left = call;
    if (call.timeout) left.timeout = std::max(Duration(), *call.timeout - (core->now() - begun));
    return left;
  };
  auto state = std::make_shared<State>(std::move(options.on_lost));
  auto file = client.open(name,
                          {.mode = {.read = true, .write = true},
                           .lock_delay_ms = options.lock_delay_ms,
                           .creation = options.creation,
                           .on_event = [state](const Event& event) { state->on_event(event); }},
                          rest());
  if (!file) return std::unexpected(std::move(file.error()));
  // The state hears of the session from the moment in which the lock is granted, whoever waits for the answer.
  auto acquired = client.call<Acquired>(
      [&, id = file->id()](LockService& service, Completion<Acquired> done) {
        core->add(state);
        Completion<Acquired> held = [state, done = std::move(done)](Outcome<Acquired> outcome) mutable {
          if (outcome) state->hold();
          done(std::move(outcome));
        };
        if (options.wait) return service.acquire(id, options.mode, std::move(held));
        return service.try_acquire(id, options.mode, std::move(held));
      },
      rest());
  if (!acquired) return std::unexpected(std::move(acquired.error()));
  Lock lock(std::move(state), *std::move(file), *std::move(acquired));
  if (options.identity) {
    lock.named_ = true;
    auto written = lock.handle_.set_contents(*options.identity, std::nullopt, rest());
    if (!written) return std::unexpected(std::move(written.error()));
  }
  return lock;
}

Lock::Lock(std::shared_ptr<State> state, Handle handle, Acquired acquired)
    : state_(std::move(state)), handle_(std::move(handle)), acquired_(std::move(acquired)) {}

Lock& Lock::operator=(Lock&& other) noexcept {
  let_go();
  state_ = std::move(other.state_);
  handle_ = std::move(other.handle_);
  acquired_ = std::move(other.acquired_);
  named_ = other.named_;
  return *this;
}

Lock::~Lock() {
  let_go();
}

bool Lock::lost() const {
  return state_ == nullptr || state_->gone();
}

bool Lock::wait_lost(Duration at_most) const {
  return state_ == nullptr || state_->wait_gone(at_most);
}

void Lock::let_go() {
  if (state_ == nullptr) return;
  if (state_->let_go()) clear_name();
  state_.reset();
  handle_ = Handle();
}

// Before the lock is released: an observer must not take us for the primary when the next one is at it.
void Lock::clear_name() const {
  if (!named_) return;
  handle_.core_->post([core = handle_.core_, id = handle_.id()] {
    if (core->service() != nullptr) core->service()->set_contents(id, "", std::nullopt, nullptr);
  });
}

Outcome<void> Lock::release(CallOptions call) {
  if (lost()) return failed(CallCode::lock_not_held);
  if (handle_.core_->on_loop_thread()) return handle_.release();  // says that it must not wait
  if (!state_->let_go()) return failed(CallCode::lock_not_held);
  clear_name();
  auto released = handle_.release(std::move(call));
  if (!released)
    handle_.core_->post([core = handle_.core_, id = handle_.id()] {
      if (core->service() != nullptr) core->service()->close(id, nullptr);  // frees it, whatever the answer was
    });
  return released;
}

}  // namespace conclave::blocking
