// What one writer knows of the version of its node, across broken connections. A write whose connection broke before
// the answer is in doubt: the servers may have applied it or not, may do so still, but never twice. Pure.
//
// Invariants, which accept_write() and accept_read() check:
//   1. an acknowledged write is never lost: no version is below the highest one known;
//   2. nothing is applied that was not sent: no version is above what the acknowledged writes and those in doubt
//   explain;
//   3. each write in doubt explains one version, once.
// Without writes in doubt the version is thereby known exactly.
#pragma once

#include <cstdint>

namespace conclave::app::bench {

struct NodeVersion {
  int32_t known = -1;     // negative: left by an earlier run, learned from the first write
  uint32_t in_doubt = 0;  // writes sent, unanswered, and not yet seen in a version

  // True when a write may have been answered with `version`, which is then known.
  bool accept_write(int32_t version) {
    if (known < 0) return known = version, true;
    return accept(version, known + 1);
  }
  // The same for a read.
  bool accept_read(int32_t version) { return accept(version, known); }

 private:
  bool accept(int32_t version, int32_t lowest) {
    if (version < lowest || int64_t{version} > int64_t{lowest} + in_doubt) return false;
    in_doubt -= static_cast<uint32_t>(version - lowest);
    known = version;
    return true;
  }
};

}  // namespace conclave::app::bench
