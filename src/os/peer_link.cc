#include "os/peer_link.h"

#include <utility>

namespace conclave::os {
namespace {

constexpr size_t kCopyBelow = 4 << 10;  // a frame this small goes behind its header in one buffer

}  // namespace

PeerLink::PeerLink(Loop& loop, PeerLinkOwner& owner, std::unique_ptr<env::Stream> stream, size_t frame_bytes_max,
                   Duration handshake_timeout, ReplicaId expected)
    : loop_(loop),
      owner_(&owner),
      stream_(std::move(stream)),
      remote_(stream_->peer()),
      dialled_(expected != ReplicaId()),
      peer_(expected),
      reader_(frame_bytes_max) {
  handshake_timer_ = loop_.schedule(handshake_timeout, [this] {
    handshake_timer_ = 0;
    fail_with(Error{ErrorKind::timed_out, "handshake timed out"});
  });
  stream_->set_handler(this);
}

PeerLink::~PeerLink() {
  if (handshake_timer_ != 0) loop_.cancel(handshake_timer_);
}

void PeerLink::open(ReplicaId peer) {
  peer_ = peer;
  open_ = true;
  loop_.cancel(std::exchange(handshake_timer_, 0));
}

void PeerLink::send_frame(Bytes frame) {
  Bytes head;
  head.reserve(kFrameHeaderBytes + (frame.size() < kCopyBelow ? frame.size() : 0));
  append_frame_header(&head, sent_frames_++, frame);
  if (frame.size() < kCopyBelow) {
    head += frame;
    stream_->write(std::move(head));
  } else {
    stream_->write(std::move(head));
    stream_->write(std::move(frame));
  }
}

void PeerLink::close_after_writes() {
  owner_ = nullptr;
  if (stream_) stream_->close_after_writes();
}

void PeerLink::close() {
  owner_ = nullptr;
  if (handshake_timer_ != 0) loop_.cancel(std::exchange(handshake_timer_, 0));
  stream_.reset();
}

void PeerLink::on_data(BytesView bytes) {
  if (owner_ == nullptr) return;
  Bytes rest;  // keeps what follows the hello
  if (!hello_seen_) {
    hello_bytes_ += bytes;
    const auto decoded = decode_hello(hello_bytes_);
    if (!decoded) return fail_with(decoded.error());
    if (!*decoded) return;
    hello_seen_ = true;
    rest = hello_bytes_.substr((*decoded)->size);
    bytes = rest;
    hello_bytes_ = Bytes();
    owner_->on_hello(*this, (*decoded)->hello);
  }
  if (owner_ == nullptr || bytes.empty()) return;
  if (!open_) return fail_with(Error{ErrorKind::corrupt, "frames before the end of the handshake"});
  const auto fed = reader_.feed(bytes, [this](BytesView frame) {
    owner_->on_frame(*this, frame);
    return owner_ != nullptr;
  });
  if (!fed) fail_with(fed.error());
}

void PeerLink::on_closed(const Error& reason) {
  fail_with(reason);
}

void PeerLink::fail_with(const Error& reason) {
  PeerLinkOwner* owner = owner_;
  close();
  if (owner != nullptr) owner->on_link_closed(*this, reason);
}

}  // namespace conclave::os
