#include "gateway/session.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace conclave::gateway {

Session::Session(uint64_t number, const std::string& secret, std::unique_ptr<CellSession> cell,
                 const Settings& settings)
    : number_(number),
      token_(fmt::format("{}.{}", number, secret)),
      settings_(settings),
      calls_(settings.calls_max, settings.answers_max, [this](chubby::CallId call) { return service().cancel(call); }),
      cell_(std::move(cell)) {}

Duration Session::lease(Instant now) const {
  const Duration rest = cell_->lease_end() - now;
  return std::clamp(rest, Duration(), settings_.client_timeout);
}

void Session::greet(bool resumed) {
  api::SessionReply reply;
  api::Begun& begun = *reply.mutable_begun();
  begun.set_session(token_);
  begun.set_grace_us(static_cast<uint64_t>(settings_.grace.us));
  begun.set_client_timeout_us(static_cast<uint64_t>(settings_.client_timeout.us));
  begun.set_resumed(resumed);
  stream_->send(std::move(reply));
  for (const api::Event& event : events_) {
    api::SessionReply again;
    *again.mutable_event() = event;
    stream_->send(std::move(again));
  }
}

void Session::tell(chubby::HandleId handle, api::Event::Kind kind, const std::string& child) {
  api::Event event;
  event.set_sequence(++last_event_);
  event.set_handle(handle.value);
  event.set_kind(kind);
  event.set_child(child);
  if (events_.size() >= settings_.events_max) {
    events_.clear();
    event.set_handle(0);
    event.set_kind(api::Event::EVENTS_LOST);
    event.clear_child();
  }
  events_.push_back(event);
  if (stream_ == nullptr || !opened) return;
  api::SessionReply reply;
  *reply.mutable_event() = std::move(event);
  stream_->send(std::move(reply));
}

void Session::acknowledge_events(uint64_t sequence) {
  while (!events_.empty() && events_.front().sequence() <= sequence) events_.pop_front();
}

}  // namespace conclave::gateway
