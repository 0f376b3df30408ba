// One connection between two replicas, from its first byte: the handshake, then frames. It knows nothing of who may
// connect; its owner decides. Loop thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "env/network.h"
#include "os/loop.h"
#include "os/peer_wire.h"

namespace conclave::os {

class PeerLink;

class PeerLinkOwner {
 public:
  virtual ~PeerLinkOwner() = default;
  virtual void on_hello(PeerLink& link, const Hello& hello) = 0;
  virtual void on_frame(PeerLink& link, BytesView frame) = 0;
  // The last call: the connection broke, sent nonsense, or its handshake took too long.
  virtual void on_link_closed(PeerLink& link, const Error& reason) = 0;
};

class PeerLink final : public env::StreamHandler {
 public:
  PeerLink(Loop& loop, PeerLinkOwner& owner, std::unique_ptr<env::Stream> stream, size_t frame_bytes_max,
           Duration handshake_timeout, ReplicaId expected);
  ~PeerLink() override;

  void send_hello(const Hello& hello) { stream_->write(encode(hello)); }
  // The handshake is over; frames may flow.
  void open(ReplicaId peer);
  void send_frame(Bytes frame);
  size_t unsent_bytes() const { return stream_ ? stream_->unsent_bytes() : 0; }
  // Sends what is queued, then closes; the owner hears no more.
  void close_after_writes();
  // Closes at once; the owner hears no more. The link may be destroyed by a posted task only: it may be running.
  void close();

  // Who is at the other end: known from the start if this side connected, else from its hello.
  ReplicaId peer() const { return peer_; }
  bool dialled() const { return dialled_; }
  std::string remote() const { return to_string(remote_); }

 private:
  void on_data(BytesView bytes) override;
  void on_closed(const Error& reason) override;
  void fail_with(const Error& reason);

  Loop& loop_;
  PeerLinkOwner* owner_;  // null once closed
  std::unique_ptr<env::Stream> stream_;
  env::Address remote_;
  bool dialled_;
  ReplicaId peer_;
  bool open_ = false;
  bool hello_seen_ = false;
  Bytes hello_bytes_;
  FrameReader reader_;
  uint32_t sent_frames_ = 0;
  env::TimerId handshake_timer_ = 0;
};

}  // namespace conclave::os
