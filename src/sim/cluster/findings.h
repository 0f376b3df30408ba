// What a run found wrong. The first finding ends the run. Plain data with one rule: findings are only added.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sim/check/history.h"

namespace conclave::sim {

class Findings {
 public:
  void add(std::string checker, std::string what) {
    if (list_.size() < kMax) list_.push_back({.checker = std::move(checker), .what = std::move(what)});
  }
  bool any() const { return !list_.empty(); }
  const check::Violations& list() const { return list_; }

 private:
  static constexpr size_t kMax = 20;  // one broken rule tends to break others
  check::Violations list_;
};

}  // namespace conclave::sim
