// One client's session at the gateway: its session with the cell, its calls, its events until it has taken them in, and
// the stream over which it hears of them. Loop thread only.
//
// Invariants:
//   S1  A lease never outlasts what the cell granted for this session, by our clock, nor the time for which the gateway
//       keeps it unheard (`client_timeout`).
//   S2  Events are numbered and told in order; those that are not acknowledged are told again on the next stream. If
//       there are too many one EVENTS_LOST stands for all.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "base/time.h"
#include "gateway/call_table.h"
#include "gateway/cell_session.h"

namespace conclave::gateway {

struct Settings {
  size_t sessions_max = 1000;
  size_t calls_max = 256;     // of a session, under way
  size_t answers_max = 1024;  // of a session, under way or not acknowledged
  size_t events_max = 1000;   // of a session, not acknowledged
  // A session is kept for this long after its client was last heard from. Shorter than the cell's leases it shortens
  // those of clients; longer, a lock outlives its holder for longer.
  Duration client_timeout = Duration::seconds(12);
  // How long a client stays in jeopardy before it gives up; told to it (CH-71).
  Duration grace = Duration::seconds(45);
};

// The stream of a client. Neither method calls the gateway from inside.
class ClientStream {
 public:
  virtual ~ClientStream() = default;
  virtual void send(api::SessionReply reply) = 0;
  // After what was sent. Nothing more is heard of it. Nothing: in order.
  virtual void close(const Failure* why) = 0;

  uint64_t session = 0;  // that it carries; the gateway's
  bool closed = false;   // the gateway wants no more of it; its own too
};

class Session {
 public:
  Session(uint64_t number, const std::string& secret, std::unique_ptr<CellSession> cell, const Settings& settings);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  uint64_t number() const { return number_; }
  const std::string& token() const { return token_; }
  chubby::LockService& service() { return cell_->service(); }
  CellSession& cell() { return *cell_; }
  CallTable& calls() { return calls_; }

  // --- the stream
  ClientStream* stream() const { return stream_; }
  void attach(ClientStream* stream) { stream_ = stream; }
  // The first words on a stream: Begun, and the events that are not acknowledged.
  void greet(bool resumed);
  void tell(chubby::HandleId handle, api::Event::Kind kind, const std::string& child);
  void acknowledge_events(uint64_t sequence);
  size_t unacknowledged_events() const { return events_.size(); }

  // --- time
  void heard(Instant now) { heard_ = now; }
  // The gateway itself stood still for so long: that is no silence of the client.
  void forgive(Duration stood_still) { heard_ = heard_ + stood_still; }
  bool silent(Instant now) const { return now >= heard_ + settings_.client_timeout; }
  // What may be granted at `now`; 0: nothing (S1).
  Duration lease(Instant now) const;

  bool opened = false;  // the cell has it

 private:
  const uint64_t number_;
  const std::string token_;
  const Settings& settings_;
  CallTable calls_;
  ClientStream* stream_ = nullptr;
  Instant heard_{0};
  uint64_t last_event_ = 0;
  std::deque<api::Event> events_;
  std::unique_ptr<CellSession> cell_;  // last: its completions use the rest
};

}  // namespace conclave::gateway
