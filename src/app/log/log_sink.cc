#include "app/log/log_sink.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include "app/log/log_line.h"

namespace conclave::app {
namespace {

Result<int> open_for_append(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
  if (fd < 0) return fail(ErrorKind::io, "cannot open the log " + path + ": " + std::strerror(errno));
  return fd;
}

}  // namespace

Result<std::shared_ptr<LogFile>> LogFile::open(const std::string& path) {
  if (path.empty()) return std::shared_ptr<LogFile>(new LogFile(path, STDERR_FILENO));
  const auto fd = open_for_append(path);
  if (!fd) return std::unexpected(fd.error());
  return std::shared_ptr<LogFile>(new LogFile(path, *fd));
}

LogFile::~LogFile() {
  if (!path_.empty()) ::close(fd_);
}

void LogFile::write(std::string_view line) {
  ssize_t n = 0;
  do {
    n = ::write(fd_, line.data(), line.size());
  } while (n < 0 && errno == EINTR);
}

// The new file takes over the old one's descriptor, so that threads that log at this moment notice nothing.
Result<> LogFile::reopen() {
  if (path_.empty()) return {};
  const auto fd = open_for_append(path_);
  if (!fd) return std::unexpected(fd.error());
  ::dup3(*fd, fd_, O_CLOEXEC);
  ::close(*fd);
  return {};
}

void install_log(std::shared_ptr<LogFile> file, log::Level lowest) {
  log::set_sink(
      [file = std::move(file)](log::Level level, std::string_view module, std::string_view message,
                               log::Fields fields) {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        const int64_t wall_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
        file->write(format_log_line(wall_ms, level, module, message, fields));
      },
      lowest);
}

}  // namespace conclave::app
