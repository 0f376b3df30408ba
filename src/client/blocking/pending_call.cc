#include "client/blocking/pending_call.h"

#include <string>

#include "client/blocking/core.h"

namespace conclave::blocking {

using chubby::CallCode;
using chubby::CallError;

void PendingCall::begin(const std::shared_ptr<Core>& core, CallOptions options) {
  std::optional<Instant> deadline;
  if (options.timeout) deadline = core->now() + *options.timeout;
  core->post([self = shared_from_this(), core, options = std::move(options), deadline] {
    self->run(core, options, deadline);
  });
}

void PendingCall::run(const std::shared_ptr<Core>& core, const CallOptions& options, std::optional<Instant> deadline) {
  if (core->service() == nullptr) return;  // whoever waits hears of it as *this is destroyed
  if (options.stop.stop_requested()) return fail({.code = CallCode::cancelled, .message = "before it began"});
  core_ = core;
  id_ = start(*core->service());
  if (settled_) return;
  if (deadline) {
    timer_ = core->executor().schedule(*deadline - core->now(), [weak = weak_from_this(), allowed = *options.timeout] {
      if (const auto self = weak.lock())
        self->give_up({.code = CallCode::deadline_exceeded,
                       .message = "no answer within " + std::to_string(allowed.ms()) + " ms"});
    });
  }
  if (options.stop.stop_possible()) stop_.emplace(options.stop, OnStop{.core = core, .call = weak_from_this()});
}

void PendingCall::OnStop::operator()() const {
  const auto at = core.lock();
  if (at == nullptr) return;
  at->post([weak = call] {
    if (const auto self = weak.lock()) self->give_up({.code = CallCode::cancelled});
  });
}

void PendingCall::give_up(CallError why) {
  const auto core = core_.lock();
  if (settled_ || given_up_ || core == nullptr || core->service() == nullptr) return;
  if (why.code == CallCode::deadline_exceeded) why.message += " (" + core->diagnosis() + ")";
  given_up_ = why;
  // An answer comes in either case: `cancelled`, or the one that was on its way.
  if (id_) {
    core->service()->cancel(*id_);
  } else {
    fail(std::move(why));
  }
}

bool PendingCall::settle() {
  if (settled_) return false;
  settled_ = true;
  stop_.reset();
  const auto core = core_.lock();
  if (core != nullptr) core->executor().cancel(timer_);
  return true;
}

CallError PendingCall::reason(CallError error) const {
  const auto core = core_.lock();
  if (core != nullptr && core->service() == nullptr)
    return {.code = CallCode::cancelled, .message = "the client was destroyed meanwhile"};
  if (error.code == CallCode::cancelled && given_up_) return *given_up_;
  return error;
}

}  // namespace conclave::blocking
