// Helpers of this module's tests: a temporary directory, and running a loop until something is true, with a deadline.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <string>

#include "os/loop.h"

namespace conclave::os {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "conclave-os-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// True when `reached` became true; false after ten seconds.
inline bool run_until(Loop& loop, const std::function<bool()>& reached) {
  bool late = false;
  const auto deadline = loop.schedule(Duration::seconds(10), [&] { late = true; });
  std::function<void()> check = [&] {
    if (late || reached()) return loop.stop();
    loop.schedule(Duration::micros(200), [&] { check(); });
  };
  loop.post([&] { check(); });
  loop.run();
  loop.cancel(deadline);
  return reached();
}

}  // namespace conclave::os
