// What happened, folded into one number: two runs of one seed must end with the same hash, on every machine and
// compiler. Every event of the virtual world is recorded here, before it takes effect. Pure, one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/time.h"

namespace conclave::sim {

class Trace {
 public:
  // Called with every record, for printing a run: time, what, and up to three numbers (hosts, sizes, counters).
  using Listener = std::function<void(Instant, std::string_view what, uint64_t a, uint64_t b, uint64_t c)>;

  void record(Instant when, std::string_view what, uint64_t a = 0, uint64_t b = 0, uint64_t c = 0) {
    const uint64_t words[] = {hash_, static_cast<uint64_t>(when.us), a, b, c};
    hash_ = xxh3_64(BytesView(reinterpret_cast<const char*>(words), sizeof(words)), xxh3_64(what));
    ++count_;
    if (listener_) listener_(when, what, a, b, c);
  }
  void listen(Listener listener) { listener_ = std::move(listener); }

  uint64_t hash() const { return hash_; }
  uint64_t count() const { return count_; }

 private:
  uint64_t hash_ = 0;
  uint64_t count_ = 0;
  Listener listener_;
};

}  // namespace conclave::sim
