// What a run found wrong. The first finding ends the run. Plain data with one rule: findings are only added.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sim/check/history.h"

namespace conclave::sim {

class Findings {
 public:
  // What the checkers named in `without` find is not heard: it shows what the others find alone.
  explicit Findings(std::set<std::string> without = {}) : without_(std::move(without)) {}

  void add(std::string checker, std::string what) {
    if (list_.size() < kMax && !without_.contains(checker))
      list_.push_back({.checker = std::move(checker), .what = std::move(what)});
  }
  bool any() const { return !list_.empty(); }
  const check::Violations& list() const { return list_; }
  const std::set<std::string>& without() const { return without_; }

 private:
  static constexpr size_t kMax = 20;  // one broken rule tends to break others
  std::set<std::string> without_;
  check::Violations list_;
};

}  // namespace conclave::sim
