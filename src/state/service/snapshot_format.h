// The bytes of a snapshot of the state: docs/formats/state_chunks.md. Private to state/service. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace conclave::state::snapshot {

inline constexpr std::string_view kMagic = "CVSTATE1";
// The byte that tells a node's kind. Its lowest three bits are as they were when there were four kinds: the lower half
// of the kind, and whether the data is null. The kinds added since have the next bit.
inline constexpr uint8_t kLowKinds = 3;
inline constexpr uint8_t kNullData = 4;
inline constexpr uint8_t kHighKinds = 8;

// Records come in the order in which they stand here.
enum class Record : uint8_t {
  header = 1,
  acl = 2,
  session = 3,
  node = 4,
  lock = 6,
  calls = 7,
  secret = 8,
  membership = 9,
  end = 5
};
inline int place_of(Record type) {
  return type == Record::end ? 100 : static_cast<int>(type);
}

// A record's body cannot be larger: a length beyond it is damage, not a reason to buffer.
inline constexpr uint64_t kRecordBytesMax = uint64_t{1} << 30;

// Appends one record: type, length, body.
void put_record(Record type, BytesView body, Bytes* out);

}  // namespace conclave::state::snapshot
