// Files of one data directory: the storage seam. Blocking; called on a Worker, or before the loop starts. Names are
// relative to the data directory and have at most one '/'. Every failed call returns an error with the operating
// system's words and the name; a failed write or sync leaves the file's content unknown, so the caller must not retry.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace conclave::env {

class File {
 public:
  virtual ~File() = default;  // closes
  virtual Result<> write_at(uint64_t offset, BytesView bytes) = 0;
  // Reads up to `size` bytes; fewer only at the end of the file.
  virtual Result<Bytes> read_at(uint64_t offset, size_t size) = 0;
  // Makes every earlier write of this file durable, its size included (fdatasync).
  virtual Result<> sync() = 0;
  virtual Result<uint64_t> size() = 0;
  // Extends with zeroes (allocated on disk) or cuts to `size`.
  virtual Result<> resize(uint64_t size) = 0;
};

class Files {
 public:
  virtual ~Files() = default;
  enum class Open { read_only, read_write, create_new, create_or_truncate };

  virtual Result<std::unique_ptr<File>> open(std::string_view name, Open mode) = 0;
  // Names in the directory (`""` is the data directory itself), sorted, without "." and "..".
  virtual Result<std::vector<std::string>> list(std::string_view directory) = 0;
  virtual Result<bool> exists(std::string_view name) = 0;
  virtual Result<> make_directory(std::string_view name) = 0;               // fine if it is there
  virtual Result<> rename(std::string_view from, std::string_view to) = 0;  // replaces `to`
  virtual Result<> remove(std::string_view name) = 0;
  // Makes creates, renames and removes in the directory durable. Without it they may vanish in a crash.
  virtual Result<> sync_directory(std::string_view directory) = 0;
  // Takes the exclusive lock on the data directory; fails if another process holds it. Held until *this dies.
  virtual Result<> lock() = 0;
  virtual Result<uint64_t> free_bytes() = 0;
};

}  // namespace conclave::env
