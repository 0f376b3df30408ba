// One position of the log.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/ids.h"
#include "consensus/api/ballot.h"

namespace conclave::consensus {

enum class EntryKind : uint8_t {
  noop = 0,         // fills a hole; changes nothing
  transaction = 1,  // payload: an encoded state transaction, opaque to engines
  membership = 2,   // payload: an encoded member list
};

struct Entry {
  Index index;
  Ballot ballot;  // under which it was proposed last
  EntryKind kind = EntryKind::noop;
  Blob payload;

  friend bool operator==(const Entry&, const Entry&) = default;
};

// For people: the payload is shown as it is.
inline std::string to_string(const Entry& entry) {
  static constexpr const char* kKinds[] = {"no-op", "transaction", "membership"};
  std::string out = to_string(entry.index) + ": " + to_string(entry.ballot) + " ";
  out += kKinds[static_cast<uint8_t>(entry.kind)];
  if (!entry.payload.empty()) out.append(" \"").append(entry.payload.view()).append("\"");
  return out;
}

}  // namespace conclave::consensus
