#include "app/roofline/roofline.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>

#include "app/bench/bench.h"
#include "app/roofline/options.h"
#include "app/roofline/processes.h"

namespace conclave::app::roofline {
namespace {

// Removed at the end, unless it was named.
class Directory {
 public:
  static Result<Directory> open(const std::string& named) {
    std::error_code problem;
    if (!named.empty()) {
      std::filesystem::create_directories(named, problem);
      if (problem) return fail(ErrorKind::io, fmt::format("make directory {}: {}", named, problem.message()));
      return Directory(named, false);
    }
    std::string path = (std::filesystem::temp_directory_path(problem) / "conclave-roofline-XXXXXX").string();
    if (problem || mkdtemp(path.data()) == nullptr)
      return fail(ErrorKind::io, fmt::format("make directory {}: name another one by --directory", path));
    return Directory(path, true);
  }
  Directory(Directory&& other) noexcept
      : path_(std::move(other.path_)), temporary_(std::exchange(other.temporary_, false)) {}
  Directory& operator=(Directory&&) = delete;
  ~Directory() {
    std::error_code ignored;  // what cannot be removed stays
    if (temporary_) std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  Directory(std::string path, bool temporary) : path_(std::move(path)), temporary_(temporary) {}
  std::string path_;
  bool temporary_;
};

int refuse(int code, const Error& error) {
  fmt::print(stderr, "conclave bench --roofline: {}\n", error.message);
  return code;
}

// The members have their logs open, and nobody opens them again: a temporary directory is gone before the load begins,
// so that nothing stays behind, however this ends.
Result<Processes> start(const Options& options) {
  const auto directory = Directory::open(options.directory);
  if (!directory) return std::unexpected(directory.error());
  return Processes::start(directory->path());
}

int serve(const Processes& processes) {
  fmt::print("servers: {}\npids: {}\n", processes.servers(), processes.pids());
  std::fflush(stdout);
  return processes.wait() ? 0 : 1;
}

int drive(const Processes& processes, std::vector<std::string> load) {
  load.insert(load.end(), {"--servers", processes.servers(), "--watch-pids", processes.pids()});
  return bench::run_bench(load);
}

}  // namespace

int run_roofline(const std::vector<std::string>& args) {
  auto options = parse_options(args);
  if (!options) return refuse(2, options.error());
  if (options->help) {
    fmt::print("{}\n", usage());
    std::string help = "--help";
    return bench::run_bench({&help, 1});
  }
  const auto processes = start(*options);
  if (!processes) return refuse(1, processes.error());
  return options->serve_only ? serve(*processes) : drive(*processes, options->load);
}

}  // namespace conclave::app::roofline
