#include "sim/scenario/disks.h"

#include <array>
#include <fmt/format.h>
#include <utility>

#include "sim/cluster/fault.h"

namespace conclave::sim::scenario {
namespace {

std::optional<DiskOperation> operation_of(std::string_view word) {
  constexpr std::array<std::pair<std::string_view, DiskOperation>, 10> kNames = {
      {{"open", DiskOperation::open},
       {"create", DiskOperation::create},
       {"read", DiskOperation::read},
       {"write", DiskOperation::write},
       {"resize", DiskOperation::resize},
       {"sync", DiskOperation::sync},
       {"rename", DiskOperation::rename},
       {"remove", DiskOperation::remove},
       {"make-directory", DiskOperation::make_directory},
       {"sync-directory", DiskOperation::sync_directory}}};
  for (const auto& [name, operation] : kNames) {
    if (name == word) return operation;
  }
  return std::nullopt;
}

Result<DiskOperations> operations_of(std::string_view words) {
  if (words == "any-change") return kChangingOperations;
  DiskOperations found;
  for (size_t begin = 0; begin <= words.size();) {
    const size_t end = std::min(words.find(',', begin), words.size());
    const std::string_view word = words.substr(begin, end - begin);
    const auto operation = operation_of(word);
    if (!operation) return wrong(fmt::format("disks know no call \"{}\"", word));
    found.add(*operation);
    begin = end + 1;
  }
  return found;
}

Result<> fail_calls(Disk& disk, Command& command) {
  const auto operations = operations_of(command.word());
  const auto nth = command.number("nth", 1);
  if (!operations) return std::unexpected(operations.error());
  if (!nth) return std::unexpected(nth.error());
  if (*nth < 1) return wrong("nth: from 1");
  const std::string with = command.text("with", "eio");
  DiskFault fault{.on = *operations, .prefix = command.text("file"), .nth = static_cast<uint64_t>(*nth)};
  if (with == "eio") {
    fault.effect = DiskEffect::io_error;
  } else if (with == "enospc") {
    fault.effect = DiskEffect::no_space;
  } else if (with == "lie") {
    fault.effect = DiskEffect::lie;
  } else if (with == "misdirect") {
    fault.effect = DiskEffect::misdirect;
  } else {
    return wrong(fmt::format("with={}: expected eio, enospc, lie or misdirect", with));
  }
  disk.inject(std::move(fault));
  return {};
}

// The name itself, or the last file whose name begins so.
Result<FileInfo> find_file(const Disk& disk, std::string_view name) {
  std::optional<FileInfo> found;
  const bool is_newest = name.starts_with("newest:");
  if (is_newest) name.remove_prefix(7);
  for (const FileInfo& file : disk.files()) {
    if (is_newest ? file.name.starts_with(name) : file.name == name) found = file;
  }
  if (!found) return wrong(fmt::format("there is no file \"{}\"", name));
  return *found;
}

// "directory/name", or the name of a directory. REQUIRES: it exists.
Inode& find_inode(Disk& disk, std::string_view name) {
  Inode* inode = disk.root().get();
  while (true) {
    const std::string_view part = name.substr(0, name.find('/'));
    inode = inode->entries.at(std::string(part)).get();
    if (part.size() == name.size()) return *inode;
    name.remove_prefix(part.size() + 1);
  }
}

// The long names of snapshots end in numbers that say nothing to a reader.
std::string shown(const std::string& name) {
  constexpr size_t kMax = 48, kKept = 35;
  if (name.size() <= kMax) return name;
  const size_t dot = name.rfind('.');
  return name.substr(0, kKept) + "..." + (dot == std::string::npos ? "" : name.substr(dot + 1));
}

Result<> flip(Disk& disk, Command& command, Output& out) {
  const auto file = find_file(disk, command.word());
  if (!file) return std::unexpected(file.error());
  auto at = command.number("at", 0);
  const auto bits = command.number("bits", 1);
  if (bits && (*bits < 1 || *bits > 255)) return wrong("bits: from 1 to 255");
  if (!at || !bits) return std::unexpected(at ? bits.error() : at.error());
  if (const std::string text = command.text("text"); !text.empty()) {
    const Pages& content = find_inode(disk, file->name).content;
    const size_t place = content.read(0, content.size()).rfind(text);
    if (place == Bytes::npos) return wrong(fmt::format("{} does not hold \"{}\"", file->name, text));
    at = static_cast<int64_t>(place);
  }
  if (!disk.corrupt(file->name, static_cast<uint64_t>(*at), static_cast<uint8_t>(*bits))) {
    return wrong(fmt::format("{} has no byte {}", file->name, *at));
  }
  out.push_back(fmt::format("flipped in {}", shown(file->name)));
  return {};
}

// The files whose names begin so are gone from the medium.
Result<> lose(Disk& disk, std::string_view prefix) {
  size_t lost = 0;
  for (const FileInfo& file : disk.files()) {
    if (!file.name.starts_with(prefix)) continue;
    const size_t slash = file.name.rfind('/');
    Inode& directory = slash == std::string::npos ? *disk.root() : find_inode(disk, file.name.substr(0, slash));
    const std::string name = file.name.substr(slash + 1);
    directory.entries.erase(name);
    directory.durable_entries.erase(name);
    ++lost;
  }
  return lost > 0 ? Result<>() : wrong(fmt::format("there is no file \"{}...\"", prefix));
}

}  // namespace

Result<> change_disk(Host& host, Command& command, Output& out, std::map<uint32_t, DiskImage>& saved,
                     EngineChecks& checks) {
  Disk& disk = host.disk();
  const ReplicaId id(static_cast<uint8_t>(host.id().value));
  const std::string what = command.word();
  if (what == "fail") return fail_calls(disk, command);
  if (what == "flip") {
    checks.note_damaged(id);
    return flip(disk, command, out);
  }
  if (what == "files") {
    const std::string prefix = command.word();
    for (const FileInfo& file : disk.files()) {
      if (file.name.starts_with(prefix)) out.push_back(fmt::format("{} {}", shown(file.name), file.size));
    }
  } else if (what == "stall") {
    disk.stall();
  } else if (what == "release") {
    disk.release();
  } else if (what == "full") {
    disk.options().capacity_bytes = disk.used_bytes();
  } else if (what == "roomy") {
    disk.options().capacity_bytes = DiskOptions().capacity_bytes;
  } else if (what == "well") {
    disk.clear_faults();
  } else if (what == "slow") {
    const auto time = parse_duration(command.word());
    if (!time) return std::unexpected(time.error());
    disk.options().sync_time_min = disk.options().sync_time_max = *time;
  } else if (what == "save") {
    saved[host.id().value] = disk.image();
  } else if (what != "wipe" && what != "restore" && what != "lose") {
    return wrong(fmt::format("disks know no command \"{}\"", what));
  } else if (host.running()) {
    return wrong("only of a replica that does not run");
  } else if (what == "lose") {
    checks.note_damaged(id);
    return lose(disk, command.word());
  } else if (what == "wipe") {
    checks.note_set_back(id);
    disk.wipe();
  } else {
    if (!saved.contains(host.id().value)) return wrong("nothing was saved");
    checks.note_set_back(id);
    disk.restore(saved[host.id().value]);
  }
  return {};
}

}  // namespace conclave::sim::scenario
