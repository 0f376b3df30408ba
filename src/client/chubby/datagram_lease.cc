#include "client/chubby/datagram_lease.h"

#include "base/probe.h"
#include "wire/chubby/datagram.h"

namespace conclave::chubby {

void DatagramLease::aim(const env::Address& master, SessionId session, BytesView password, uint64_t epoch) {
  master_ = master;
  session_ = session;
  password_ = password;
  epoch_ = epoch;
  sent_.fill(std::nullopt);
}

void DatagramLease::reset() {
  socket_.reset();
  session_ = SessionId();
  last_ = 0;
}

bool DatagramLease::open_socket() {
  if (socket_ != nullptr) return true;
  auto socket = network_.open_datagrams({}, [this](const env::Address&, BytesView bytes) { on_datagram(bytes); });
  if (!socket) return false;
  socket_ = *std::move(socket);
  return true;
}

void DatagramLease::ask() {
  if (session_ == SessionId() || !open_socket()) return;
  wire::LeaseRequest request;
  request.set_session(session_.value);
  request.set_epoch(epoch_);
  request.set_number(++last_);
  sent_[last_ % kUnderWayMax] = clock_.now();
  (void)socket_->send(master_, wire::seal(request, password_));
}

void DatagramLease::on_datagram(BytesView bytes) {
  const auto answer = wire::open_answer(bytes);
  if (!answer) return;
  const wire::LeaseAnswer& message = answer->message;
  if (SessionId(message.session()) != session_ || message.epoch() != epoch_) return;
  if (last_ - message.number() >= kUnderWayMax) return;  // too old, or beyond the last
  if (!is_genuine(*answer, password_)) return;
  const auto sent = std::exchange(sent_[message.number() % kUnderWayMax], std::nullopt);
  if (!sent) return;
  CONCLAVE_PROBE("chubby-client.datagram-heard");
  heard_(*sent, message);
}

}  // namespace conclave::chubby
