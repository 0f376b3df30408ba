#include "storage/testing_files.h"

#include <algorithm>
#include <fmt/format.h>
#include <gtest/gtest.h>

namespace conclave::storage::testing {

using Change = MemoryDisk::DirectoryChange;

std::string_view directory_of(std::string_view name) {
  const size_t slash = name.find('/');
  return slash == std::string_view::npos ? std::string_view() : name.substr(0, slash);
}

class MemoryFile final : public env::File {
 public:
  MemoryFile(MemoryFiles& files, std::string name, std::shared_ptr<MemoryDisk::Inode> inode, bool writable)
      : files_(files), name_(std::move(name)), inode_(std::move(inode)), writable_(writable) {}

  Result<> write_at(uint64_t offset, BytesView bytes) override {
    CONCLAVE_ASSERT(writable_);
    if (auto ok = files_.count(fmt::format("write {} {}+{}", name_, offset, bytes.size())); !ok) return ok;
    inode_->change({.offset = offset, .bytes = Bytes(bytes)});
    return {};
  }
  Result<Bytes> read_at(uint64_t offset, size_t size) override {
    if (files_.read_error_ && files_.read_error_->first == name_ && files_.read_error_->second >= offset &&
        files_.read_error_->second < offset + size) {
      return fail(ErrorKind::io, name_ + ": read: Input/output error");
    }
    if (offset >= inode_->now.size()) return Bytes();
    return inode_->now.substr(offset, size);
  }
  Result<> sync() override {
    if (auto ok = files_.count("sync " + name_); !ok) {
      if (!files_.fail_all_after_) inode_->fail_sync();  // else the process is dead: nobody will sync again
      return ok;
    }
    inode_->sync();
    return {};
  }
  Result<uint64_t> size() override { return inode_->now.size(); }
  Result<> resize(uint64_t size) override {
    CONCLAVE_ASSERT(writable_);
    if (auto ok = files_.count(fmt::format("resize {} {}", name_, size)); !ok) return ok;
    if (size > inode_->now.size() && size - inode_->now.size() > files_.free_bytes_) {
      return fail(ErrorKind::no_space, name_ + ": resize: No space left on device");
    }
    inode_->change({.resize = true, .offset = size});
    return {};
  }

 private:
  MemoryFiles& files_;
  const std::string name_;
  const std::shared_ptr<MemoryDisk::Inode> inode_;
  const bool writable_;
};

Result<> MemoryFiles::count(std::string what) {
  ++operations_;
  log_.push_back(what);
  if (fail_at_ && (operations_ == *fail_at_ || (fail_all_after_ && operations_ > *fail_at_))) {
    failed_ = true;
    return fail(fail_kind_,
                what + (fail_kind_ == ErrorKind::no_space ? ": No space left on device" : ": Input/output error"));
  }
  if (hook_) hook_();
  return {};
}

void MemoryFiles::fail_at(uint64_t number, ErrorKind kind, bool all_after) {
  fail_at_ = number;
  fail_kind_ = kind;
  fail_all_after_ = all_after;
  failed_ = false;
}

void MemoryFiles::die_after(uint64_t number) {
  fail_at(number + 1, ErrorKind::io, true);
}

void MemoryFiles::clear_faults() {
  fail_at_.reset();
  read_error_.reset();
  failed_ = false;
}

Result<std::unique_ptr<env::File>> MemoryFiles::open(std::string_view name, Open mode) {
  auto it = disk_.now.find(name);
  const bool there = it != disk_.now.end() && !it->second->directory;
  if (mode == Open::create_new && there) {
    return fail(ErrorKind::already_exists, std::string(name) + ": open: File exists");
  }
  if (mode == Open::read_only || mode == Open::read_write) {
    if (!there) return fail(ErrorKind::not_found, std::string(name) + ": open: No such file or directory");
  } else {
    if (auto ok = count("create " + std::string(name)); !ok) return std::unexpected(ok.error());
    if (const auto directory = directory_of(name); !directory.empty() && !disk_.now.contains(directory)) {
      return fail(ErrorKind::not_found, std::string(name) + ": open: No such file or directory");
    }
    if (there) {
      it->second->change({.resize = true});
    } else {
      disk_.change({Change::Kind::add, std::string(name), "", std::make_shared<MemoryDisk::Inode>()});
      it = disk_.now.find(name);
    }
  }
  return std::make_unique<MemoryFile>(*this, std::string(name), it->second, mode != Open::read_only);
}

Result<std::vector<std::string>> MemoryFiles::list(std::string_view directory) {
  if (!directory.empty() && !disk_.now.contains(directory)) {
    return fail(ErrorKind::not_found, std::string(directory) + ": No such file or directory");
  }
  const std::string prefix = directory.empty() ? "" : std::string(directory) + "/";
  std::vector<std::string> out;
  for (const auto& [name, inode] : disk_.now) {
    if (name.starts_with(prefix) && name.find('/', prefix.size()) == std::string::npos) {
      out.push_back(name.substr(prefix.size()));
    }
  }
  return out;
}

Result<bool> MemoryFiles::exists(std::string_view name) {
  return disk_.now.contains(name);
}

Result<> MemoryFiles::make_directory(std::string_view name) {
  if (auto ok = count("make-directory " + std::string(name)); !ok) return ok;
  if (disk_.now.contains(name)) return {};
  auto directory = std::make_shared<MemoryDisk::Inode>();
  directory->directory = true;
  disk_.change({Change::Kind::add, std::string(name), "", std::move(directory)});
  return {};
}

Result<> MemoryFiles::rename(std::string_view from, std::string_view to) {
  CONCLAVE_ASSERT(directory_of(from) == directory_of(to));  // the only kind that the model knows
  if (auto ok = count(fmt::format("rename {} {}", from, to)); !ok) return ok;
  if (!disk_.now.contains(from))
    return fail(ErrorKind::not_found, std::string(from) + ": rename: No such file or directory");
  disk_.change({Change::Kind::rename, std::string(from), std::string(to), nullptr});
  return {};
}

Result<> MemoryFiles::remove(std::string_view name) {
  if (auto ok = count("remove " + std::string(name)); !ok) return ok;
  if (!disk_.now.contains(name))
    return fail(ErrorKind::not_found, std::string(name) + ": remove: No such file or directory");
  disk_.change({Change::Kind::remove, std::string(name), "", nullptr});
  return {};
}

Result<> MemoryFiles::sync_directory(std::string_view directory) {
  if (auto ok = count("sync-directory " + std::string(directory)); !ok) return ok;
  disk_.sync_directory(directory);
  return {};
}

void MemoryFiles::crash(Lost lost, uint64_t seed, uint64_t sector_bytes) {
  Random random(seed);
  const CrashChoices choices(disk_, sector_bytes);
  CrashChoice choice = lost == Lost::nothing ? choices.all_new() : choices.all_old();
  for (size_t part = 0; part < choice.size() && lost == Lost::by_chance; ++part) {
    choice[part] = random.below(choices.alternatives(part));
  }
  disk_ = choices.disk(choice);
  clear_faults();
}

Bytes& MemoryFiles::content(std::string_view name) {
  const auto it = disk_.now.find(name);
  CONCLAVE_ASSERT(it != disk_.now.end());
  it->second->settle();
  return it->second->now;
}

uint64_t MemoryFiles::bytes_used() const {
  uint64_t sum = 0;
  for (const auto& [name, inode] : disk_.now) sum += inode->now.size();
  return sum;
}

bool InlineWorker::step() {
  if (jobs_.empty()) return false;
  work_only();
  Job job = std::move(jobs_.front());
  jobs_.pop_front();
  job.done();
  return true;
}

void InlineWorker::work_only() {
  if (jobs_.empty() || jobs_.front().worked) return;
  jobs_.front().work();
  jobs_.front().worked = true;
}

namespace {

TEST(MemoryFiles, ForgetsWhatWasNotSynced) {
  MemoryFiles files;
  ASSERT_TRUE(files.make_directory("d"));
  ASSERT_TRUE(files.sync_directory(""));
  auto a = files.open("d/a", env::Files::Open::create_new);
  ASSERT_TRUE((*a)->write_at(0, "one"));
  ASSERT_TRUE((*a)->sync());
  files.crash(MemoryFiles::Lost::everything_unsynced);
  EXPECT_FALSE(*files.exists("d/a")) << "the directory was never synced";

  a = files.open("d/a", env::Files::Open::create_new);
  ASSERT_TRUE((*a)->write_at(0, "one"));
  ASSERT_TRUE((*a)->sync());
  ASSERT_TRUE(files.sync_directory("d"));
  ASSERT_TRUE((*a)->write_at(3, "two"));
  ASSERT_TRUE(files.rename("d/a", "d/b"));
  files.crash(MemoryFiles::Lost::everything_unsynced);
  EXPECT_EQ(files.names("d"), std::vector<std::string>{"a"});
  EXPECT_EQ(files.content("d/a"), "one");
}

TEST(MemoryFiles, TearsWritesAtSectors) {
  std::set<Bytes> seen;
  for (uint64_t seed = 0; seed < 64; ++seed) {
    MemoryFiles files;
    auto a = files.open("a", env::Files::Open::create_new);
    ASSERT_TRUE((*a)->resize(1024));
    ASSERT_TRUE((*a)->sync());
    ASSERT_TRUE(files.sync_directory(""));
    ASSERT_TRUE((*a)->write_at(0, Bytes(1024, 'x')));
    files.crash(MemoryFiles::Lost::by_chance, seed);
    seen.insert(files.content("a"));
  }
  EXPECT_EQ(seen.size(), 4u) << "each of two sectors old or new";
}

TEST(MemoryFiles, AFailedSyncLosesWhatItWasFor) {  // B36
  MemoryFiles files;
  auto a = files.open("a", env::Files::Open::create_new);
  ASSERT_TRUE(files.sync_directory(""));
  ASSERT_TRUE((*a)->write_at(0, "old"));
  files.fail_at(files.operations() + 1, ErrorKind::io);
  EXPECT_FALSE((*a)->sync());
  EXPECT_EQ(*(*a)->read_at(0, 8), "old") << "still in the page cache";
  ASSERT_TRUE((*a)->write_at(3, "new"));
  EXPECT_TRUE((*a)->sync());
  files.crash(MemoryFiles::Lost::everything_unsynced);
  EXPECT_EQ(files.content("a"), Bytes("\0\0\0new", 6));
}

TEST(MemoryFiles, FailsTheOperationAskedFor) {
  MemoryFiles files;
  auto a = files.open("a", env::Files::Open::create_new);
  files.fail_at(2, ErrorKind::no_space);
  const auto failed = (*a)->write_at(0, "x");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::no_space);
  EXPECT_TRUE((*a)->write_at(0, "x"));
  files.die_after(4);
  EXPECT_TRUE((*a)->sync());
  EXPECT_FALSE((*a)->sync());
  EXPECT_FALSE((*a)->sync());
}

}  // namespace
}  // namespace conclave::storage::testing
