// A cell on this machine: its ports, directories and configuration files. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "env/network.h"

namespace conclave::app {

struct DevPlan {
  int replicas = 3;
  uint16_t base_port = 2181;
  std::string directory;  // absolute
  std::string engine = "paxos";
  std::string log_level = "info";

  // Client ports are base_port, base_port + 1 ...; peer ports follow 100 above, those of the lock service 200 above.
  env::Address client_address(int id) const;
  env::Address peer_address(int id) const;
  env::Address chubby_address(int id) const;
  std::string replica_directory(int id) const;
  std::string config_path(int id) const;
  std::string log_path(int id) const;
  // The file of one replica, in TOML.
  std::string config_text(int id) const;
  // "127.0.0.1:2181,127.0.0.1:2182": what a client is given.
  std::string connect_string() const;
  // The same, of the lock service.
  std::string chubby_servers() const;
};

// Cuts a stream of bytes into lines.
class LineSplitter {
 public:
  // The complete lines so far, without their newlines. A line longer than 64 KiB is cut.
  std::vector<std::string> feed(std::string_view bytes);
  // What was left without a newline.
  std::string rest();

 private:
  std::string pending_;
};

}  // namespace conclave::app
