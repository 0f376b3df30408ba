#include "sim/check/files.h"

#include <algorithm>
#include <fmt/format.h>

namespace conclave::sim::check {

FileOracle::Begun FileOracle::begin(const std::string& path) {
  const File& file = files_[path];
  return {.path = path,
          .seen = file.seen,
          .floor = file.floor,
          .deletions = file.deletions,
          .surely_there = file.surely_there,
          .calm = file.under_way == 0};
}

FileOracle::Begun FileOracle::begin_deletion(const std::string& path) {
  File& file = files_[path];
  ++file.deletions;
  ++file.under_way;
  file.surely_there = false;
  return begin(path);
}

FileOracle::Fault FileOracle::ended_there(const Begun& begun, uint64_t generation, uint64_t content) {
  ++judged_;
  File& file = files_[begun.path];
  if (generation < begun.floor) {
    return fmt::format("{} was read with generation {:#x}, when {:#x} or its deletion had been seen before that began",
                       begun.path, generation, begun.floor);
  }
  file.seen = std::max(file.seen, generation);
  file.floor = std::max(file.floor, generation);
  if (begun.calm && begun.deletions == file.deletions) file.surely_there = true;
  if (content == 0) return std::nullopt;
  const auto [known, is_new] = file.contents.emplace(generation, content);
  if (!is_new && known->second != content) {
    return fmt::format("{} was read with two contents of generation {:#x}", begun.path, generation);
  }
  return std::nullopt;
}

FileOracle::Fault FileOracle::ended_absent(const Begun& begun) {
  ++judged_;
  File& file = files_[begun.path];
  if (begun.surely_there && begun.deletions == file.deletions) {
    return fmt::format("{} was not found, though it had been seen with generation {:#x} and nobody deleted it",
                       begun.path, begun.seen);
  }
  // All that had been seen before is gone.
  if (begun.seen != 0) file.floor = std::max(file.floor, begun.seen + 1);
  return std::nullopt;
}

void FileOracle::ended_deletion(const Begun& begun, bool done) {
  File& file = files_[begun.path];
  --file.under_way;
  if (done && begun.seen != 0) file.floor = std::max(file.floor, begun.seen + 1);
}

}  // namespace conclave::sim::check
