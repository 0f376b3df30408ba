// A file or a directory: what is there now, what would be there after a power cut, and the difference, operation by
// operation. One thread.
//
// Invariant: the present content is the durable content with all pending changes replayed, and so are the entries.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "sim/world/pages.h"

namespace conclave::sim {

// What becomes of changes that were not synced when the power is cut.
struct Survival {
  uint32_t percent = 0;  // chance of each file change; a directory keeps a random prefix of its changes if not 0
  bool torn = false;     // a surviving write may survive in part, sector by sector
  uint64_t sector_bytes = 512;
};

struct Inode {
  struct FileChange {
    bool is_resize = false;
    uint64_t offset = 0;  // or the new size
    Bytes bytes;
  };
  // Links `name` to `target`, or unlinks it if `target` is null. A rename within a directory is one change.
  struct DirectoryChange {
    std::vector<std::pair<std::string, std::shared_ptr<Inode>>> links;
  };
  using Entries = std::map<std::string, std::shared_ptr<Inode>>;

  explicit Inode(bool is_directory) : directory(is_directory) {}

  bool directory;
  Pages content, durable_content;  // of a file
  std::vector<FileChange> file_changes;
  Entries entries, durable_entries;  // of a directory
  std::vector<DirectoryChange> directory_changes;

  void write(uint64_t offset, BytesView bytes);
  void resize(uint64_t size);
  void change(DirectoryChange change);
  void sync();
  // Some of the pending changes become durable and the others never will, though they stay visible: what a failed sync
  // leaves behind (B36), and one in the middle of which the machine stops.
  void sync_in_part(Random& random);
  // Flips the bits of `mask` in the byte at `offset`, wherever it is stored. REQUIRES: within the file.
  void flip(uint64_t offset, uint8_t mask);
  // This file or directory and all beneath it, as `survival` leaves it.
  void power_cut(const Survival& survival, Random& random);
  // A copy of what is durable, beneath it too.
  std::shared_ptr<Inode> durable_copy() const;
  // Bytes of all files at and beneath it.
  uint64_t used_bytes() const;

 private:
  void lose_file_changes(const Survival& survival, Random& random);
  void lose_directory_changes(const Survival& survival, Random& random);
};

}  // namespace conclave::sim
