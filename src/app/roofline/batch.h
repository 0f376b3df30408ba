// What members say to each other and write to their logs: messages of a fixed header and records, in the machine's own
// byte order, as all members are one program on one machine.
//
// A record is a client's request frame as it came, its length included, behind the connection that waits for the
// answer. So a write is copied and never encoded anew on its way from the client into three logs. Pure.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>

#include "app/roofline/frames.h"
#include "base/bytes.h"
#include "base/result.h"

namespace conclave::app::roofline {

enum class Kind : uint32_t {
  hello = 1,    // follower to master: who it is (count); and back, when the master counts on it
  forward = 2,  // follower to master: writes of its clients
  batch = 3,    // master to followers, and in the logs: writes zxid - count + 1 to zxid
  durable = 4,  // follower to master: all up to zxid are on its disk
  commit = 5,   // master to followers: all up to zxid are on the disks of a majority
};

struct Header {
  uint32_t records_bytes = 0;
  Kind kind = Kind::hello;
  uint32_t count = 0;
  uint32_t reserved = 0;
  uint64_t zxid = 0;
  uint64_t checksum = 0;  // XXH3 of the records, in a batch: how a log would find its end after a crash
};
static_assert(sizeof(Header) == 32);

struct Origin {
  uint32_t member = 0;
  uint32_t connection = 0;
};

Header header_of(BytesView message);
inline BytesView records_of(BytesView message) {
  return message.substr(sizeof(Header));
}

// A message without records.
Bytes bare_message(Kind kind, uint64_t zxid, uint32_t count = 0);

// Records gathered for one message. Keeps room for as much as the last one had.
class Gathering {
 public:
  bool empty() const { return count_ == 0; }
  // `frame` is a request without its length.
  void add(Origin origin, BytesView frame);
  // Those of another message.
  void add_all(BytesView records, uint32_t count);
  // The message of all records; empty again. A batch begins behind `zxid`, and gets its checksum.
  Bytes take(Kind kind, uint64_t zxid = 0);

 private:
  void begin();

  Bytes message_;
  uint32_t count_ = 0;
  size_t bytes_usual_ = 4096;
};

// A sealed batch: shared by the log, the followers and whoever applies it.
struct Batch {
  Bytes message;
  uint64_t zxid_first = 0;
  uint64_t zxid_last = 0;
};
std::shared_ptr<const Batch> make_batch(Bytes message);

// Calls f(origin, frame) for each record. REQUIRES: they are whole, as Gathering makes them.
template <class F>
void for_each_record(BytesView records, F f) {
  while (!records.empty()) {
    Origin origin;
    std::memcpy(&origin, records.data(), sizeof(origin));
    const char* frame = records.data() + sizeof(origin);
    const auto size = load_big_endian<uint32_t>(frame);
    f(origin, BytesView(frame + kLengthBytes, size));
    records.remove_prefix(sizeof(origin) + kLengthBytes + size);
  }
}

// Cuts the bytes of a connection between members into messages.
class MessageReader {
 public:
  // Calls f(Bytes message) for each message that is complete now; what it returns goes through.
  template <class F>
  Result<> feed(BytesView bytes, F f) {
    while (!bytes.empty()) {
      if (auto ok = take_from(&bytes); !ok) return ok;
      if (!complete()) continue;
      if (auto ok = f(std::exchange(message_, {})); !ok) return ok;
    }
    return {};
  }

 private:
  static constexpr size_t kRecordsBytesMax = 1 << 30;
  Result<> take_from(BytesView* bytes);
  bool complete() const;

  Bytes message_;
};

}  // namespace conclave::app::roofline
