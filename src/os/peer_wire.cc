#include "os/peer_wire.h"

#include <algorithm>

#include "base/checksum.h"
#include "base/codec.h"

namespace conclave::os {
namespace {

constexpr BytesView kMagic = "CNCLPEER";
constexpr uint32_t kHelloBodyMax = 4096;
constexpr size_t kHelloHeaderBytes = 8 + 4;

uint64_t frame_checksum(uint32_t length, uint32_t sequence, BytesView payload) {
  return xxh3_64(payload, (uint64_t{sequence} << 32) | length);
}

}  // namespace

Bytes encode(const Hello& hello) {
  Bytes body;
  Encoder fields(&body);
  fields.fixed(hello.version);
  fields.fixed(hello.version_min);
  fields.u8(static_cast<uint8_t>(hello.status));
  fields.fixed(hello.cell.value);
  fields.u8(hello.from.value);
  fields.u8(hello.to.value);
  fields.fixed(hello.incarnation);
  fields.fixed(hello.features);
  fields.bytes(BytesView(hello.reason).substr(0, 1024));
  fields.u8(static_cast<uint8_t>(hello.engine));
  fields.fixed(hello.members);
  Bytes out(kMagic);
  Encoder envelope(&out);
  envelope.fixed(static_cast<uint32_t>(body.size()));
  envelope.raw(body);
  envelope.fixed(xxh3_64(out));
  return out;
}

Result<std::optional<DecodedHello>> decode_hello(BytesView bytes) {
  if (bytes.substr(0, kMagic.size()) != kMagic.substr(0, bytes.size())) {
    return fail(ErrorKind::invalid_argument, "not a peer of Conclave: the first bytes are not its magic number");
  }
  if (bytes.size() < kHelloHeaderBytes) return std::nullopt;
  Decoder envelope(bytes.substr(kMagic.size()));
  const auto length = envelope.fixed<uint32_t>();
  if (length > kHelloBodyMax) {
    return fail(ErrorKind::corrupt, "handshake of " + std::to_string(length) + " bytes is over the limit of " +
                                        std::to_string(kHelloBodyMax));
  }
  if (envelope.rest().size() < length + sizeof(uint64_t)) return std::nullopt;
  Decoder body(envelope.raw(length));
  if (envelope.fixed<uint64_t>() != xxh3_64(bytes.substr(0, kHelloHeaderBytes + length))) {
    return fail(ErrorKind::corrupt, "handshake fails its checksum");
  }
  DecodedHello out{.hello = {}, .size = kHelloHeaderBytes + length + sizeof(uint64_t)};
  Hello& hello = out.hello;
  hello.version = body.fixed<uint16_t>();
  hello.version_min = body.fixed<uint16_t>();
  const uint8_t status = body.u8();
  hello.status = static_cast<Hello::Status>(status);
  hello.cell = CellId(body.fixed<uint64_t>());
  hello.from = ReplicaId(body.u8());
  hello.to = ReplicaId(body.u8());
  hello.incarnation = body.fixed<uint64_t>();
  hello.features = body.fixed<uint64_t>();
  hello.reason = body.string();
  if (!body.rest().empty()) hello.engine = engine_number(body.u8());
  if (!body.rest().empty()) hello.members = body.fixed<uint64_t>();
  // What follows comes from a newer version and is ignored.
  if (!body.ok() || status > static_cast<uint8_t>(Hello::Status::refused)) {
    return fail(ErrorKind::corrupt, "handshake is malformed");
  }
  return out;
}

void append_frame_header(Bytes* out, uint32_t sequence, BytesView payload) {
  Encoder header(out);
  const auto length = static_cast<uint32_t>(payload.size());
  header.fixed(length);
  header.fixed(sequence);
  header.fixed(frame_checksum(length, sequence, payload));
}

Result<FrameReader::Header> FrameReader::read_header(BytesView bytes) const {
  Decoder fields(bytes);
  Header header;
  header.length = fields.fixed<uint32_t>();
  header.sequence = fields.fixed<uint32_t>();
  header.checksum = fields.fixed<uint64_t>();
  if (header.length > frame_bytes_max_) {
    return fail(ErrorKind::limit, "frame of " + std::to_string(header.length) + " bytes is over the limit of " +
                                      std::to_string(frame_bytes_max_));
  }
  return header;
}

Result<> FrameReader::check(const Header& header, BytesView payload) {
  if (header.checksum != frame_checksum(header.length, header.sequence, payload)) {
    return fail(ErrorKind::corrupt, "frame " + std::to_string(next_sequence_) + " fails its checksum");
  }
  if (header.sequence != next_sequence_) {
    return fail(ErrorKind::corrupt, "frame " + std::to_string(header.sequence) + " came where frame " +
                                        std::to_string(next_sequence_) + " was due");
  }
  ++next_sequence_;
  return {};
}

Result<> FrameReader::feed(BytesView bytes, const std::function<bool(BytesView)>& deliver) {
  while (!bytes.empty()) {
    BytesView source = bytes;
    if (!pending_.empty()) {  // complete this one frame by copying, then go on in place
      const auto take = [&](size_t until) {
        const size_t n = std::min(bytes.size(), until - std::min(until, pending_.size()));
        pending_.append(bytes.substr(0, n));
        bytes.remove_prefix(n);
      };
      take(kFrameHeaderBytes);
      if (pending_.size() < kFrameHeaderBytes) return {};
      const auto header = read_header(pending_);
      if (!header) return std::unexpected(header.error());
      take(kFrameHeaderBytes + header->length);
      source = pending_;
    }
    if (source.size() < kFrameHeaderBytes) {
      pending_ = source;
      return {};
    }
    const auto header = read_header(source);
    if (!header) return std::unexpected(header.error());
    const size_t size = kFrameHeaderBytes + header->length;
    if (source.size() < size) {
      if (pending_.empty()) pending_ = source;
      return {};
    }
    const BytesView payload = source.substr(kFrameHeaderBytes, header->length);
    if (auto fine = check(*header, payload); !fine) return fine;
    if (pending_.empty()) {
      bytes.remove_prefix(size);
      if (!deliver(payload)) return {};
    } else {
      const Bytes whole = std::move(pending_);
      pending_ = Bytes();
      if (!deliver(BytesView(whole).substr(kFrameHeaderBytes))) return {};
    }
  }
  return {};
}

}  // namespace conclave::os
