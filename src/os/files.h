// env::Files on a real directory, by POSIX calls. Names are resolved below an open descriptor of the data directory and
// a last component that is a symbolic link is refused; the directory itself or a subdirectory may be one, so that an
// operator can place the journal on its own disk. Files are made with mode 0600, directories with 0700.
//
// Blocking. Different File objects may be used from different threads at once; one File from one thread at a time.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "env/files.h"
#include "os/fd.h"

namespace conclave::os {

class Files final : public env::Files {
 public:
  // Opens the data directory, making it and its parents if missing.
  static Result<std::unique_ptr<Files>> open_directory(const std::string& path);
  // For a program without a data directory: every call fails and says so.
  static std::unique_ptr<Files> none();

  Result<std::unique_ptr<env::File>> open(std::string_view name, Open mode) override;
  Result<std::vector<std::string>> list(std::string_view directory) override;
  Result<bool> exists(std::string_view name) override;
  Result<> make_directory(std::string_view name) override;
  Result<> rename(std::string_view from, std::string_view to) override;
  Result<> remove(std::string_view name) override;
  Result<> sync_directory(std::string_view directory) override;
  Result<> lock() override;
  Result<uint64_t> free_bytes() override;

 private:
  Files(std::string path, Fd root) : path_(std::move(path)), root_(std::move(root)) {}
  // The full path, for messages.
  std::string full(std::string_view name) const;
  Result<Fd> open_subdirectory(std::string_view name) const;

  std::string path_;
  Fd root_;
  Fd lock_;
};

}  // namespace conclave::os
