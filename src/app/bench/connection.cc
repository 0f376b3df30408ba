#include "app/bench/connection.h"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace conclave::app::bench {

Connection::Connection(Connection&& other) noexcept
    : number_(other.number_),
      fd_(std::exchange(other.fd_, -1)),
      server_(std::move(other.server_)),
      payload_size_(other.payload_size_),
      keys_(std::move(other.keys_)),
      xid_next_(other.xid_next_),
      zxid_seen_(other.zxid_seen_),
      zxid_written_(other.zxid_written_),
      pending_(std::move(other.pending_)),
      created_paths_(std::move(other.created_paths_)),
      out_(std::move(other.out_)),
      sent_(other.sent_),
      partial_(std::move(other.partial_)) {}

Connection::~Connection() {
  if (fd_ >= 0) ::close(fd_);
}

Pending& Connection::push(uint64_t now_ns, Opcode opcode, uint32_t key) {
  return pending_.emplace_back(Pending{.sent_ns = now_ns, .xid = xid_next_++, .key = key, .opcode = opcode});
}

void Connection::set_data(uint64_t now_ns, uint32_t key, BytesView data) {
  append_set_data(&out_, push(now_ns, Opcode::set_data, key).xid, keys_.paths[key], data);
}

void Connection::get_data(uint64_t now_ns, uint32_t key) {
  append_get_data(&out_, push(now_ns, Opcode::get_data, key).xid, keys_.paths[key]);
}

void Connection::create(uint64_t now_ns, const std::string& path, BytesView data, bool may_exist) {
  Pending& request = push(now_ns, Opcode::create, 0);
  request.may_exist = may_exist;
  created_paths_.push_back(path);
  append_create(&out_, request.xid, path, data);
}

void Connection::close_session(uint64_t now_ns) {
  append_close_session(&out_, push(now_ns, Opcode::close_session, 0).xid);
}

Result<> Connection::flush() {
  while (has_unsent()) {
    const ssize_t n = ::send(fd_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return {};
    if (n < 0)
      return fail(ErrorKind::io, fmt::format("connection {} to {}: send: {}", number_, server_,
                                             std::generic_category().message(errno)));
    sent_ += static_cast<size_t>(n);
  }
  out_.clear();
  sent_ = 0;
  return {};
}

std::unexpected<Error> Connection::wrong(const Pending& request, std::string what) const {
  return fail(ErrorKind::corrupt, fmt::format("connection {} to {}, xid {}, opcode {}: {}", number_, server_,
                                              request.xid, static_cast<int32_t>(request.opcode), what));
}

Result<Answer> Connection::on_frame(BytesView frame) {
  if (frame.size() < kReplyHeaderSize)
    return wrong({}, fmt::format("a reply of {} bytes is shorter than its header", frame.size()));
  const auto xid = load_big_endian<int32_t>(frame.data());
  const auto zxid = load_big_endian<int64_t>(frame.data() + 4);
  const auto error = load_big_endian<int32_t>(frame.data() + 12);
  const BytesView body = frame.substr(kReplyHeaderSize);

  if (pending_.empty()) return wrong({}, fmt::format("a reply to xid {} came but no request is in flight", xid));
  const Pending request = pending_.front();
  pending_.pop_front();
  if (xid != request.xid)
    return wrong(request, fmt::format("the reply is for xid {} (lost, doubled or reordered)", xid));

  if (error != kNoError && !(error == kNodeExists && request.may_exist))
    return wrong(request, fmt::format("error {}", error));
  if (zxid < zxid_seen_) return wrong(request, fmt::format("zxid went back from {:#x} to {:#x}", zxid_seen_, zxid));
  zxid_seen_ = zxid;

  switch (request.opcode) {
    case Opcode::set_data:
      if (auto ok = check_set_data(request, zxid, body); !ok) return std::unexpected(ok.error());
      break;
    case Opcode::get_data:
      if (auto ok = check_get_data(request, body); !ok) return std::unexpected(ok.error());
      break;
    case Opcode::create: {
      const std::string path = std::move(created_paths_.front());
      created_paths_.pop_front();
      if (error == kNodeExists) break;
      if (body.size() != 4 + path.size() || body.substr(4) != path)
        return wrong(request, fmt::format("the create of {} answers another path", path));
      if (zxid <= zxid_written_) return wrong(request, fmt::format("two writes carry zxid {:#x}", zxid));
      zxid_written_ = zxid;
      break;
    }
    case Opcode::sync:
    case Opcode::close_session:
      break;
  }
  return Answer{.request = request, .zxid = zxid};
}

Result<> Connection::check_set_data(const Pending& request, int64_t zxid, BytesView body) {
  if (body.size() != kStatSize) return wrong(request, fmt::format("a stat of {} bytes", body.size()));
  if (zxid <= zxid_written_) return wrong(request, fmt::format("two writes carry zxid {:#x}", zxid));
  zxid_written_ = zxid;
  if (load_big_endian<int64_t>(body.data() + kStatMzxidOffset) != zxid)
    return wrong(request, "the stat carries another zxid than the reply");
  const auto version = load_big_endian<int32_t>(body.data() + kStatVersionOffset);
  int32_t& known = keys_.versions[request.key];
  if (known >= 0 && version != known + 1)  // negative: left by an earlier run, learned from this first write
    return wrong(request, fmt::format("{} went from version {} to {}", keys_.paths[request.key], known, version));
  known = version;
  return {};
}

Result<> Connection::check_get_data(const Pending& request, BytesView body) {
  if (body.size() != 4 + payload_size_ + kStatSize)
    return wrong(request, fmt::format("an answer of {} bytes", body.size()));
  uint64_t stamp = 0;
  std::memcpy(&stamp, body.data() + 4, sizeof(stamp));
  if (stamp != keys_.stamps[request.key]) return wrong(request, "the data of another node");
  const auto version = load_big_endian<int32_t>(body.data() + 4 + payload_size_ + kStatVersionOffset);
  if (version != keys_.versions[request.key])
    return wrong(request, fmt::format("{} read at version {}, written at {}", keys_.paths[request.key], version,
                                      keys_.versions[request.key]));
  return {};
}

}  // namespace conclave::app::bench
