#include "consensus/paxos/messages.h"

#include <array>
#include <utility>

#include "base/plant.h"
#include "consensus/parts/message_codec.h"
#include "consensus/paxos/ballots.h"

namespace conclave::paxos {
namespace {

constexpr std::array<std::string_view, std::variant_size_v<Body>> kNames = {
    "PreVote",   "PreVoteReply", "Prepare", "Promise", "Accept", "Accepted",   "Nack",
    "Heartbeat", "HeartbeatAck", "Learn",   "Learned", "Chosen", "TransferNow"};

template <class F, class M>
void fields(F& f, M& m) {
  using T = std::remove_const_t<M>;
  if constexpr (std::is_same_v<T, PreVote>) each(f, "attempt", m.attempt);
  if constexpr (std::is_same_v<T, PreVoteReply>)
    each(f, "attempt granted promised committed retry_after", m.attempt, m.granted, m.promised, m.committed,
         m.retry_after);
  if constexpr (std::is_same_v<T, Prepare>) each(f, "ballot from_index proof", m.ballot, m.from_index, m.proof);
  if constexpr (std::is_same_v<T, Promise>)
    each(f, "ballot committed covers_from covers_to", m.ballot, m.committed, m.covers_from, m.covers_to);
  if constexpr (std::is_same_v<T, Accept>) each(f, "ballot committed stamp", m.ballot, m.committed, m.stamp);
  if constexpr (std::is_same_v<T, Accepted>)
    each(f, "ballot first last committed stamp", m.ballot, m.first, m.last, m.committed, m.stamp);
  if constexpr (std::is_same_v<T, Nack>) each(f, "ballot promised", m.ballot, m.promised);
  if constexpr (std::is_same_v<T, Heartbeat>) each(f, "ballot committed stamp", m.ballot, m.committed, m.stamp);
  if constexpr (std::is_same_v<T, HeartbeatAck>)
    each(f, "ballot stamp committed received durable damaged_last noted abstains", m.ballot, m.stamp, m.committed,
         m.received, m.durable, m.damaged_last, m.noted, m.abstains);
  if constexpr (std::is_same_v<T, Learn>) each(f, "from", m.from);
  if constexpr (std::is_same_v<T, Learned>) each(f, "committed", m.committed);
  if constexpr (std::is_same_v<T, Chosen>) each(f, "ballot committed", m.ballot, m.committed);
  if constexpr (std::is_same_v<T, TransferNow>) each(f, "ballot", m.ballot);
}

// Whether its owner can have made the ballot of a message.
bool can_exist(const Ballot& ballot) {
  return well_formed(ballot) || CONCLAVE_PLANT(rounds_shared);
}

bool increasing(const std::vector<Entry>& entries, uint64_t step_max) {
  for (size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].index == Index(0) || !can_exist(entries[i].ballot)) return false;
    if (i == 0) continue;
    if (entries[i].index <= entries[i - 1].index) return false;
    if (entries[i].index - entries[i - 1].index > step_max) return false;
  }
  return true;
}

// What is wrong with the meaning of a message, or "".
const char* fault(const PreVote&) {
  return "";
}
const char* fault(const PreVoteReply& m) {
  return !m.promised || can_exist(m.promised) ? "" : "promised ballot cannot exist";
}
const char* fault(const Prepare& m) {
  if (m.from_index == Index(0)) return "from_index is 0";
  return !m.proof || can_exist(m.proof) ? "" : "proof ballot cannot exist";
}
const char* fault(const Promise& m) {
  if (m.covers_from == Index(0) || m.covers_to < m.covers_from) return "covers no slots";
  if (!increasing(m.entries, UINT64_MAX)) return "entries out of order";
  if (m.entries.empty()) return "";
  return m.entries.front().index < m.covers_from || m.entries.back().index > m.covers_to ? "entries outside the range"
                                                                                         : "";
}
const char* fault(const Accept& m) {
  if (m.entries.empty()) return "no entries";
  if (!increasing(m.entries, 1)) return "entries do not follow each other";
  for (const Entry& entry : m.entries) {
    if (entry.ballot != m.ballot) return "an entry of another ballot";
  }
  return "";
}
const char* fault(const Accepted& m) {
  return m.first == Index(0) || m.last < m.first || m.last == kEnd ? "bad range" : "";
}
const char* fault(const Nack& m) {
  return !m.promised || can_exist(m.promised) ? "" : "promised ballot cannot exist";
}
const char* fault(const Heartbeat&) {
  return "";
}
const char* fault(const HeartbeatAck& m) {
  return m.durable > m.received ? "durable beyond received" : "";
}
const char* fault(const Learn& m) {
  return m.from == Index(0) ? "from is 0" : "";
}
const char* fault(const Learned& m) {
  if (!increasing(m.entries, 1)) return "entries do not follow each other";
  return !m.entries.empty() && m.entries.back().index > m.committed ? "entries above the committed index" : "";
}
const char* fault(const Chosen&) {
  return "";
}
const char* fault(const TransferNow&) {
  return "";
}

}  // namespace

// Local: only this file knows the fields.
struct Protocol {
  using Body = paxos::Body;
  static constexpr uint8_t kVersion = paxos::kVersion;
  static constexpr auto& kNames = paxos::kNames;
  template <class F, class M>
  static void fields(F& f, M& m) {
    paxos::fields(f, m);
  }
  static bool can_exist(const Ballot& ballot) { return paxos::can_exist(ballot); }
  template <class M>
  static const char* fault(const M& m) {
    return paxos::fault(m);
  }
};
using Codec = consensus::MessageCodec<Protocol>;

std::string_view type_name(uint8_t type) {
  return Codec::name(type);
}

Message encode(Body body) {
  return Codec::encode(std::move(body));
}

std::string describe(const Message& message) {
  return Codec::describe(message);
}

Result<Body> decode(Message message) {
  return Codec::decode(std::move(message));
}

}  // namespace conclave::paxos
