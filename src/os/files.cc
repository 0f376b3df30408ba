#include "os/files.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "os/error.h"

namespace conclave::os {
namespace {

constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;

class File final : public env::File {
 public:
  File(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Result<> write_at(uint64_t offset, BytesView bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return errno_fail(errno, "write", path_);
      if (n == 0) return errno_fail(ENOSPC, "write", path_);  // a write that makes no progress would loop for ever
      bytes.remove_prefix(static_cast<size_t>(n));
      offset += static_cast<uint64_t>(n);
    }
    return {};
  }

  Result<Bytes> read_at(uint64_t offset, size_t size) override {
    // Allocates for what is there, not for what was asked for.
    const auto end = this->size();
    if (!end) return std::unexpected(end.error());
    Bytes out(offset >= *end ? 0 : static_cast<size_t>(std::min<uint64_t>(size, *end - offset)), '\0');
    size_t done = 0;
    while (done < out.size()) {
      const ssize_t n = pread(fd_.get(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return errno_fail(errno, "read", path_);
      if (n == 0) break;  // cut meanwhile
      done += static_cast<size_t>(n);
    }
    out.resize(done);
    return out;
  }

  Result<> sync() override {
    if (fdatasync(fd_.get()) != 0) return errno_fail(errno, "sync", path_);
    return {};
  }

  Result<uint64_t> size() override {
    struct stat status{};
    if (fstat(fd_.get(), &status) != 0) return errno_fail(errno, "stat", path_);
    return static_cast<uint64_t>(status.st_size);
  }

  Result<> resize(uint64_t size) override {
    const auto old = this->size();
    if (!old) return std::unexpected(old.error());
    if (size > *old) {
      int code = 0;
      do {
        code = fallocate(fd_.get(), 0, static_cast<off_t>(*old), static_cast<off_t>(size - *old)) == 0 ? 0 : errno;
      } while (code == EINTR);
      if (code == 0) return {};
      if (code != EOPNOTSUPP && code != ENOSYS) return errno_fail(code, "allocate", path_);
      // This file system cannot allocate ahead; a hole reads as zeroes too.
    }
    int code = 0;
    do {
      code = ftruncate(fd_.get(), static_cast<off_t>(size)) == 0 ? 0 : errno;
    } while (code == EINTR);
    if (code != 0) return errno_fail(code, "resize", path_);
    return {};
  }

 private:
  Fd fd_;
  std::string path_;
};

int retry_open(int directory, const std::string& name, int flags, mode_t mode = 0) {
  for (;;) {
    const int fd = openat(directory, name.c_str(), flags | O_CLOEXEC, mode);
    if (fd >= 0 || errno != EINTR) return fd;
  }
}

Result<> check_name(std::string_view name) {
  const size_t slash = name.find('/');
  const auto component = [](std::string_view part) {
    return !part.empty() && part != "." && part != ".." && part.find('/') == std::string_view::npos &&
           part.find('\0') == std::string_view::npos;
  };
  const bool fine = slash == std::string_view::npos
                        ? component(name)
                        : component(name.substr(0, slash)) && component(name.substr(slash + 1));
  if (fine) return {};
  return fail(ErrorKind::invalid_argument,
              "file name '" + std::string(name) + "': not one or two path components below the data directory");
}

}  // namespace

Result<std::unique_ptr<Files>> Files::open_directory(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code problem;
  if (!fs::exists(path, problem)) {
    const fs::path parent = fs::absolute(path, problem).lexically_normal().parent_path();
    fs::create_directories(parent, problem);
    if (problem) return errno_fail(problem.value(), "make directory", parent.string());
    if (mkdir(path.c_str(), kDirectoryMode) != 0 && errno != EEXIST) return errno_fail(errno, "make directory", path);
    const Fd above(retry_open(AT_FDCWD, parent.string(), O_RDONLY | O_DIRECTORY));
    if (!above) return errno_fail(errno, "open directory", parent.string());
    if (fsync(above.get()) != 0) return errno_fail(errno, "sync directory", parent.string());
  }
  Fd root(retry_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY));
  if (!root) return errno_fail(errno, "open data directory", path);
  return std::unique_ptr<Files>(new Files(path, std::move(root)));
}

std::unique_ptr<Files> Files::none() {
  return std::unique_ptr<Files>(new Files("(no data directory)", Fd()));
}

std::string Files::full(std::string_view name) const {
  return name.empty() ? path_ : path_ + "/" + std::string(name);
}

Result<std::unique_ptr<env::File>> Files::open(std::string_view name, Open mode) {
  if (auto fine = check_name(name); !fine) return std::unexpected(fine.error());
  int flags = O_NOFOLLOW;
  switch (mode) {
    case Open::read_only:
      flags |= O_RDONLY;
      break;
    case Open::read_write:
      flags |= O_RDWR;
      break;
    case Open::create_new:
      flags |= O_RDWR | O_CREAT | O_EXCL;
      break;
    case Open::create_or_truncate:
      flags |= O_RDWR | O_CREAT | O_TRUNC;
      break;
  }
  Fd fd(retry_open(root_.get(), std::string(name), flags, kFileMode));
  if (!fd) return errno_fail(errno, "open", full(name));
  struct stat status{};
  if (fstat(fd.get(), &status) != 0) return errno_fail(errno, "stat", full(name));
  if (!S_ISREG(status.st_mode)) return fail(ErrorKind::io, "open " + full(name) + ": not a regular file");
  return std::make_unique<File>(std::move(fd), full(name));
}

Result<Fd> Files::open_subdirectory(std::string_view name) const {
  if (!name.empty()) {
    if (auto fine = check_name(name); !fine) return std::unexpected(fine.error());
  }
  Fd fd(retry_open(root_.get(), name.empty() ? "." : std::string(name), O_RDONLY | O_DIRECTORY));
  if (!fd) return errno_fail(errno, "open directory", full(name));
  return fd;
}

Result<std::vector<std::string>> Files::list(std::string_view directory) {
  const auto fd = open_subdirectory(directory);
  if (!fd) return std::unexpected(fd.error());
  const int copy = fcntl(fd->get(), F_DUPFD_CLOEXEC, 0);  // the stream takes the descriptor and closes it
  DIR* stream = copy < 0 ? nullptr : fdopendir(copy);
  if (stream == nullptr) {
    const int code = errno;
    if (copy >= 0) close(copy);
    return errno_fail(code, "list", full(directory));
  }
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(stream)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    errno = 0;
  }
  const int code = errno;
  closedir(stream);
  if (code != 0) return errno_fail(code, "list", full(directory));
  std::sort(names.begin(), names.end());
  return names;
}

Result<bool> Files::exists(std::string_view name) {
  if (auto fine = check_name(name); !fine) return std::unexpected(fine.error());
  struct stat status{};
  if (fstatat(root_.get(), std::string(name).c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return true;
  if (errno == ENOENT) return false;
  return errno_fail(errno, "stat", full(name));
}

Result<> Files::make_directory(std::string_view name) {
  if (auto fine = check_name(name); !fine) return fine;
  if (mkdirat(root_.get(), std::string(name).c_str(), kDirectoryMode) == 0) return {};
  const int code = errno;
  if (code == EEXIST && open_subdirectory(name)) return {};
  return errno_fail(code, "make directory", full(name));
}

Result<> Files::rename(std::string_view from, std::string_view to) {
  if (auto fine = check_name(from); !fine) return fine;
  if (auto fine = check_name(to); !fine) return fine;
  if (renameat(root_.get(), std::string(from).c_str(), root_.get(), std::string(to).c_str()) == 0) return {};
  return errno_fail(errno, "rename", full(from) + " to " + full(to));
}

Result<> Files::remove(std::string_view name) {
  if (auto fine = check_name(name); !fine) return fine;
  const std::string path(name);
  if (unlinkat(root_.get(), path.c_str(), 0) == 0) return {};
  if (errno == EISDIR && unlinkat(root_.get(), path.c_str(), AT_REMOVEDIR) == 0) return {};
  return errno_fail(errno, "remove", full(name));
}

Result<> Files::sync_directory(std::string_view directory) {
  const auto fd = open_subdirectory(directory);
  if (!fd) return std::unexpected(fd.error());
  if (fsync(fd->get()) != 0) return errno_fail(errno, "sync directory", full(directory));
  return {};
}

Result<> Files::lock() {
  if (lock_) return {};
  Fd fd(retry_open(root_.get(), "LOCK", O_RDWR | O_CREAT | O_NOFOLLOW, kFileMode));
  if (!fd) return errno_fail(errno, "open", full("LOCK"));
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    const int code = errno;
    if (code != EWOULDBLOCK) return errno_fail(code, "lock", full("LOCK"));
    char holder[32] = {};
    const ssize_t n = pread(fd.get(), holder, sizeof(holder) - 1, 0);
    const std::string pid = n > 0 ? std::string(holder, static_cast<size_t>(n)) : "unknown";
    return fail(ErrorKind::unavailable, "lock " + full("LOCK") + ": in use by another process (pid " + pid + ")");
  }
  // The process id is for the message above only; the lock itself is the kernel's and dies with the process.
  const std::string pid = std::to_string(getpid());
  if (ftruncate(fd.get(), 0) != 0) return errno_fail(errno, "resize", full("LOCK"));
  if (pwrite(fd.get(), pid.data(), pid.size(), 0) < 0) return errno_fail(errno, "write", full("LOCK"));
  lock_ = std::move(fd);
  return {};
}

Result<uint64_t> Files::free_bytes() {
  struct statvfs status{};
  if (fstatvfs(root_.get(), &status) != 0) return errno_fail(errno, "statfs", path_);
  return uint64_t{status.f_bavail} * status.f_frsize;
}

}  // namespace conclave::os
