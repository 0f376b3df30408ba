#include "storage/testing_disk.h"

#include <algorithm>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <set>

#include "base/checksum.h"

namespace conclave::storage::testing {
namespace {

using Kind = MemoryDisk::DirectoryChange::Kind;
constexpr size_t kReorderedMax = 8;  // pending changes of names of which every legal subset is taken

void perform(const MemoryDisk::Change& change, Bytes* content) {
  if (change.resize) {
    content->resize(change.offset, '\0');
    return;
  }
  if (content->size() < change.offset + change.bytes.size()) {
    content->resize(change.offset + change.bytes.size(), '\0');
  }
  std::ranges::copy(change.bytes, content->begin() + static_cast<std::ptrdiff_t>(change.offset));
}

void perform(const MemoryDisk::DirectoryChange& change, MemoryDisk::Names* names) {
  switch (change.kind) {
    case Kind::add:
      (*names)[change.name] = change.inode;
      break;
    case Kind::rename:
      if (const auto it = names->find(change.name); it != names->end()) {
        (*names)[change.to] = it->second;
        names->erase(change.name);
      }
      break;
    case Kind::remove:
      names->erase(change.name);
      break;
  }
}

bool in_directory(std::string_view name, std::string_view directory) {
  const size_t slash = name.find('/');
  return slash == std::string_view::npos ? directory.empty() : name.substr(0, slash) == directory;
}

bool share_a_name(const MemoryDisk::DirectoryChange& a, const MemoryDisk::DirectoryChange& b) {
  return a.name == b.name || a.name == b.to || (!a.to.empty() && (a.to == b.name || a.to == b.to));
}

// True if no change that was made is missing one that it builds on.
bool legal(const std::vector<MemoryDisk::DirectoryChange>& changes, const std::vector<bool>& made) {
  for (size_t later = 0; later < changes.size(); ++later) {
    for (size_t earlier = 0; made[later] && earlier < later; ++earlier) {
      if (!made[earlier] && share_a_name(changes[earlier], changes[later])) return false;
    }
  }
  return true;
}

// Every legal subset; if there are too many changes for that: the prefixes, and all but a single one.
std::vector<std::vector<bool>> legal_subsets(const std::vector<MemoryDisk::DirectoryChange>& changes) {
  const size_t n = changes.size();
  std::vector<std::vector<bool>> out;
  const auto add = [&](std::vector<bool> made) {
    if (legal(changes, made)) out.push_back(std::move(made));
  };
  if (n <= kReorderedMax) {
    for (uint64_t bits = 0; bits < uint64_t{1} << n; ++bits) {
      std::vector<bool> made(n);
      for (size_t i = 0; i < n; ++i) made[i] = (bits >> i & 1) != 0;
      add(std::move(made));
    }
    return out;
  }
  for (size_t made = 0; made < n; ++made) {
    std::vector<bool> prefix(n);
    std::fill_n(prefix.begin(), made, true);
    add(std::move(prefix));
  }
  for (size_t missing = 0; missing + 1 < n; ++missing) {
    std::vector<bool> others(n, true);
    others[missing] = false;
    add(std::move(others));
  }
  out.emplace_back(n, true);
  return out;
}

// Names in a directory that is not there are gone too.
void drop_orphans(MemoryDisk::Names* names) {
  std::erase_if(*names, [names](const auto& entry) {
    const size_t slash = entry.first.find('/');
    return slash != std::string::npos && !names->contains(entry.first.substr(0, slash));
  });
}

Bytes sector_of(const Bytes& content, uint64_t number, uint64_t sector_bytes) {
  Bytes out;
  if (number * sector_bytes < content.size()) out = content.substr(number * sector_bytes, sector_bytes);
  out.resize(sector_bytes, '\0');
  return out;
}

}  // namespace

void MemoryDisk::Inode::change(Change change) {
  if (!synced) synced = now;
  perform(change, &now);
  pending.push_back(std::move(change));
}

void MemoryDisk::Inode::sync() {
  if (!lost_writes) return settle();
  for (const Change& change : pending) perform(change, &*synced);
  pending.clear();
}

void MemoryDisk::Inode::fail_sync() {
  if (!synced) synced = now;
  pending.clear();
  lost_writes = true;
}

void MemoryDisk::Inode::settle() {
  synced.reset();
  pending.clear();
  lost_writes = false;
}

void MemoryDisk::change(DirectoryChange change) {
  perform(change, &now);
  pending.push_back(std::move(change));
}

void MemoryDisk::sync_directory(std::string_view directory) {
  std::erase_if(pending, [&](const DirectoryChange& change) {
    if (!in_directory(change.name, directory)) return false;
    perform(change, &durable);
    return true;
  });
}

MemoryDisk MemoryDisk::clone() const {
  std::vector<std::pair<const Inode*, std::shared_ptr<Inode>>> twins;
  const auto twin = [&](const std::shared_ptr<Inode>& inode) -> std::shared_ptr<Inode> {
    if (!inode) return nullptr;
    const auto it = std::ranges::find(twins, inode.get(), [](const auto& pair) { return pair.first; });
    if (it != twins.end()) return it->second;
    return twins.emplace_back(inode.get(), std::make_shared<Inode>(*inode)).second;
  };
  MemoryDisk out;
  for (const auto& [name, inode] : now) out.now.emplace(name, twin(inode));
  for (const auto& [name, inode] : durable) out.durable.emplace(name, twin(inode));
  for (const DirectoryChange& change : pending) {
    out.pending.push_back({change.kind, change.name, change.to, twin(change.inode)});
  }
  return out;
}

uint64_t MemoryDisk::hash() const {
  uint64_t out = 0;
  for (const auto& [name, inode] : now) out = xxh3_64(inode->now, xxh3_64(name, out));
  return out;
}

CrashChoices::CrashChoices(const MemoryDisk& disk, uint64_t sector_bytes) : sector_bytes_(sector_bytes) {
  add_names(disk);
  std::set<const MemoryDisk::Inode*> added;  // for membership only
  for (const MemoryDisk::Names& names : names_) {
    for (const auto& [name, inode] : names) {
      if (added.insert(inode.get()).second) add_file(name, inode);
    }
  }
}

void CrashChoices::add_names(const MemoryDisk& disk) {
  for (const std::vector<bool>& made : legal_subsets(disk.pending)) {
    MemoryDisk::Names names = disk.durable;
    for (size_t i = 0; i < made.size(); ++i) {
      if (made[i]) perform(disk.pending[i], &names);
    }
    drop_orphans(&names);
    names_.push_back(std::move(names));
  }
  alternatives_.push_back(names_.size());
}

void CrashChoices::add_file(const std::string& label, const std::shared_ptr<MemoryDisk::Inode>& inode) {
  File file{.inode = inode, .label = label};
  Bytes content = inode->pending.empty() ? Bytes() : inode->durable();
  std::vector<Version> sizes = {{.size = content.size()}};
  for (size_t ordinal = 1; ordinal <= inode->pending.size(); ++ordinal) {
    const MemoryDisk::Change& change = inode->pending[ordinal - 1];
    const uint64_t size_before = content.size();
    perform(change, &content);
    if (content.size() != size_before) sizes.push_back({.ordinal = ordinal, .size = content.size()});
    if (content.size() < size_before) file.cuts.push_back(sizes.back());
    if (change.resize || change.bytes.empty()) continue;
    const uint64_t last = (change.offset + change.bytes.size() - 1) / sector_bytes_;
    for (uint64_t number = change.offset / sector_bytes_; number <= last; ++number) {
      auto& versions = file.sectors[number].versions;
      if (versions.empty()) versions.push_back({.bytes = sector_of(inode->durable(), number, sector_bytes_)});
      Bytes bytes = sector_of(content, number, sector_bytes_);
      if (bytes != versions.back().bytes) versions.push_back({.ordinal = ordinal, .bytes = std::move(bytes)});
    }
  }
  const auto add_part = [this](Part* part) {
    part->number = alternatives_.size();
    alternatives_.push_back(part->versions.size());
  };
  if (sizes.size() > 1) {
    file.size = Part{.versions = std::move(sizes)};
    add_part(&*file.size);
  }
  std::erase_if(file.sectors, [](const auto& sector) { return sector.second.versions.size() < 2; });
  for (auto& [number, part] : file.sectors) add_part(&part);
  files_.push_back(std::move(file));
}

CrashChoice CrashChoices::all_new() const {
  CrashChoice out;
  for (const size_t n : alternatives_) out.push_back(n - 1);
  return out;
}

Bytes CrashChoices::content(const File& file, const CrashChoice& choice) const {
  const Version size = file.size ? file.size->versions[choice[file.size->number]] : Version{};
  Bytes out = file.inode->durable();
  for (const Version& cut : file.cuts) {
    if (cut.ordinal <= size.ordinal && cut.size < out.size()) out.resize(cut.size);
  }
  if (file.size) out.resize(size.size, '\0');
  for (const auto& [number, part] : file.sectors) {
    const Version& version = part.versions[choice[part.number]];
    const uint64_t start = number * sector_bytes_;
    if (version.ordinal == 0 || start >= out.size()) continue;
    uint64_t bytes = std::min<uint64_t>(sector_bytes_, out.size() - start);
    std::copy_n(version.bytes.begin(), bytes, out.begin() + static_cast<std::ptrdiff_t>(start));
    for (const Version& cut : file.cuts) {
      if (cut.ordinal <= version.ordinal || cut.ordinal > size.ordinal || cut.size >= start + bytes) continue;
      const uint64_t from = std::max(start, cut.size);
      std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(from), start + bytes - from, '\0');
    }
  }
  return out;
}

MemoryDisk CrashChoices::disk(const CrashChoice& choice) const {
  MemoryDisk out;
  for (const auto& [name, inode] : names_[choice[0]]) {
    const auto file = std::ranges::find(files_, inode, &File::inode);
    auto twin = std::make_shared<MemoryDisk::Inode>();
    twin->directory = inode->directory;
    twin->now = content(*file, choice);
    out.now.emplace(name, twin);
  }
  out.durable = out.now;
  return out;
}

std::string CrashChoices::describe(const CrashChoice& choice) const {
  std::string out = fmt::format("sectors of {}, names {} of {}", sector_bytes_, choice[0], names_.size() - 1);
  for (const File& file : files_) {
    if (file.size) {
      out += fmt::format("; {}: size {}", file.label, file.size->versions[choice[file.size->number]].size);
    }
    std::string written;
    for (const auto& [number, part] : file.sectors) {
      if (const size_t n = choice[part.number]; n > 0) written += fmt::format(" {}({})", number, n);
    }
    if (!file.sectors.empty()) {
      out += fmt::format("; {}: {} sectors in doubt, new:{}", file.label, file.sectors.size(), written);
    }
  }
  return out;
}

namespace {

std::set<std::map<std::string, Bytes>> all_states(const MemoryDisk& disk, uint64_t sector_bytes = 512) {
  const CrashChoices choices(disk, sector_bytes);
  std::set<std::map<std::string, Bytes>> out;
  CrashChoice choice = choices.all_old();
  for (;;) {
    std::map<std::string, Bytes> state;
    const MemoryDisk after = choices.disk(choice);
    for (const auto& [name, inode] : after.now) state[name] = inode->now;
    out.insert(std::move(state));
    size_t part = 0;
    while (part < choice.size() && ++choice[part] == choices.alternatives(part)) choice[part++] = 0;
    if (part == choice.size()) return out;
  }
}

class MemoryDiskTest : public ::testing::Test {
 protected:
  std::shared_ptr<MemoryDisk::Inode> add(const std::string& name, Bytes durable = "") {
    auto inode = std::make_shared<MemoryDisk::Inode>();
    inode->now = std::move(durable);
    disk.change({Kind::add, name, "", inode});
    return inode;
  }
  MemoryDisk disk;
};

TEST_F(MemoryDiskTest, SectorsAreOldOrNewEachOnItsOwn) {
  const auto inode = add("a", Bytes(8192, '.'));
  disk.sync_directory("");
  inode->change({.offset = 512, .bytes = Bytes(1024, 'x')});
  EXPECT_EQ(all_states(disk, 512).size(), 4u);
  EXPECT_EQ(all_states(disk, 4096).size(), 2u);
  inode->change({.offset = 1024, .bytes = Bytes(4096, 'y')});
  EXPECT_EQ(all_states(disk, 512).size(), 2u * 3 * 128) << "one sector has three versions, eight have two";
  EXPECT_EQ(all_states(disk, 4096).size(), 3u * 2);
  inode->sync();
  EXPECT_EQ(all_states(disk), (std::set<std::map<std::string, Bytes>>{{{"a", inode->now}}}));
}

TEST_F(MemoryDiskTest, SizeAndDataAreIndependent) {
  const auto inode = add("a");
  disk.sync_directory("");
  inode->change({.resize = true, .offset = 512});
  inode->change({.offset = 0, .bytes = Bytes(512, 'x')});
  EXPECT_EQ(all_states(disk),
            (std::set<std::map<std::string, Bytes>>{{{"a", ""}}, {{"a", Bytes(512, '\0')}}, {{"a", Bytes(512, 'x')}}}));
}

TEST_F(MemoryDiskTest, WhatACutTookStaysAway) {
  const auto inode = add("a", "old");
  disk.sync_directory("");
  inode->change({.offset = 0, .bytes = "new"});
  inode->change({.resize = true, .offset = 1});
  inode->change({.resize = true, .offset = 3});
  std::set<Bytes> seen;
  for (const auto& state : all_states(disk)) seen.insert(state.at("a"));
  EXPECT_EQ(seen, (std::set<Bytes>{"old", "new", "o", "n", {"o\0\0", 3}, {"n\0\0", 3}}));
}

TEST_F(MemoryDiskTest, NamesSurviveInAnyOrderUnlessTheyBuildOnEachOther) {
  add("a", "1");
  add("b", "2");
  disk.change({Kind::rename, "a", "c", nullptr});
  using State = std::map<std::string, Bytes>;
  EXPECT_EQ(all_states(disk),
            (std::set<State>{
                {}, {{"a", "1"}}, {{"b", "2"}}, {{"a", "1"}, {"b", "2"}}, {{"c", "1"}}, {{"b", "2"}, {"c", "1"}}}));
  disk.sync_directory("");
  EXPECT_EQ(all_states(disk), (std::set<State>{{{"b", "2"}, {"c", "1"}}}));
  disk.change({Kind::rename, "b", "d", nullptr});
  disk.change({Kind::rename, "c", "b", nullptr});
  EXPECT_EQ(all_states(disk),
            (std::set<State>{{{"b", "2"}, {"c", "1"}}, {{"d", "2"}, {"c", "1"}}, {{"d", "2"}, {"b", "1"}}}))
      << "nothing is lost by renames";
}

TEST_F(MemoryDiskTest, ADirectoryThatIsLostTakesItsFilesAlong) {
  add("d")->directory = true;
  add("d/a", "1");
  disk.sync_directory("d");
  using State = std::map<std::string, Bytes>;
  EXPECT_EQ(all_states(disk), (std::set<State>{{}, {{"d", ""}, {"d/a", "1"}}}));
}

TEST_F(MemoryDiskTest, ManyChangesOfNamesAreCoveredByPrefixesAndSingleLosses) {
  for (char name = 'a'; name < 'a' + 10; ++name) add(std::string(1, name));
  EXPECT_EQ(all_states(disk).size(), 10u + 9 + 1);
}

TEST_F(MemoryDiskTest, NothingLostIsWhatIsVisible) {
  const auto inode = add("a", Bytes(3000, '.'));
  inode->change({.offset = 100, .bytes = Bytes(1000, 'x')});
  inode->change({.resize = true, .offset = 700});
  inode->change({.offset = 1500, .bytes = Bytes(100, 'y')});
  const MemoryDisk copy = disk.clone();
  const CrashChoices choices(copy, 512);
  EXPECT_EQ(choices.disk(choices.all_new()).hash(), disk.hash());
  EXPECT_NE(choices.disk(choices.all_old()).hash(), disk.hash());
  EXPECT_EQ(choices.describe(choices.all_new()),
            "sectors of 512, names 1 of 1; a: size 1600; a: 4 sectors in doubt, new: 0(1) 1(1) 2(2) 3(1)");
}

}  // namespace
}  // namespace conclave::storage::testing
