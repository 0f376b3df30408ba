// How a scenario calls the hosts of its cell: replicas by number, clients by name, "master" for whoever leads now.
#pragma once

#include <fmt/format.h>
#include <map>
#include <string>
#include <vector>

#include "sim/cluster/cell.h"
#include "sim/scenario/command.h"

namespace conclave::sim::scenario {

class Hosts {
 public:
  explicit Hosts(Cell& cell) : cell_(cell) {}

  void add_client(const std::string& name, uint32_t number) { clients_[name] = World::kFirstClient + number; }

  Result<ReplicaId> replica(const std::string& word) const {
    if (word == "master") {
      if (const auto master = cell_.master()) return *master;
      return wrong("nobody leads");
    }
    const auto number = parse_whole(word);
    if (!number || *number < 1 || *number > static_cast<int64_t>(cell_.replicas().size())) {
      return wrong(fmt::format("\"{}\" is no replica", word));
    }
    return ReplicaId(static_cast<uint8_t>(*number));
  }
  Result<uint32_t> host(const std::string& word) const {
    if (const auto client = clients_.find(word); client != clients_.end()) return client->second;
    const auto id = replica(word);
    if (!id) return wrong(fmt::format("\"{}\" is neither a replica nor a client", word));
    return id->value;
  }
  // "1,2,a", "1..3", or "*" for all replicas.
  Result<std::vector<uint32_t>> hosts(std::string_view words) const {
    std::vector<uint32_t> found;
    if (words == "*") {
      for (const ReplicaId id : cell_.replicas()) found.push_back(id.value);
      return found;
    }
    for (size_t begin = 0; begin <= words.size();) {
      const size_t end = std::min(words.find(',', begin), words.size());
      const std::string word(words.substr(begin, end - begin));
      begin = end + 1;
      if (word.contains("..")) {
        const auto numbers = parse_numbers(word);
        if (!numbers) return std::unexpected(numbers.error());
        for (const int64_t number : *numbers) {
          const auto id = replica(std::to_string(number));
          if (!id) return std::unexpected(id.error());
          found.push_back(id->value);
        }
        continue;
      }
      const auto one = host(word);
      if (!one) return std::unexpected(one.error());
      found.push_back(*one);
    }
    return found;
  }

 private:
  Cell& cell_;
  std::map<std::string, uint32_t> clients_;
};

}  // namespace conclave::sim::scenario
