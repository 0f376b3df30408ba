#include "app/roofline/client_link.h"

#include <utility>

#include "base/assert.h"

namespace conclave::app::roofline {

ClientLink::ClientLink(uint32_t number, std::unique_ptr<env::Stream> stream, Host& host)
    : number_(number), stream_(std::move(stream)), host_(host) {
  stream_->set_handler(this);
}

void ClientLink::on_data(BytesView bytes) {
  const bool in_place = partial_.empty();
  if (!in_place) {
    partial_.append(bytes);
    bytes = partial_;
  }
  const auto rest = for_each_frame(bytes, [this](BytesView frame) { return on_frame(frame); });
  if (!rest) return host_.gone(number_);
  if (in_place) {
    partial_.assign(*rest);
  } else {
    partial_.erase(0, partial_.size() - rest->size());
  }
  flush();
}

void ClientLink::on_closed(const Error& /*reason*/) {
  host_.gone(number_);
}

bool ClientLink::on_frame(BytesView frame) {
  if (!connected_) {
    if (frame.size() < kConnectFrameBytesMin) return false;
    connected_ = true;
    append_session(&replies_, load_big_endian<int32_t>(frame.data() + 12), number_ + uint64_t{1});
    return true;
  }
  const auto request = parse_request(frame);
  if (!request) return false;
  if (is_write(request->opcode)) {
    waiting_.push_back({.xid = request->xid, .opcode = request->opcode});
    host_.propose(number_, frame);
  } else if (waiting_.empty()) {
    answer_at_once(*request);
  } else {
    // The node may be made by a write before this one, so it gets its place now.
    const Node* node = request->opcode == Opcode::get_data ? &host_.store().place(request->path) : nullptr;
    waiting_.push_back({.xid = request->xid, .opcode = request->opcode, .node = node});
  }
  return true;
}

void ClientLink::answer_at_once(const Request& request) {
  const Node* node = request.opcode == Opcode::get_data ? host_.store().find(request.path) : nullptr;
  answer_waiting({.xid = request.xid, .opcode = request.opcode, .node = node});
}

void ClientLink::complete(const Request& write, uint64_t zxid, const Store::Applied& applied) {
  CONCLAVE_ASSERT(!waiting_.empty());
  CONCLAVE_ASSERT(waiting_.front().xid == write.xid);
  waiting_.pop_front();
  if (replies_.empty()) replies_.reserve(replies_usual_);
  if (applied.status != Status::ok) {
    append_status(&replies_, write.xid, zxid, applied.status);
  } else if (write.opcode == Opcode::set_data) {
    append_stat(&replies_, write.xid, zxid, applied.node->stat());
  } else {
    append_path(&replies_, write.xid, zxid, write.path);
  }
  for (; !waiting_.empty() && !is_write(waiting_.front().opcode); waiting_.pop_front())
    answer_waiting(waiting_.front());
}

void ClientLink::answer_waiting(const Waiting& request) {
  if (replies_.empty()) replies_.reserve(replies_usual_);
  switch (request.opcode) {
    case Opcode::get_data:
      return answer_read(request.xid, request.node);
    case Opcode::close_session:
      closing_ = true;
      return append_status(&replies_, request.xid, host_.zxid_applied(), Status::ok);
    case Opcode::ping:
      return append_status(&replies_, request.xid, host_.zxid_applied(), Status::ok);
    default:
      return append_status(&replies_, request.xid, host_.zxid_applied(), Status::unimplemented);
  }
}

void ClientLink::answer_read(int32_t xid, const Node* node) {
  if (node == nullptr || !node->exists()) return append_status(&replies_, xid, host_.zxid_applied(), Status::no_node);
  append_data(&replies_, xid, host_.zxid_applied(), node->data, node->stat());
}

void ClientLink::flush() {
  if (replies_.empty()) return;
  replies_usual_ = replies_.size() + replies_.size() / 4;
  stream_->write(std::exchange(replies_, {}));
  if (closing_) stream_->close_after_writes();
}

}  // namespace conclave::app::roofline
