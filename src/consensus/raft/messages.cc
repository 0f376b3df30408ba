#include "consensus/raft/messages.h"

#include <array>
#include <utility>

#include "consensus/parts/message_codec.h"

namespace conclave::raft {
namespace {

constexpr std::array<std::string_view, std::variant_size_v<Body>> kTypeNames = {
    "RequestVote", "Vote", "Append", "Appended", "Conflict", "HigherTerm", "Committed", "TimeoutNow"};

template <class F, class M>
void list_fields(F& f, M& m) {
  using consensus::each;
  using T = std::remove_const_t<M>;
  if constexpr (std::is_same_v<T, RequestVote>)
    each(f, "ballot pre last_index last_ballot proof", m.ballot, m.pre, m.last_index, m.last_ballot, m.proof);
  if constexpr (std::is_same_v<T, Vote>)
    each(f, "ballot pre granted term retry_after", m.ballot, m.pre, m.granted, m.term, m.retry_after);
  if constexpr (std::is_same_v<T, Append>)
    each(f, "ballot prev_index prev_ballot committed last stamp", m.ballot, m.prev_index, m.prev_ballot, m.committed,
         m.last, m.stamp);
  if constexpr (std::is_same_v<T, Appended>)
    each(f, "ballot received durable stamp abstains", m.ballot, m.received, m.durable, m.stamp, m.abstains);
  if constexpr (std::is_same_v<T, Conflict>)
    each(f, "ballot prev_index hint_index hint_term stamp abstains", m.ballot, m.prev_index, m.hint_index, m.hint_term,
         m.stamp, m.abstains);
  if constexpr (std::is_same_v<T, HigherTerm>) each(f, "term", m.term);
  if constexpr (std::is_same_v<T, Committed>) each(f, "ballot committed", m.ballot, m.committed);
  if constexpr (std::is_same_v<T, TimeoutNow>) each(f, "ballot", m.ballot);
}

// Terms become the epochs of zxids, of 32 bits.
bool is_ballot(const Ballot& ballot) {
  return ballot.round != 0 && ballot.round <= UINT32_MAX && ballot.replica != ReplicaId();
}
// Of the position before the first entry too.
bool is_position(Index index, const Ballot& ballot) {
  return index == Index() ? !ballot : is_ballot(ballot);
}
bool is_term(uint64_t term) {
  return term <= UINT32_MAX;
}

// What is wrong with the meaning of a message, or "".
const char* fault_of(const RequestVote& m) {
  if (!is_position(m.last_index, m.last_ballot)) return "the last entry cannot exist";
  return !m.proof || is_ballot(m.proof) ? "" : "proof cannot exist";
}
const char* fault_of(const Vote& m) {
  return is_term(m.term) ? "" : "term out of range";
}
const char* fault_of(const Append& m) {
  if (!is_position(m.prev_index, m.prev_ballot)) return "the entry before cannot exist";
  Index index = m.prev_index;
  uint64_t term = m.prev_ballot.round;
  for (const Entry& entry : m.entries) {
    if (entry.index != index.next()) return "entries do not follow each other";
    if (!is_ballot(entry.ballot) || entry.ballot.round < term || entry.ballot.round > m.ballot.round) {
      return "an entry of a term that it cannot have";
    }
    index = entry.index;
    term = entry.ballot.round;
  }
  return m.last < index ? "entries beyond the last one" : "";
}
const char* fault_of(const Appended& m) {
  return m.durable > m.received ? "durable beyond received" : "";
}
const char* fault_of(const Conflict& m) {
  if (m.prev_index == Index()) return "nothing is missing before the first entry";
  if (m.hint_index > m.prev_index) return "the hint is above what it is about";
  return is_term(m.hint_term) ? "" : "term out of range";
}
const char* fault_of(const HigherTerm& m) {
  return is_term(m.term) ? "" : "term out of range";
}
const char* fault_of(const Committed&) {
  return "";
}
const char* fault_of(const TimeoutNow&) {
  return "";
}

struct Protocol {
  using Body = raft::Body;
  static constexpr uint8_t kVersion = raft::kVersion;
  static constexpr auto& kNames = kTypeNames;
  template <class F, class M>
  static void fields(F& f, M& m) {
    list_fields(f, m);
  }
  static bool can_exist(const Ballot& ballot) { return is_ballot(ballot); }
  template <class M>
  static const char* fault(const M& m) {
    return fault_of(m);
  }
};
using Codec = consensus::MessageCodec<Protocol>;

}  // namespace

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

}  // namespace conclave::raft
