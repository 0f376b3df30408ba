// One call under way: its deadline, its cancellation, its answer (CH-51, CH-98). Part of client.h.
#pragma once

#include <future>
#include <memory>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

#include "base/time.h"
#include "client/chubby/lock_service.h"

namespace conclave::blocking {

class Core;

// How long a call may take, and how another thread gives it up.
struct CallOptions {
  // Then the call is cancelled and fails with `deadline_exceeded`. Nothing: as long as the service lets it take, which
  // is at most the grace period (45 s) without a master, and forever for a lock that is never free.
  std::optional<Duration> timeout;
  // When a stop is requested, on any thread, the call is cancelled and fails with `cancelled`.
  std::stop_token stop;
};

// Puts the answer where a thread waits for it. Destroyed without an answer: the call fails with `cancelled`.
template <class T>
class Answer {
 public:
  explicit Answer(std::promise<chubby::Outcome<T>> promise) : promise_(std::move(promise)) {}
  Answer(Answer&& other) noexcept : promise_(std::move(other.promise_)), open_(std::exchange(other.open_, false)) {}
  Answer& operator=(Answer&&) = delete;
  ~Answer() {
    if (open_) {
      promise_.set_value(
          chubby::failed(chubby::CallCode::cancelled, "the client, or the recipe, was destroyed meanwhile"));
    }
  }
  void operator()(chubby::Outcome<T> outcome) {
    if (std::exchange(open_, false)) promise_.set_value(std::move(outcome));
  }

 private:
  std::promise<chubby::Outcome<T>> promise_;
  bool open_ = true;
};

// Loop thread only, but for begin().
class PendingCall : public std::enable_shared_from_this<PendingCall> {
 public:
  virtual ~PendingCall() = default;
  PendingCall(const PendingCall&) = delete;
  PendingCall& operator=(const PendingCall&) = delete;
  // Any thread.
  void begin(const std::shared_ptr<Core>& core, CallOptions options);

 protected:
  PendingCall() = default;
  // Nothing: it cannot be given up at the service, only forgotten.
  virtual std::optional<chubby::CallId> start(chubby::LockService& service) = 0;
  virtual void fail(chubby::CallError why) = 0;

  // False: it is answered already.
  bool settle();
  // What the caller is told of a failure: if we gave the call up, why.
  chubby::CallError reason(chubby::CallError error) const;

 private:
  struct OnStop {
    void operator()() const;
    std::weak_ptr<Core> core;
    std::weak_ptr<PendingCall> call;
  };
  void run(const std::shared_ptr<Core>& core, const CallOptions& options, std::optional<Instant> deadline);
  void give_up(chubby::CallError why);

  std::weak_ptr<Core> core_;
  std::optional<chubby::CallId> id_;
  bool settled_ = false;
  uint64_t timer_ = 0;
  std::optional<chubby::CallError> given_up_;
  std::optional<std::stop_callback<OnStop>> stop_;
};

template <class T, class Start>
class PendingCallOf final : public PendingCall {
 public:
  PendingCallOf(Start start, chubby::Completion<T> done) : start_(std::move(start)), done_(std::move(done)) {}

 private:
  std::optional<chubby::CallId> start(chubby::LockService& service) override {
    chubby::Completion<T> done = [self = std::static_pointer_cast<PendingCallOf>(shared_from_this())](
                                     chubby::Outcome<T> outcome) { self->complete(std::move(outcome)); };
    if constexpr (std::is_void_v<std::invoke_result_t<Start&, chubby::LockService&, chubby::Completion<T>>>) {
      start_(service, std::move(done));
      return std::nullopt;
    } else {
      return start_(service, std::move(done));
    }
  }
  void complete(chubby::Outcome<T> outcome) {
    if (!settle()) return;
    if (!outcome) outcome = std::unexpected(reason(std::move(outcome.error())));
    if (done_) done_(std::move(outcome));
  }
  void fail(chubby::CallError why) override {
    if (settle() && done_) done_(std::unexpected(std::move(why)));
  }

  Start start_;
  chubby::Completion<T> done_;
};

}  // namespace conclave::blocking
