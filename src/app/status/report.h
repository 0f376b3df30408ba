// What replicas say about themselves in answer to `mntr` and `srvr`, read back into figures, and the table made of
// several of them. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "env/network.h"

namespace conclave::app {

struct ReplicaReport {
  env::Address address;
  std::string problem;  // empty: it serves
  std::string mode;     // leader, follower, observer, standalone, read-only; empty unless it serves
  std::map<std::string, std::string, std::less<>> figures;  // of mntr, keys without their prefix "zk_" or "conclave_"

  bool serves() const { return problem.empty(); }
  bool leads() const { return serves() && (mode == "leader" || mode == "standalone"); }
  std::string_view text(std::string_view key) const;
  std::optional<int64_t> number(std::string_view key) const;
};

// From the answer to mntr, or from what went wrong.
ReplicaReport read_report(const env::Address& address, const Result<std::string>& mntr);
// Adds what only srvr tells: the zxid.
void add_srvr(const Result<std::string>& srvr, ReplicaReport* report);

struct CellReport {
  std::vector<ReplicaReport> replicas;

  std::vector<const ReplicaReport*> leaders() const;
  // One master, and it or we see a majority of the cell.
  bool healthy() const;
  // One sentence: who is master, or what is wrong.
  std::string verdict() const;
};

std::string table_text(const CellReport& cell);
std::string json_text(const CellReport& cell);

}  // namespace conclave::app
