#include "app/config/load.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace conclave::app {

Result<std::string> read_whole_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(ErrorKind::io, "cannot be opened: " + std::string(std::strerror(errno)));
  std::string content;
  char chunk[16 << 10];
  ssize_t n = 0;
  while ((n = ::read(fd, chunk, sizeof chunk)) > 0) content.append(chunk, static_cast<size_t>(n));
  const int code = errno;
  ::close(fd);
  if (n < 0) return fail(ErrorKind::io, "cannot be read: " + std::string(std::strerror(code)));
  return content;
}

}  // namespace conclave::app
