#include "app/bench/connection.h"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace conclave::app::bench {

Connection::~Connection() {
  if (fd_ >= 0) ::close(fd_);
}

void Connection::start(uint64_t now_ns, int fd, std::string server, int32_t timeout_ms) {
  fd_ = fd;
  server_ = std::move(server);
  started_ns_ = last_request_ns_ = now_ns;
  append_connect(&out_, timeout_ms, zxid_seen_);
}

size_t Connection::abandon() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  size_t in_doubt = 0;
  for (const Pending& request : pending_) {
    if (request.opcode != Opcode::set_data) continue;
    ++keys_.versions[request.key].in_doubt;
    ++in_doubt;
  }
  timeout_ms_ = 0;
  xid_next_ = 1;
  pings_in_flight_ = 0;
  pending_.clear();
  created_paths_.clear();
  out_.clear();
  sent_ = 0;
  partial_.clear();
  return in_doubt;
}

Pending& Connection::push(uint64_t now_ns, Opcode opcode, uint32_t key) {
  last_request_ns_ = now_ns;
  return pending_.emplace_back(Pending{.sent_ns = now_ns, .xid = xid_next_++, .key = key, .opcode = opcode});
}

void Connection::set_data(uint64_t now_ns, uint32_t key, BytesView data) {
  append_set_data(&out_, push(now_ns, Opcode::set_data, key).xid, keys_.paths[key], data);
}

void Connection::get_data(uint64_t now_ns, uint32_t key, bool watch) {
  append_get_data(&out_, push(now_ns, Opcode::get_data, key).xid, keys_.paths[key], watch);
}

void Connection::create(uint64_t now_ns, const std::string& path, BytesView data, bool may_exist) {
  Pending& request = push(now_ns, Opcode::create, 0);
  request.may_exist = may_exist;
  created_paths_.push_back(path);
  append_create(&out_, request.xid, path, data);
}

void Connection::sync(uint64_t now_ns, const std::string& path) {
  append_sync(&out_, push(now_ns, Opcode::sync, 0).xid, path);
}

void Connection::ping(uint64_t now_ns) {
  last_request_ns_ = now_ns;
  ++pings_in_flight_;
  append_ping(&out_);
}

void Connection::close_session(uint64_t now_ns) {
  append_close_session(&out_, push(now_ns, Opcode::close_session, 0).xid);
}

Result<> Connection::flush() {
  while (has_unsent()) {
    const ssize_t n = ::send(fd_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return {};
    if (n < 0) return broken(ErrorKind::io, "send: " + std::generic_category().message(errno));
    sent_ += static_cast<size_t>(n);
  }
  out_.clear();
  sent_ = 0;
  return {};
}

std::unexpected<Error> Connection::broken(ErrorKind kind, std::string_view why) const {
  return fail(kind, fmt::format("connection {} to {}: {}", number_, server_, why));
}

std::unexpected<Error> Connection::wrong(const Pending& request, std::string what) const {
  return fail(ErrorKind::corrupt, fmt::format("connection {} to {}, xid {}, opcode {}: {}", number_, server_,
                                              request.xid, static_cast<int32_t>(request.opcode), what));
}

// The answer to a connect request: (protocol, timeout, session id, password, read-only).
Result<Answer> Connection::on_session(BytesView frame) {
  if (frame.size() < 36) return wrong({}, fmt::format("a connect reply of {} bytes", frame.size()));
  timeout_ms_ = load_big_endian<int32_t>(frame.data() + 4);
  if (timeout_ms_ <= 0) return broken(ErrorKind::closed, "the session was refused");
  return Answer{.kind = Answer::Kind::session};
}

// A watch event: (type, state, path).
Result<Answer> Connection::on_event(BytesView body) {
  if (body.size() < 12 || load_big_endian<uint32_t>(body.data() + 8) != body.size() - 12)
    return wrong({}, fmt::format("a watch event of {} bytes", body.size()));
  if (const auto type = load_big_endian<int32_t>(body.data()); type != kEventDataChanged)
    return wrong({}, fmt::format("a watch event of type {}", type));
  return Answer{.kind = Answer::Kind::data_changed, .path = body.substr(12)};
}

Result<Answer> Connection::on_frame(BytesView frame) {
  if (!has_session()) return on_session(frame);
  if (frame.size() < kReplyHeaderSize)
    return wrong({}, fmt::format("a reply of {} bytes is shorter than its header", frame.size()));
  const auto xid = load_big_endian<int32_t>(frame.data());
  const auto zxid = load_big_endian<int64_t>(frame.data() + 4);
  const auto error = load_big_endian<int32_t>(frame.data() + 12);
  const BytesView body = frame.substr(kReplyHeaderSize);

  if (xid == kXidWatch) return on_event(body);
  if (xid == kXidPing) {
    if (pings_in_flight_ == 0) return wrong({}, "an answer to a ping that was not sent");
    --pings_in_flight_;
    return Answer{.kind = Answer::Kind::ping};
  }
  if (pending_.empty()) return wrong({}, fmt::format("a reply to xid {} came but no request is in flight", xid));
  const Pending request = pending_.front();
  if (xid != request.xid)
    return wrong(request, fmt::format("the reply is for xid {} (lost, doubled or reordered)", xid));
  // The server does not say whether it did it: the request stays in flight, so that abandon() counts it as in doubt.
  if (error == kConnectionLoss || error == kOperationTimeout || error == kSessionExpired || error == kSessionMoved)
    return broken(ErrorKind::closed, fmt::format("error {}", error));
  pending_.pop_front();

  if (error != kNoError && (error != kNodeExists || !request.may_exist))
    return wrong(request, fmt::format("error {}", error));
  if (zxid < zxid_seen_) return wrong(request, fmt::format("zxid went back from {:#x} to {:#x}", zxid_seen_, zxid));
  zxid_seen_ = zxid;

  Result<> checked;
  if (request.opcode == Opcode::set_data) checked = check_set_data(request, zxid, body);
  if (request.opcode == Opcode::get_data) checked = check_get_data(request, body);
  if (request.opcode == Opcode::create) checked = check_create(request, zxid, error, body);
  if (!checked) return std::unexpected(checked.error());
  return Answer{.request = request, .zxid = zxid, .existed = error == kNodeExists};
}

Result<> Connection::check_create(const Pending& request, int64_t zxid, int32_t error, BytesView body) {
  const std::string path = std::move(created_paths_.front());
  created_paths_.pop_front();
  if (error == kNodeExists) return {};
  if (body.size() != 4 + path.size() || body.substr(4) != path)
    return wrong(request, fmt::format("the create of {} answers another path", path));
  if (zxid <= zxid_written_) return wrong(request, fmt::format("two writes carry zxid {:#x}", zxid));
  zxid_written_ = zxid;
  return {};
}

Result<> Connection::check_set_data(const Pending& request, int64_t zxid, BytesView body) {
  if (body.size() != kStatSize) return wrong(request, fmt::format("a stat of {} bytes", body.size()));
  if (zxid <= zxid_written_) return wrong(request, fmt::format("two writes carry zxid {:#x}", zxid));
  zxid_written_ = zxid;
  if (load_big_endian<int64_t>(body.data() + kStatMzxidOffset) != zxid)
    return wrong(request, "the stat carries another zxid than the reply");
  const auto version = load_big_endian<int32_t>(body.data() + kStatVersionOffset);
  NodeVersion& node = keys_.versions[request.key];
  if (!node.accept_write(version))
    return wrong(request, fmt::format("{} went from version {} to {}, {} writes in doubt", keys_.paths[request.key],
                                      node.known, version, node.in_doubt));
  return {};
}

Result<> Connection::check_get_data(const Pending& request, BytesView body) {
  if (body.size() != 4 + payload_size_ + kStatSize)
    return wrong(request, fmt::format("an answer of {} bytes", body.size()));
  uint64_t stamp = 0;
  std::memcpy(&stamp, body.data() + 4, sizeof(stamp));
  if (stamp != keys_.stamps[request.key]) return wrong(request, "the data of another node");
  const auto version = load_big_endian<int32_t>(body.data() + 4 + payload_size_ + kStatVersionOffset);
  NodeVersion& node = keys_.versions[request.key];
  if (!node.accept_read(version))
    return wrong(request, fmt::format("{} read at version {}, written at {}, {} writes in doubt",
                                      keys_.paths[request.key], version, node.known, node.in_doubt));
  return {};
}

}  // namespace conclave::app::bench
