// Counters of requests and latencies, of one connection or of the server (ZooKeeper's ServerStats). Latencies are whole
// milliseconds, as monitoring expects them. Loop thread only.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace conclave::frontend::zookeeper {

struct Latencies {
  int64_t count = 0;
  int64_t sum_ms = 0;
  int64_t min_ms = 0;  // 0 while count is 0
  int64_t max_ms = 0;

  void add(Duration latency) {
    const int64_t ms = std::max<int64_t>(latency.ms(), 0);
    min_ms = count == 0 ? ms : std::min(min_ms, ms);
    max_ms = std::max(max_ms, ms);
    sum_ms += ms;
    ++count;
  }
  double average_ms() const { return count == 0 ? 0.0 : static_cast<double>(sum_ms) / static_cast<double>(count); }
};

struct ServerStatistics {
  Latencies latencies;
  uint64_t received = 0;
  uint64_t sent = 0;
  uint64_t received_bytes = 0;
  uint64_t sent_bytes = 0;
  uint64_t outstanding = 0;  // not reset by srst
  uint64_t connections_rejected = 0;
  uint64_t connections_dropped = 0;  // closed by us for a fault or a limit
  uint64_t auth_failed = 0;
  uint64_t watch_events = 0;
  uint64_t watch_events_hidden = 0;  // by the access control list
  int64_t response_bytes_last = -1;
  int64_t response_bytes_min = -1;
  int64_t response_bytes_max = -1;

  void add_response(size_t bytes) {
    const auto size = static_cast<int64_t>(bytes);
    response_bytes_last = size;
    response_bytes_min = response_bytes_min < 0 ? size : std::min(response_bytes_min, size);
    response_bytes_max = std::max(response_bytes_max, size);
  }
  void reset() {
    const uint64_t still = outstanding;
    *this = {};
    outstanding = still;
  }
};

struct ConnectionStatistics {
  Latencies latencies;
  uint64_t received = 0;
  uint64_t sent = 0;
  int64_t established_ms = 0;  // wall clock
  int32_t last_xid = 0;
  uint64_t last_zxid = 0;
  int64_t last_response_ms = 0;  // monotonic
  int64_t last_latency_ms = 0;
  const char* last_operation = "NA";

  void reset() {
    const int64_t since = established_ms;
    *this = {};
    established_ms = since;
  }
};

}  // namespace conclave::frontend::zookeeper
