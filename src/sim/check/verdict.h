// What a master that stood at a given zxid had to answer to a request: ok, or which error of which part. By
// ZooKeeper's rules and in ZooKeeper's order of checks, over the model. Pure.
#pragma once

#include <optional>
#include <span>

#include "sim/check/model.h"

namespace conclave::sim::check {

struct Verdict {
  Code code = Code::ok;
  std::optional<size_t> part;  // that failed, of a multi
  friend bool operator==(const Verdict&, const Verdict&) = default;
};

// `part` is filled in for every error. REQUIRES: the calls are create, remove, set or check.
Verdict judge(const Model& model, Zxid at, std::span<const Call> calls);

// Whether there is a zxid in [from, to] at which the verdict was this one; of any part, if it names none.
bool was_ever(const Model& model, Verdict verdict, std::span<const Call> calls, Zxid from, Zxid to);

// Errors that `judge` knows; others depend on what a history does not show.
bool is_judged(Code code);

}  // namespace conclave::sim::check
