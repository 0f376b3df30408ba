// One request at a time on keys of its own, and what its answer must be. gRPC answers the calls of a connection in any
// order, so a connection with O requests in flight is O lanes, and each lane knows what etcd holds under its keys.
// Pure.
//
// Checked on every answer:
//   1. a put's revision is higher than that of every put answered on this connection before it was sent;
//   2. a read returns the value that the lane wrote last, at exactly the revision of that write.
// That no two puts have one revision is checked over all lanes, at the end of the run.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fmt/format.h>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace conclave::app::etcd_load {

class Lane {
 public:
  struct Key {
    std::string name;
    int64_t revision = 0;  // of our last put; 0: none yet
    uint64_t stamp = 0;    // the first eight bytes of the value
  };

  Lane(uint32_t connection, std::vector<Key> keys) : connection_(connection), keys_(std::move(keys)) {}

  uint32_t connection() const { return connection_; }
  std::vector<Key>& keys() { return keys_; }
  const Key& key() const { return keys_[current_]; }

  // `revision_seen`: the highest one answered on the connection so far.
  void begin_put(size_t key, uint64_t stamp, int64_t revision_seen) {
    current_ = key;
    stamp_ = stamp;
    revision_floor_ = std::max(revision_seen, keys_[key].revision);
  }
  void begin_read(size_t key) { current_ = key; }

  Result<> check_put(int64_t revision) {
    if (revision <= revision_floor_)
      return wrong(fmt::format("put at revision {}, sent when {} was known", revision, revision_floor_));
    keys_[current_].revision = revision;
    keys_[current_].stamp = stamp_;
    return {};
  }

  Result<> check_read(int64_t revision, std::string_view value, size_t size) const {
    const Key& expected = key();
    if (value.size() != size || size < sizeof(uint64_t))
      return wrong(fmt::format("a value of {} bytes instead of {}", value.size(), size));
    uint64_t stamp = 0;
    std::memcpy(&stamp, value.data(), sizeof(stamp));
    if (revision != expected.revision)
      return wrong(fmt::format("read at revision {}, written at {}", revision, expected.revision));
    if (stamp != expected.stamp) return wrong("the value of another write");
    return {};
  }

  std::unexpected<Error> wrong(std::string_view what) const {
    return fail(ErrorKind::corrupt, fmt::format("connection {}, key {}: {}", connection_, key().name, what));
  }

 private:
  uint32_t connection_;
  std::vector<Key> keys_;
  size_t current_ = 0;
  uint64_t stamp_ = 0;
  int64_t revision_floor_ = 0;
};

}  // namespace conclave::app::etcd_load
