// Code probes: places that a thorough test must reach at least once (a rare branch, the second half of a recovery).
// Each is one line, `CONCLAVE_PROBE("forwarder.goes-back");`, known to the program from its start whether it is ever
// reached or not, so that a run of the simulator can say which were not. Counting is all they do; any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>

namespace conclave {

class Probe {
 public:
  explicit Probe(const char* name);
  void hit() { hits_.fetch_add(1, std::memory_order_relaxed); }

  // Name to number of hits, of every probe in the program.
  static std::map<std::string, uint64_t> all();

 private:
  const char* name_;
  std::atomic<uint64_t> hits_{0};
  Probe* next_;
};

// One probe for each Name: made before main because hit() refers to it, not when it is first passed.
template <class Name>
struct ProbeSite {
  static inline Probe probe{Name::text()};
};

}  // namespace conclave

#define CONCLAVE_PROBE(name)                       \
  do {                                             \
    struct ProbeName {                             \
      static const char* text() {                  \
        return name;                               \
      }                                            \
    };                                             \
    ::conclave::ProbeSite<ProbeName>::probe.hit(); \
  } while (false)
