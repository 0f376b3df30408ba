#include "storage/testing_files.h"

#include <algorithm>
#include <fmt/format.h>
#include <gtest/gtest.h>

namespace conclave::storage::testing {

class MemoryFile final : public env::File {
 public:
  MemoryFile(MemoryFiles& files, std::string name, std::shared_ptr<MemoryFiles::Inode> inode, bool writable)
      : files_(files), name_(std::move(name)), inode_(std::move(inode)), writable_(writable) {}

  Result<> write_at(uint64_t offset, BytesView bytes) override {
    CONCLAVE_ASSERT(writable_);
    if (auto ok = files_.count(fmt::format("write {} {}+{}", name_, offset, bytes.size())); !ok) return ok;
    change({.offset = offset, .bytes = Bytes(bytes)});
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
      if (files_.fail_all_after_) return ok;  // the process is dead: nobody will sync again
      inode_->pending.clear();
      inode_->lost_writes = true;
      return ok;
    }
    if (inode_->lost_writes) {
      for (const MemoryFiles::Pending& pending : inode_->pending) MemoryFiles::apply(pending, &inode_->durable);
    } else {
      inode_->durable = inode_->now;
    }
    inode_->pending.clear();
    return {};
  }
  Result<uint64_t> size() override { return inode_->now.size(); }
  Result<> resize(uint64_t size) override {
    CONCLAVE_ASSERT(writable_);
    if (auto ok = files_.count(fmt::format("resize {} {}", name_, size)); !ok) return ok;
    if (size > inode_->now.size() && size - inode_->now.size() > files_.free_bytes_) {
      return fail(ErrorKind::no_space, name_ + ": resize: No space left on device");
    }
    change({.resize = true, .offset = size});
    return {};
  }

 private:
  void change(MemoryFiles::Pending pending) {
    MemoryFiles::apply(pending, &inode_->now);
    inode_->pending.push_back(std::move(pending));
  }

  MemoryFiles& files_;
  const std::string name_;
  const std::shared_ptr<MemoryFiles::Inode> inode_;
  const bool writable_;
};

void MemoryFiles::apply(const Pending& pending, Bytes* content) {
  if (pending.resize) {
    content->resize(pending.offset, '\0');
    return;
  }
  if (content->size() < pending.offset + pending.bytes.size()) {
    content->resize(pending.offset + pending.bytes.size(), '\0');
  }
  std::ranges::copy(pending.bytes, content->begin() + static_cast<std::ptrdiff_t>(pending.offset));
}

void MemoryFiles::apply(const DirectoryOperation& operation, Names* names) {
  switch (operation.kind) {
    case DirectoryOperation::Kind::add:
      (*names)[operation.name] = operation.inode;
      break;
    case DirectoryOperation::Kind::rename:
      if (const auto it = names->find(operation.name); it != names->end()) {
        (*names)[operation.to] = it->second;
        names->erase(operation.name);
      }
      break;
    case DirectoryOperation::Kind::remove:
      names->erase(operation.name);
      break;
  }
}

Result<> MemoryFiles::count(std::string what) {
  ++operations_;
  log_.push_back(what);
  if (fail_at_ && (operations_ == *fail_at_ || (fail_all_after_ && operations_ > *fail_at_))) {
    failed_ = true;
    return fail(fail_kind_,
                what + (fail_kind_ == ErrorKind::no_space ? ": No space left on device" : ": Input/output error"));
  }
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
  auto it = now_.find(name);
  if (mode == Open::create_new && it != now_.end()) {
    return fail(ErrorKind::already_exists, std::string(name) + ": open: File exists");
  }
  if (mode == Open::read_only || mode == Open::read_write) {
    if (it == now_.end()) return fail(ErrorKind::not_found, std::string(name) + ": open: No such file or directory");
  } else {
    if (auto ok = count("create " + std::string(name)); !ok) return std::unexpected(ok.error());
    if (it == now_.end()) {
      it = now_.emplace(std::string(name), std::make_shared<Inode>()).first;
      pending_.push_back({DirectoryOperation::Kind::add, std::string(name), "", it->second});
    } else {
      it->second->pending.push_back({.resize = true});
      it->second->now.clear();
    }
  }
  return std::make_unique<MemoryFile>(*this, std::string(name), it->second, mode != Open::read_only);
}

Result<std::vector<std::string>> MemoryFiles::list(std::string_view directory) {
  if (!directory.empty() && !directories_.contains(directory)) {
    return fail(ErrorKind::not_found, std::string(directory) + ": No such file or directory");
  }
  const std::string prefix = directory.empty() ? "" : std::string(directory) + "/";
  std::vector<std::string> out;
  for (const auto& [name, inode] : now_) {
    if (name.starts_with(prefix)) out.push_back(name.substr(prefix.size()));
  }
  return out;
}

Result<bool> MemoryFiles::exists(std::string_view name) {
  return now_.contains(name);
}

Result<> MemoryFiles::make_directory(std::string_view name) {
  directories_.emplace(std::string(name), true);
  return {};
}

Result<> MemoryFiles::rename(std::string_view from, std::string_view to) {
  if (auto ok = count(fmt::format("rename {} {}", from, to)); !ok) return ok;
  if (!now_.contains(from))
    return fail(ErrorKind::not_found, std::string(from) + ": rename: No such file or directory");
  pending_.push_back({DirectoryOperation::Kind::rename, std::string(from), std::string(to), nullptr});
  apply(pending_.back(), &now_);
  return {};
}

Result<> MemoryFiles::remove(std::string_view name) {
  if (auto ok = count("remove " + std::string(name)); !ok) return ok;
  if (!now_.contains(name))
    return fail(ErrorKind::not_found, std::string(name) + ": remove: No such file or directory");
  pending_.push_back({DirectoryOperation::Kind::remove, std::string(name), "", nullptr});
  apply(pending_.back(), &now_);
  return {};
}

Result<> MemoryFiles::sync_directory(std::string_view directory) {
  if (auto ok = count("sync-directory " + std::string(directory)); !ok) return ok;
  std::vector<DirectoryOperation> left;
  for (const DirectoryOperation& operation : pending_) {
    const bool here = directory.empty() ? operation.name.find('/') == std::string::npos
                                        : operation.name.starts_with(std::string(directory) + "/");
    if (here) {
      apply(operation, &durable_);
    } else {
      left.push_back(operation);
    }
  }
  pending_ = std::move(left);
  return {};
}

void MemoryFiles::crash(Lost lost, uint64_t seed, uint64_t piece_bytes) {
  Random random(seed);
  const auto survives = [&] { return lost == Lost::nothing || (lost == Lost::by_chance && random.chance(1, 2)); };
  std::vector<std::shared_ptr<Inode>> inodes;
  const auto add = [&](const std::shared_ptr<Inode>& inode) {
    if (std::ranges::find(inodes, inode) == inodes.end()) inodes.push_back(inode);
  };
  for (const auto& [name, inode] : durable_) add(inode);
  for (const DirectoryOperation& operation : pending_) {
    if (operation.inode) add(operation.inode);
    if (survives()) apply(operation, &durable_);
  }
  for (const std::shared_ptr<Inode>& inode : inodes) {
    for (const Pending& pending : inode->pending) {
      if (pending.resize) {
        if (survives()) apply(pending, &inode->durable);
        continue;
      }
      for (uint64_t at = 0; at < pending.bytes.size();) {  // pieces end at multiples of piece_bytes in the file
        const uint64_t size =
            std::min<uint64_t>(piece_bytes - (pending.offset + at) % piece_bytes, pending.bytes.size() - at);
        if (survives())
          apply({.offset = pending.offset + at, .bytes = pending.bytes.substr(at, size)}, &inode->durable);
        at += size;
      }
    }
    inode->pending.clear();
    inode->now = inode->durable;
  }
  now_ = durable_;
  pending_.clear();
  clear_faults();
}

Bytes& MemoryFiles::content(std::string_view name) {
  const auto it = now_.find(name);
  CONCLAVE_ASSERT(it != now_.end());
  it->second->pending.clear();
  return it->second->now;
}

uint64_t MemoryFiles::bytes_used() const {
  uint64_t sum = 0;
  for (const auto& [name, inode] : now_) sum += inode->now.size();
  return sum;
}

std::unique_ptr<MemoryFiles> MemoryFiles::clone() const {
  auto copy = std::make_unique<MemoryFiles>();
  for (const auto& [name, inode] : now_) {
    auto twin = std::make_shared<Inode>();
    twin->now = twin->durable = inode->now;
    copy->now_[name] = copy->durable_[name] = std::move(twin);
  }
  copy->directories_ = directories_;
  return copy;
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

TEST(MemoryFiles, TearsWritesAtPieces) {
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
  EXPECT_EQ(*(*a)->read_at(0, 8), Bytes("\0\0\0new", 6));
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
