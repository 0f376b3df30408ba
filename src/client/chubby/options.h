// Settings and figures of the client library. Plain data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "env/network.h"

namespace conclave::chubby {

// An identity whose rights the session has (CH-26).
struct Credential {
  std::string scheme;  // "digest"
  Bytes secret;        // "user:password"
};

struct Options {
  // At least one. A name may stand for several: all of its addresses in DNS are tried, and looked up anew each time.
  std::vector<env::Address> replicas;
  std::string cell;  // as the program was told; empty: whichever answers
  std::vector<Credential> credentials;
  // Of one replica, until it has answered Hello; up to four times as long while replicas take connections and do not.
  Duration connect_timeout = Duration::millis(2'000);
  Duration grace = Duration::seconds(45);     // CH-71
  int64_t clock_rate_ppm_max = 10'000;        // two clocks differ by no more than this (CH-70)
  Duration idle_end = Duration::seconds(60);  // CH-66; 0: sessions are kept
  size_t calls_max = 256;                     // without an answer; more wait here. At most 256
  size_t cache_entries_max = 10'000;          // nodes; 0: no cache
  size_t cache_bytes_max = 16 << 20;          // of names and contents
  size_t idle_handles_max = 64;               // kept open after the program closed them (CH-60)
  bool cache_locks = false;                   // CH-61
};

struct Figures {
  uint64_t connections = 0;  // that were welcomed
  uint64_t redirections = 0;
  uint64_t violations = 0;  // connections dropped since the server broke the protocol
  uint64_t messages_sent = 0;
  uint64_t messages_received = 0;
  uint64_t keep_alives = 0;
  uint64_t datagrams_sent = 0;   // that asked for a lease while the stream was late
  uint64_t datagram_leases = 0;  // granted so
  uint64_t calls_sent = 0;       // the first time
  uint64_t calls_sent_again = 0;
  uint64_t cache_hits = 0;  // reads answered from the cache
  uint64_t cache_misses = 0;
  uint64_t open_hits = 0;  // opens answered by an open handle or a known absence
  uint64_t lock_hits = 0;  // acquisitions of a lock that was kept
  uint64_t invalidations = 0;
  uint64_t events = 0;
  uint64_t fail_overs = 0;  // changes of epoch
  uint64_t jeopardies = 0;
};

}  // namespace conclave::chubby
