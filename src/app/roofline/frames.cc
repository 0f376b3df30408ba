#include "app/roofline/frames.h"

namespace conclave::app::roofline {
namespace {

// Takes a length and that many bytes from the front; false if there are fewer. A length of -1 is an empty buffer.
bool take_buffer(BytesView* from, BytesView* into) {
  if (from->size() < 4) return false;
  const auto size = load_big_endian<int32_t>(from->data());
  from->remove_prefix(4);
  if (size < -1) return false;
  const size_t bytes = size < 0 ? 0 : static_cast<size_t>(size);
  if (from->size() < bytes) return false;
  *into = from->substr(0, bytes);
  from->remove_prefix(bytes);
  return true;
}

// Fixed-size pieces of a reply, laid out on the stack and appended at once.
template <size_t kBytes>
class Piece {
 public:
  template <std::integral T>
  void put(T value) {
    const T swapped = big_endian(value);
    std::memcpy(bytes_.data() + used_, &swapped, sizeof(T));
    used_ += sizeof(T);
  }
  void append_to(Bytes* out) const { out->append(bytes_.data(), kBytes); }

 private:
  std::array<char, kBytes> bytes_{};
  size_t used_ = 0;
};

void append_header(Bytes* out, size_t body_size, int32_t xid, uint64_t zxid, Status status) {
  Piece<20> header;
  header.put(static_cast<uint32_t>(16 + body_size));
  header.put(xid);
  header.put(zxid);
  header.put(static_cast<int32_t>(status));
  header.append_to(out);
}

void append_buffer(Bytes* out, BytesView bytes) {
  Piece<4> size;
  size.put(static_cast<uint32_t>(bytes.size()));
  size.append_to(out);
  out->append(bytes);
}

// Without times, children and owner, which nobody asks the null log about.
void append_stat_body(Bytes* out, const Stat& stat) {
  Piece<kStatBytes> body;
  body.put(stat.created_zxid);
  body.put(stat.modified_zxid);
  body.put(uint64_t{0});  // created
  body.put(uint64_t{0});  // modified
  body.put(stat.version);
  body.put(uint32_t{0});  // version of the children
  body.put(uint32_t{0});  // version of the ACL
  body.put(uint64_t{0});  // ephemeral owner
  body.put(stat.data_size);
  body.put(uint32_t{0});  // children
  body.put(stat.created_zxid);
  body.append_to(out);
}

}  // namespace

std::optional<Request> parse_request(BytesView frame) {
  if (frame.size() < 8) return std::nullopt;
  Request request{.xid = load_big_endian<int32_t>(frame.data()),
                  .opcode = static_cast<Opcode>(load_big_endian<int32_t>(frame.data() + 4))};
  frame.remove_prefix(8);
  switch (request.opcode) {
    case Opcode::create:
    case Opcode::set_data:
      if (!take_buffer(&frame, &request.path) || !take_buffer(&frame, &request.data)) return std::nullopt;
      break;
    case Opcode::get_data:
    case Opcode::sync:
      if (!take_buffer(&frame, &request.path)) return std::nullopt;
      break;
    case Opcode::ping:
    case Opcode::close_session:
      break;
  }
  return request;
}

void append_session(Bytes* out, int32_t timeout_ms, uint64_t session) {
  Piece<41> reply;
  reply.put(uint32_t{37});
  reply.put(uint32_t{0});  // protocol version
  reply.put(timeout_ms);
  reply.put(session);
  reply.put(uint32_t{16});  // a password of zeroes, and "not read-only"
  reply.append_to(out);
}

void append_status(Bytes* out, int32_t xid, uint64_t zxid, Status status) {
  append_header(out, 0, xid, zxid, status);
}

void append_stat(Bytes* out, int32_t xid, uint64_t zxid, const Stat& stat) {
  append_header(out, kStatBytes, xid, zxid, Status::ok);
  append_stat_body(out, stat);
}

void append_path(Bytes* out, int32_t xid, uint64_t zxid, BytesView path) {
  append_header(out, 4 + path.size(), xid, zxid, Status::ok);
  append_buffer(out, path);
}

void append_data(Bytes* out, int32_t xid, uint64_t zxid, BytesView data, const Stat& stat) {
  append_header(out, 4 + data.size() + kStatBytes, xid, zxid, Status::ok);
  append_buffer(out, data);
  append_stat_body(out, stat);
}

}  // namespace conclave::app::roofline
