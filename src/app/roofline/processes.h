// The three members as processes of this program, forked and not executed anew. They end with this object, and with
// this process even if it is killed.
#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "base/result.h"

namespace conclave::app::roofline {

class Processes {
 public:
  // Returns when they serve. `directory` exists, and gets a log of each. REQUIRES: this process has one thread.
  static Result<Processes> start(const std::string& directory);
  Processes(Processes&& other) noexcept : pids_(std::exchange(other.pids_, {})), ports_(std::move(other.ports_)) {}
  Processes& operator=(Processes&&) = delete;
  ~Processes();

  std::string servers() const;  // HOST:PORT,...
  std::string pids() const;     // ID,...
  // Until SIGINT or SIGTERM (true), or until a member ended by itself (false).
  bool wait() const;

 private:
  Processes() = default;
  // The ports that the child says it listens at.
  Result<std::vector<uint16_t>> add_member(const std::string& directory, uint32_t number, uint16_t master_port);

  std::vector<pid_t> pids_;
  std::vector<uint16_t> ports_;  // for clients
};

}  // namespace conclave::app::roofline
