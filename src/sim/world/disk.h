// One host's disk: what is there now, what would be there after a power cut, and the difference, operation by
// operation. Files of the page cache survive a killed process; a power cut loses what was not synced, file data and
// directory entries each on their own (B30: a file synced in a directory that was not).
//
// After a power cut a file holds its synced content plus a seeded choice of the later writes (`survive_percent` each;
// with `torn_writes`, sector by sector), and a directory its synced entries plus a seeded prefix of the later changes,
// as a journalling file system replays them. The default loses everything unsynced. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/time.h"

namespace conclave::sim {

struct DiskOptions {
  uint64_t capacity_bytes = uint64_t{16} << 30;
  Duration read_time = Duration::micros(30);  // per call
  Duration write_time = Duration::micros(15);
  Duration sync_time_min = Duration::micros(100);
  Duration sync_time_max = Duration::micros(400);
  uint32_t survive_percent = 0;  // chance of an unsynced change to survive a power cut
  bool torn_writes = false;      // a surviving write may survive in part, by sectors of 512 bytes
};

// Sparse content: preallocated zeroes cost nothing.
class Pages {
 public:
  Pages() = default;
  Pages(const Pages& other);
  Pages& operator=(const Pages& other);
  Pages(Pages&&) = default;
  Pages& operator=(Pages&&) = default;

  uint64_t size() const { return size_; }
  void write(uint64_t offset, BytesView bytes);
  Bytes read(uint64_t offset, size_t size) const;  // fewer at the end
  void resize(uint64_t size);

 private:
  static constexpr uint64_t kPage = 4096;
  using Page = std::array<char, kPage>;
  uint64_t size_ = 0;
  std::map<uint64_t, std::unique_ptr<Page>> pages_;
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
  void sync();
  void change(DirectoryChange change);
};

class Disk {
 public:
  Disk(uint64_t seed, DiskOptions options)
      : options_(options), random_(seed), root_(std::make_shared<Inode>(/*is_directory=*/true)) {}

  DiskOptions& options() { return options_; }
  const std::shared_ptr<Inode>& root() const { return root_; }
  uint64_t used_bytes() const;
  uint64_t free_bytes() const;
  void power_cut();

  // Virtual time that the calls since the last take_time() would have taken.
  void spend_read() { time_ = time_ + options_.read_time; }
  void spend_write() { time_ = time_ + options_.write_time; }
  void spend_sync();
  Duration take_time();

  // The lock of the data directory: which life of the host holds it; 0 is none.
  uint64_t lock_holder = 0;

 private:
  void power_cut(Inode& inode);
  bool survives() { return options_.survive_percent > 0 && random_.chance(options_.survive_percent, 100); }

  DiskOptions options_;
  Random random_;
  std::shared_ptr<Inode> root_;
  Duration time_{0};
};

}  // namespace conclave::sim
