// One direction between two hosts: how long messages take, and what goes wrong on the way. Plain data of the fabric.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.h"
#include "base/task.h"
#include "base/time.h"

namespace conclave::sim {

using HostId = StrongId<struct HostIdTag, uint32_t>;

// Rates are per million messages, frames, reads or datagrams; the defaults are a healthy local network.
struct LinkOptions {
  Duration latency_min = Duration::micros(50);
  Duration latency_max = Duration::micros(250);  // each message draws its own; order on a channel is kept
  uint32_t frame_loss_per_million = 0;           // of peer frames; more than the contract's TCP would ever lose
  uint32_t spike_per_million = 0;                // a message takes longer, by up to spike_max
  Duration spike_max = Duration::millis(200);
  uint32_t short_read_per_million = 0;  // a stream hands out a part of what has arrived, and the rest a little later

  // Peer frames against all rules of the contract (peer_faults.h): twice, out of order, and once more much later.
  uint32_t frame_duplicate_per_million = 0;
  uint32_t frame_reorder_per_million = 0;
  uint32_t frame_replay_per_million = 0;
  Duration frame_late_max = Duration::millis(500);  // by how much such a frame comes late

  // Datagrams (datagrams.h); each draws its own latency, so they come out of order anyway.
  uint32_t datagram_loss_per_million = 0;
  uint32_t datagram_duplicate_per_million = 0;
  Duration datagram_late_max = Duration::millis(500);  // by how much the second of two comes later

  bool frame_faults() const {
    return (frame_loss_per_million | frame_duplicate_per_million | frame_reorder_per_million |
            frame_replay_per_million) != 0;
  }
};

struct Link {
  LinkOptions options;
  bool cut = false;
  uint64_t generation = 0;   // counts cuts and heals
  Instant clogged_until{0};  // held back until then
  Instant stalled_until{0};  // the same, of streams alone
  std::vector<Task> after_clog;
};

}  // namespace conclave::sim
