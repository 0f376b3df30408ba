// What a disk holds, and everything that a power cut may leave of it. The one model behind MemoryFiles and behind the
// enumeration of crash states. A value; no I/O, no chance, one thread. Tests only.
//
// The model, wider than any one file system, so that what holds here holds on all of them (ALICE, OSDI'14):
//  - A sector is written whole or not at all; 512 bytes or 4 KiB. A sector of a file holds what the last sync of the
//    file left, or any of the contents that it went through since then; sectors are independent of each other.
//  - The size of a file is independent of its sectors: any of the sizes since the last sync. So a file may be longer
//    with zeroes in it (size before data) or shorter than the data written. What a cut took away stays away.
//  - Create, rename, remove and making a directory survive each on its own, unless they share a name: then in their
//    order. Each is atomic. A sync of a file does not make its name durable, and a directory whose own name is lost
//    takes all names in it along (B30).
//  - Files and directories are independent of each other.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace conclave::storage::testing {

struct MemoryDisk {
  struct Change {
    bool resize = false;
    uint64_t offset = 0;  // or the new size
    Bytes bytes;
  };
  struct Inode {
    bool directory = false;
    Bytes now;
    std::optional<Bytes> synced;  // nullopt: the same as `now`
    std::vector<Change> pending;  // since the last sync
    bool lost_writes = false;     // a sync failed: `now` holds what no later sync will make durable

    const Bytes& durable() const { return synced ? *synced : now; }
    void change(Change change);
    void sync();
    void fail_sync();
    void settle();  // makes `now` durable, whatever it is
  };
  struct DirectoryChange {
    enum class Kind { add, rename, remove } kind;
    std::string name, to;
    std::shared_ptr<Inode> inode;  // of add
  };
  using Names = std::map<std::string, std::shared_ptr<Inode>, std::less<>>;

  Names now, durable;
  std::vector<DirectoryChange> pending;

  void change(DirectoryChange change);
  void sync_directory(std::string_view directory);
  MemoryDisk clone() const;  // with all that is pending
  uint64_t hash() const;     // of what is visible now
};

// For each part of the disk that is in doubt after a power cut, which alternative came true. Alternative 0 is what the
// last sync left, the last alternative is that nothing was lost.
using CrashChoice = std::vector<size_t>;

class CrashChoices {
 public:
  CrashChoices(const MemoryDisk& disk, uint64_t sector_bytes);

  size_t parts() const { return alternatives_.size(); }
  size_t alternatives(size_t part) const { return alternatives_[part]; }
  CrashChoice all_old() const { return CrashChoice(parts(), 0); }
  CrashChoice all_new() const;

  MemoryDisk disk(const CrashChoice& choice) const;  // nothing is pending on it
  std::string describe(const CrashChoice& choice) const;

 private:
  struct Version {
    size_t ordinal = 0;  // of the change that made it, from 1; 0: the last sync
    uint64_t size = 0;   // of the file
    Bytes bytes;         // of the sector
  };
  struct Part {
    size_t number = 0;
    std::vector<Version> versions;
  };
  struct File {
    std::shared_ptr<const MemoryDisk::Inode> inode;
    std::string label;
    std::optional<Part> size;
    std::map<uint64_t, Part> sectors;  // by their number
    std::vector<Version> cuts;
  };

  void add_names(const MemoryDisk& disk);
  void add_file(const std::string& label, const std::shared_ptr<MemoryDisk::Inode>& inode);
  Bytes content(const File& file, const CrashChoice& choice) const;

  const uint64_t sector_bytes_;
  std::vector<size_t> alternatives_;
  std::vector<MemoryDisk::Names> names_;  // the alternatives of part 0
  std::vector<File> files_;
};

}  // namespace conclave::storage::testing
