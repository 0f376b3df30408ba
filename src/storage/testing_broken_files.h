// Files that leave out one kind of call and say that it was done: what a storage routine with that mistake would do to
// the disk. Shows that the crash states find the mistake. Tests only.
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include "env/files.h"
#include "storage/testing_crash_explorer.h"

namespace conclave::storage::testing {

enum class Call { sync, resize, rename, remove, sync_directory };

class BrokenFiles final : public env::Files {
 public:
  // True: this call is left out. `name` is the file or directory.
  using Omits = std::function<bool(Call call, std::string_view name)>;

  BrokenFiles(env::Files& base, Omits omits) : base_(base), omits_(std::move(omits)) {}

  Result<std::unique_ptr<env::File>> open(std::string_view name, Open mode) override {
    auto file = base_.open(name, mode);
    if (!file) return file;
    return std::make_unique<BrokenFile>(*this, std::string(name), std::move(*file));
  }
  Result<std::vector<std::string>> list(std::string_view directory) override { return base_.list(directory); }
  Result<bool> exists(std::string_view name) override { return base_.exists(name); }
  Result<> make_directory(std::string_view name) override { return base_.make_directory(name); }
  Result<> rename(std::string_view from, std::string_view to) override {
    return omits_(Call::rename, from) ? Result<>() : base_.rename(from, to);
  }
  Result<> remove(std::string_view name) override {
    return omits_(Call::remove, name) ? Result<>() : base_.remove(name);
  }
  Result<> sync_directory(std::string_view directory) override {
    return omits_(Call::sync_directory, directory) ? Result<>() : base_.sync_directory(directory);
  }
  Result<> lock() override { return base_.lock(); }
  Result<uint64_t> free_bytes() override { return base_.free_bytes(); }

 private:
  class BrokenFile final : public env::File {
   public:
    BrokenFile(BrokenFiles& files, std::string name, std::unique_ptr<env::File> base)
        : files_(files), name_(std::move(name)), base_(std::move(base)) {}

    Result<> write_at(uint64_t offset, BytesView bytes) override { return base_->write_at(offset, bytes); }
    Result<Bytes> read_at(uint64_t offset, size_t size) override { return base_->read_at(offset, size); }
    Result<> sync() override { return files_.omits_(Call::sync, name_) ? Result<>() : base_->sync(); }
    Result<uint64_t> size() override { return base_->size(); }
    Result<> resize(uint64_t size) override {
      return files_.omits_(Call::resize, name_) ? Result<>() : base_->resize(size);
    }

   private:
    BrokenFiles& files_;
    const std::string name_;
    const std::unique_ptr<env::File> base_;
  };

  env::Files& base_;
  const Omits omits_;
};

// A mistake that a storage routine could make. Names and operations are given in part.
struct Mistake {
  const char* name;
  Call call;
  const char* file;   // of the call left out
  const char* after;  // the operation before it (MemoryFiles::operation)
};
inline std::ostream& operator<<(std::ostream& out, const Mistake& mistake) {
  return out << mistake.name;
}

inline MakeLiar omitting(const Mistake& mistake) {
  return [mistake](MemoryFiles& files) {
    return std::make_unique<BrokenFiles>(files, [mistake, &files](Call call, std::string_view name) {
      return call == mistake.call && name.find(mistake.file) != std::string_view::npos && files.operations() > 0 &&
             files.operation(files.operations()).find(mistake.after) != std::string::npos;
    });
  };
}

}  // namespace conclave::storage::testing
