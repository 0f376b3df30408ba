// Every message ever sent in an exploration, once each, by number. A network is then a multiset of numbers. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/checksum.h"
#include "consensus/api/message.h"
#include "consensus/api/state_fold.h"

namespace conclave::sim::explore {

using MessageId = uint32_t;

struct Sent {
  ReplicaId from;
  ReplicaId to;
  consensus::Message message;
};

class Messages {
 public:
  MessageId number(ReplicaId from, const consensus::Envelope& envelope) {
    const consensus::Message& message = envelope.message;
    bytes_.clear();
    consensus::StateFold fold(&bytes_, Instant{});
    fold.add(from, envelope.to, message.type, message.header);
    fold.all(message.entries);
    const auto [place, fresh] = numbers_.try_emplace(xxh3_128(bytes_), static_cast<MessageId>(sent_.size()));
    if (fresh) sent_.push_back({.from = from, .to = envelope.to, .message = message});
    return place->second;
  }
  const Sent& operator[](MessageId id) const { return sent_[id]; }
  size_t size() const { return sent_.size(); }

 private:
  Bytes bytes_;
  std::vector<Sent> sent_;
  absl::flat_hash_map<Checksum128, MessageId> numbers_;
};

}  // namespace conclave::sim::explore
