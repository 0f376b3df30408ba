// Where the program's log goes: standard error or a file that is appended to. Every line leaves in one write, so lines
// of several threads or processes never mix. A log that cannot be written never stops the program.
#pragma once

#include <memory>
#include <string>

#include "base/log.h"
#include "base/result.h"

namespace conclave::app {

class LogFile {
 public:
  // Empty path: standard error.
  static Result<std::shared_ptr<LogFile>> open(const std::string& path);
  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  void write(std::string_view line);
  // After the file was renamed by a log rotation (SIGHUP): goes on in a new file under the old name.
  Result<> reopen();

 private:
  LogFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  std::string path_;
  int fd_;
};

// Makes `file` the sink of base/log.h.
void install_log(std::shared_ptr<LogFile> file, log::Level lowest);

}  // namespace conclave::app
