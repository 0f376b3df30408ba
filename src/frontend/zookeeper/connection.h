// One client connection: cuts frames, makes or resumes the session, then hands requests to the pipeline. Also what a
// connection may cost: deadlines, pausing, the limit of unsent bytes. Loop thread only.
//
// Invariants:
//   C1  Nothing is served before the session is established, but four-letter words.
//   C2  Bytes appended to the output during one turn of the loop leave in one write.
//   C3  After close nothing of this connection is reachable: watches, session entry, completions.
//   C4  Before a session is resumed, an older connection that has it here is closed: all that came on it was submitted
//       ahead of the request to resume.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/frame.h"
#include "base/log.h"
#include "env/network.h"
#include "frontend/zookeeper/hub.h"
#include "frontend/zookeeper/pipeline.h"

namespace conclave::frontend::zookeeper {

class Connection;

// What a connection asks of the server.
class ConnectionHost {
 public:
  virtual ~ConnectionHost() = default;
  // The session's client is on this connection now; another one of this server that had it must go.
  virtual void holds_session(Connection* connection) = 0;
  // flush() is to be called at the end of this turn.
  virtual void needs_flush(Connection* connection) = 0;
  // check_unsent() is to be called soon.
  virtual void needs_unsent_check(Connection* connection) = 0;
  // Nothing of it is needed any more; destroy it after this turn.
  virtual void gone(Connection* connection) = 0;
  // The whole answer to a four-letter word; nullopt for a word that there is none of.
  virtual std::optional<Bytes> four_letter_word(std::string_view word) = 0;
  // Is this server in read-only mode now?
  virtual bool read_only_mode() const = 0;
};

class Connection final : public env::StreamHandler, private PipelineHost {
 public:
  // `number` is its watcher id. Call start afterwards.
  Connection(Hub* hub, ConnectionHost* host, WatcherId number, std::unique_ptr<env::Stream> stream);
  ~Connection() override;

  void start();
  void on_data(BytesView bytes) override;
  void on_closed(const Error& reason) override;

  // Writes the output to the stream; drops the client if it reads too slowly.
  void flush();
  // Is there room again? Then reading goes on; else it asks to be asked again.
  void check_unsent();
  // Deadlines of connect, of partial frames and of closing.
  void check_deadlines(Instant now);
  // Sends a watch event (`frame` is whole), unless `acl` hides it (CVE-2024-23944).
  void send_event(BytesView frame, const state::Acl& acl);

  // The session is over: what was written still leaves.
  void finish_expired() { finish("the session is closed or expired"); }
  // Tells the client nothing; it finds the connection closed. `reason` is logged if `level` is not debug.
  void close_now(std::string_view reason, log::Level level = log::Level::debug);

  WatcherId number() const { return client_.number; }
  SessionId session() const { return client_.session; }
  bool is_established() const { return state_ == State::established; }
  bool is_closed() const { return state_ == State::closing || state_ == State::gone; }
  bool is_local() const { return client_.local; }
  bool is_read_only() const { return client_.read_only; }
  // The client asked for its session to be closed; the reply is still to come.
  bool is_closing_session() const { return pipeline_ != nullptr && pipeline_->closing(); }
  int64_t timeout_ms() const { return timeout_ms_; }
  size_t outstanding() const { return pipeline_ ? pipeline_->outstanding() : 0; }
  // Bytes of the client that wait: in requests unanswered, or in frames not looked at yet.
  size_t unread_bytes() const { return frames_.pending_bytes() + (pipeline_ ? pipeline_->queued_bytes() : 0); }
  // Bytes for the client that have not left.
  size_t unsent_bytes() const { return output_.size() + stream_->unsent_bytes(); }
  const env::Address& peer() const { return stream_->peer(); }
  const ConnectionStatistics& statistics() const { return statistics_; }
  void reset_statistics() { statistics_.reset(); }

 private:
  enum class State : uint8_t {
    greeting,  // the connect request is still to come
    waiting,   // the gateway makes or finds the session
    established,
    closing,  // what was written is still leaving
    gone,
  };

  // PipelineHost
  Bytes* output() override { return &output_; }
  void progressed() override;
  void finish(std::string_view reason) override;
  void drop(std::string_view reason) override;

  bool on_frame(BytesView message);
  void on_fault(const FrameFault& fault);
  void on_connect_request(BytesView message);
  void create_session(const wire::ConnectRequest& request);
  void resume_session(const wire::ConnectRequest& request);
  void on_resumed(state::Code code);
  void establish_or_refuse(bool known, int64_t timeout_ms);
  void establish(int64_t timeout_ms);
  void refuse_expired();
  void send_connect_response(const wire::ConnectResponse& response);
  // Cuts and handles what the reader held back; pauses or resumes the stream.
  void resume_frames();
  void settle_reading();
  void leave(State next);

  Hub* hub_;
  ConnectionHost* host_;
  std::unique_ptr<env::Stream> stream_;
  // Completions of the handshake hold a weak reference and find null when we are gone.
  std::shared_ptr<Connection*> self_;
  Client client_;
  ConnectionStatistics statistics_;
  FrameReader frames_;
  std::unique_ptr<Pipeline> pipeline_;
  Bytes output_;
  State state_ = State::greeting;
  Instant deadline_;  // greeting: for the connect request; closing: for the last bytes to leave
  std::optional<Instant> partial_since_;
  Instant now_;  // of the current on_data
  int64_t timeout_ms_ = 0;
  std::optional<bool> client_read_only_;  // as asked for; nullopt: a client that does not know the field
  bool any_frame_ = false;
  bool paused_ = false;
  bool frames_held_ = false;  // the frame reader was stopped
  bool in_on_data_ = false;
  bool flush_asked_ = false;
  bool unsent_check_asked_ = false;
};

}  // namespace conclave::frontend::zookeeper
