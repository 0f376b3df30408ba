// Bytes between two replicas: the handshake and the frames after it. docs/formats/peer_connection.md gives every byte.
// Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/engine_number.h"
#include "base/ids.h"
#include "base/result.h"

namespace conclave::os {

constexpr uint16_t kPeerVersion = 1;     // what this build speaks
constexpr uint16_t kPeerVersionMin = 1;  // the oldest it still understands
constexpr size_t kFrameHeaderBytes = 16;

// The first message in each direction.
struct Hello {
  enum class Status : uint8_t { hello, welcome, refused };

  uint16_t version = kPeerVersion;
  uint16_t version_min = kPeerVersionMin;
  Status status = Status::hello;
  CellId cell;
  ReplicaId from;
  ReplicaId to;
  uint64_t incarnation = 0;                         // drawn at each start of the process
  uint64_t features = 0;                            // bits; unknown ones are ignored
  std::string reason;                               // of a refusal
  EngineNumber engine = EngineNumber::multi_paxos;  // what the sender runs
  uint64_t members = 0;                             // version of the members that the sender knows
};

Bytes encode(const Hello& hello);

struct DecodedHello {
  Hello hello;
  size_t size = 0;  // bytes it took
};
// Nothing yet if more bytes are needed. Errors: invalid_argument (not a Conclave peer), corrupt.
Result<std::optional<DecodedHello>> decode_hello(BytesView bytes);

// Header of the frame that is number `sequence` (from 0) of its direction.
void append_frame_header(Bytes* out, uint32_t sequence, BytesView payload);

// Cuts a byte stream into frames and checks each. One per direction of a connection.
class FrameReader {
 public:
  explicit FrameReader(size_t frame_bytes_max) : frame_bytes_max_(frame_bytes_max) {}

  // Calls `deliver` with each frame that `bytes` completes; a view into `bytes` where it is whole in there. Stops
  // early if `deliver` returns false. After an error the reader must not be used again. Errors: corrupt (checksum or
  // sequence), limit (length).
  Result<> feed(BytesView bytes, const std::function<bool(BytesView)>& deliver);
  // Bytes of an incomplete frame.
  size_t pending_bytes() const { return pending_.size(); }

 private:
  struct Header {
    uint32_t length = 0;
    uint32_t sequence = 0;
    uint64_t checksum = 0;
  };
  Result<Header> read_header(BytesView bytes) const;
  Result<> check(const Header& header, BytesView payload);

  const size_t frame_bytes_max_;
  uint32_t next_sequence_ = 0;
  Bytes pending_;
};

}  // namespace conclave::os
