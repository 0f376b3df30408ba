// Who a replica's disk is, whether it took part in founding its cell, and whether the cell has listed it as a member:
// the file `identity` beside the segments of the journal, so that whoever takes the journal away takes it too, and a
// replica that starts empty does not pass for the one that it was (B38). docs/formats/identity.md gives every byte.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "consensus/api/membership.h"
#include "env/entropy.h"
#include "env/files.h"

namespace conclave::storage {

inline constexpr const char* kJournalDirectory = "journal";  // under the data directory

struct Identity {
  CellId cell;
  ReplicaId replica;
  consensus::DiskId disk;                   // never 0
  std::vector<consensus::Member> founders;  // the membership as of index 0; empty: it is not known that it founded any
  bool listed = false;                      // some membership has named this disk
  friend bool operator==(const Identity&, const Identity&) = default;
};

// Both copies.
Bytes encode_identity(const Identity& identity);
// Error: corrupt, if neither copy is whole; unsupported.
Result<Identity> decode_identity(BytesView bytes);

// Reads the file in `directory`, or draws a name and makes it if there is neither file nor journal. Makes the
// directory. Blocking. Errors, each naming the file: corrupt (damaged, or one of identity and segments is missing),
// invalid_argument (of another cell or replica), io.
Result<Identity> open_identity(env::Files& files, const std::string& directory, CellId cell, ReplicaId replica,
                               env::Entropy& entropy);
// Replaces the file; durable on return. Blocking.
Result<> save_identity(env::Files& files, const std::string& directory, const Identity& identity);

}  // namespace conclave::storage
