// Settings of the Chubby front end; the application fills them from its configuration.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "env/network.h"

namespace conclave::frontend::chubby {

struct Limits {
  size_t connections_max = 100'000;
  size_t calls_max = 256;               // of one session, without an answer
  size_t handles_max = 100'000;         // of one session
  size_t cached_max = 100'000;          // names that one session may have cached
  size_t notices_max = 10'000;          // of one session, not acknowledged; beyond it events are dropped: rescan
  size_t unsent_bytes_max = 128 << 20;  // of a connection; beyond it is closed
  Duration hello_timeout = Duration::seconds(5);
};

struct Settings {
  std::vector<env::Address> listen;
  std::string cell = "conclave";

  Duration lease = Duration::seconds(12);           // CH-68; of a session that opens while there are few
  Duration lease_max = Duration::seconds(60);       // if there are many
  size_t lease_sessions = 5'000;                    // these are few
  Duration offer = Duration::seconds(5);            // a waiter that is offered a lock takes it within this
  Duration unopened_grace = Duration::seconds(60);  // CH-77, step 9
  Limits limits;

  // Of a session that opens beside so many others, and for its whole life. Longer in proportion beyond
  // `lease_sessions`, so that twice the sessions do not send twice the KeepAlives (CH-68, CH-89).
  Duration lease_beside(size_t sessions) const {
    const size_t loaded = std::max(sessions, lease_sessions);
    const auto proportional = Duration::micros(static_cast<int64_t>(
        static_cast<double>(lease.us) * static_cast<double>(loaded) / static_cast<double>(lease_sessions)));
    return std::clamp(proportional, lease, std::max(lease, lease_max));
  }
};

}  // namespace conclave::frontend::chubby
