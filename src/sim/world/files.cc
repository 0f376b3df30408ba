#include "sim/world/files.h"

namespace conclave::sim {
namespace {

std::unexpected<Error> refuse(ErrorKind kind, std::string_view doing, std::string_view name, std::string_view why) {
  return fail(kind, std::string(doing) + " " + std::string(name) + ": " + std::string(why));
}

class File final : public env::File {
 public:
  File(std::shared_ptr<Life> life, Disk& disk, std::shared_ptr<Inode> inode, std::string name, bool writable)
      : life_(std::move(life)), disk_(disk), inode_(std::move(inode)), name_(std::move(name)), writable_(writable) {}

  Result<> write_at(uint64_t offset, BytesView bytes) override {
    if (auto usable = check("write", /*writes=*/true); !usable) return usable;
    if (auto room = check_room("write", offset + bytes.size()); !room) return room;
    return disk_.write(inode_, name_, offset, bytes);
  }

  Result<Bytes> read_at(uint64_t offset, size_t size) override {
    if (auto usable = check("read", /*writes=*/false); !usable) return std::unexpected(usable.error());
    return disk_.read(*inode_, name_, offset, size);
  }

  Result<> sync() override {
    if (auto usable = check("sync", /*writes=*/false); !usable) return usable;
    return disk_.sync(*inode_, name_, DiskOperation::sync);
  }

  Result<uint64_t> size() override {
    if (auto usable = check("stat", /*writes=*/false); !usable) return std::unexpected(usable.error());
    return inode_->content.size();
  }

  Result<> resize(uint64_t size) override {
    if (auto usable = check("resize", /*writes=*/true); !usable) return usable;
    if (auto room = check_room("resize", size); !room) return room;
    return disk_.perform(DiskOperation::resize, name_, [&] { inode_->resize(size); });
  }

 private:
  Result<> check(std::string_view doing, bool writes) const {
    if (!life_->alive) return refuse(ErrorKind::closed, doing, name_, "the process is gone");
    if (writes && !writable_) return refuse(ErrorKind::io, doing, name_, "Bad file descriptor");
    return {};
  }
  Result<> check_room(std::string_view doing, uint64_t end) {
    if (disk_.has_room(*inode_, end)) return {};
    return refuse(ErrorKind::no_space, doing, name_, "No space left on device");
  }

  std::shared_ptr<Life> life_;
  Disk& disk_;
  std::shared_ptr<Inode> inode_;
  std::string name_;
  bool writable_;
};

}  // namespace

Result<std::shared_ptr<Inode>> Files::find_directory(std::string_view name) const {
  if (!life_->alive) return refuse(ErrorKind::closed, "open", name, "the process is gone");
  if (name.empty()) return disk_.root();
  const auto it = disk_.root()->entries.find(std::string(name));
  if (it == disk_.root()->entries.end()) {
    return refuse(ErrorKind::not_found, "open directory", name, "No such file or directory");
  }
  if (!it->second->directory) return refuse(ErrorKind::io, "open directory", name, "Not a directory");
  return it->second;
}

Result<Files::Place> Files::find(std::string_view name) const {
  const size_t slash = name.find('/');
  const std::string_view leaf = slash == std::string_view::npos ? name : name.substr(slash + 1);
  if (leaf.empty() || leaf == "." || leaf == ".." || leaf.find('/') != std::string_view::npos) {
    return refuse(ErrorKind::invalid_argument, "open", name, "not a name with at most one '/'");
  }
  auto directory = find_directory(slash == std::string_view::npos ? std::string_view() : name.substr(0, slash));
  if (!directory) return std::unexpected(directory.error());
  Place place{.directory = *directory, .name = std::string(leaf), .inode = nullptr};
  const auto it = place.directory->entries.find(place.name);
  if (it != place.directory->entries.end()) place.inode = it->second;
  return place;
}

Result<std::unique_ptr<env::File>> Files::open(std::string_view name, Open mode) {
  auto place = find(name);
  if (!place) return std::unexpected(place.error());
  const bool creates = mode == Open::create_new || mode == Open::create_or_truncate;
  if (place->inode != nullptr && place->inode->directory) return refuse(ErrorKind::io, "open", name, "Is a directory");
  if (place->inode != nullptr && mode == Open::create_new) {
    return refuse(ErrorKind::already_exists, "create", name, "File exists");
  }
  if (place->inode == nullptr && !creates) {
    return refuse(ErrorKind::not_found, "open", name, "No such file or directory");
  }
  const bool made = place->inode == nullptr;
  const auto opened = disk_.perform(made ? DiskOperation::create : DiskOperation::open, name, [&] {
    if (made) {
      place->inode = std::make_shared<Inode>(/*is_directory=*/false);
      place->directory->change({.links = {{place->name, place->inode}}});
    } else if (mode == Open::create_or_truncate) {
      place->inode->resize(0);
    }
  });
  if (!opened) return std::unexpected(opened.error());
  return std::make_unique<File>(life_, disk_, place->inode, std::string(name), mode != Open::read_only);
}

Result<std::vector<std::string>> Files::list(std::string_view directory) {
  auto found = find_directory(directory);
  if (!found) return std::unexpected(found.error());
  std::vector<std::string> names;
  const auto read = disk_.perform(DiskOperation::list, directory, [&] {
    for (const auto& [name, inode] : (*found)->entries) names.push_back(name);
  });
  if (!read) return std::unexpected(read.error());
  return names;
}

Result<bool> Files::exists(std::string_view name) {
  auto place = find(name);
  if (!place && place.error().kind == ErrorKind::not_found) return false;
  if (!place) return std::unexpected(place.error());
  return place->inode != nullptr;
}

Result<> Files::make_directory(std::string_view name) {
  auto place = find(name);
  if (!place) return std::unexpected(place.error());
  if (place->inode != nullptr && !place->inode->directory) {
    return refuse(ErrorKind::already_exists, "make directory", name, "File exists");
  }
  if (place->inode != nullptr) return {};
  return disk_.perform(DiskOperation::make_directory, name, [&] {
    place->directory->change({.links = {{place->name, std::make_shared<Inode>(/*is_directory=*/true)}}});
  });
}

Result<> Files::rename(std::string_view from, std::string_view to) {
  auto source = find(from);
  if (!source) return std::unexpected(source.error());
  auto target = find(to);
  if (!target) return std::unexpected(target.error());
  if (source->inode == nullptr) return refuse(ErrorKind::not_found, "rename", from, "No such file or directory");
  if (target->inode != nullptr && target->inode->directory) {
    return refuse(ErrorKind::io, "rename onto", to, "Is a directory");
  }
  return disk_.perform(DiskOperation::rename, from, [&] {
    if (source->inode == target->inode) return;
    if (source->directory == target->directory) {
      source->directory->change({.links = {{target->name, source->inode}, {source->name, nullptr}}});
    } else {  // two directories, durable each on its own
      target->directory->change({.links = {{target->name, source->inode}}});
      source->directory->change({.links = {{source->name, nullptr}}});
    }
  });
}

Result<> Files::remove(std::string_view name) {
  auto place = find(name);
  if (!place) return std::unexpected(place.error());
  if (place->inode == nullptr) return refuse(ErrorKind::not_found, "remove", name, "No such file or directory");
  if (place->inode->directory && !place->inode->entries.empty()) {
    return refuse(ErrorKind::io, "remove", name, "Directory not empty");
  }
  return disk_.perform(DiskOperation::remove, name,
                       [&] { place->directory->change({.links = {{place->name, nullptr}}}); });
}

Result<> Files::sync_directory(std::string_view directory) {
  auto found = find_directory(directory);
  if (!found) return std::unexpected(found.error());
  return disk_.sync(**found, directory, DiskOperation::sync_directory);
}

Result<> Files::lock() {
  if (!life_->alive) return refuse(ErrorKind::closed, "lock", "LOCK", "the process is gone");
  if (disk_.lock_holder != 0 && disk_.lock_holder != life_->number) {
    return refuse(ErrorKind::unavailable, "lock", "LOCK", "held by another process");
  }
  disk_.lock_holder = life_->number;
  return {};
}

Result<uint64_t> Files::free_bytes() {
  if (!life_->alive) return refuse(ErrorKind::closed, "statfs", "", "the process is gone");
  return disk_.free_bytes();
}

}  // namespace conclave::sim
