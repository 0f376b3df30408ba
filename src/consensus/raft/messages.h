// The messages of Raft (figure 2) and the codec of their headers; entries travel beside the header in Message::entries.
// docs/protocols/raft.md has the table. Pure.
//
// A Ballot is a term and the leader that it has, or would have: so the ballot of an entry is unique to its term, and
// that of a message says who speaks. decode() checks form and meaning, so that handlers may trust what they get.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "consensus/api/message.h"
#include "consensus/parts/stamp.h"

namespace conclave::raft {

using consensus::Ballot;
using consensus::Entry;
using consensus::Message;
using consensus::Stamp;

inline constexpr uint8_t kVersion = 1;

// RequestVote (5.2), or with `pre` the question whether it would be granted (9.6), which changes nothing.
struct RequestVote {
  Ballot ballot;  // the candidate, in the term that it seeks
  bool pre = false;
  Index last_index;  // of the candidate's log (5.4.1)
  Ballot last_ballot;
  Ballot proof;  // transfer of the lead: the leader that gave its lease up for this; zero otherwise
};
struct Vote {
  Ballot ballot;  // that was asked for
  bool pre = false;
  bool granted = false;
  uint64_t term = 0;       // the voter's
  Duration retry_after{};  // refused: how long the voter is bound to a leader that lives
};

// AppendEntries (5.3). Without entries it is the heartbeat (RF-06).
struct Append {
  Ballot ballot;
  Index prev_index;
  Ballot prev_ballot;
  Index committed;
  Index last;  // of the leader's log when this was sent
  Stamp stamp;
  std::vector<Entry> entries;
};
// "My log is yours up to `received`, and on my disk up to `durable`."
struct Appended {
  Ballot ballot;
  Index received;
  Index durable;
  Stamp stamp;
  bool abstains = false;  // it may be sent entries and counts for nothing (Memberships::abstains)
};
// "I do not have your entry at prev_index." The hint is the follower's last entry at or below it whose term is not
// above that of prev_ballot: no later one of the follower's can be in the leader's log below prev_index (5.3, last
// paragraphs).
struct Conflict {
  Ballot ballot;
  Index prev_index;
  Index hint_index;
  uint64_t hint_term = 0;
  Stamp stamp;
  bool abstains = false;
};

// "Your term is over": to whoever speaks for an older one (5.1).
struct HigherTerm {
  uint64_t term = 0;
};

// Everything up to `committed` is, of what the follower has as the leader does. No answer is wanted.
struct Committed {
  Ballot ballot;
  Index committed;
};

// "Campaign now" (3.10): the leader takes no proposals and has given its lease up.
struct TimeoutNow {
  Ballot ballot;
};

using Body = std::variant<RequestVote, Vote, Append, Appended, Conflict, HigherTerm, Committed, TimeoutNow>;

// Message::type is the place of the alternative in Body plus 1: never reorder, only append.
std::string_view type_name(uint8_t type);
// "Append ballot=5.1 prev_index=0 ... [1: 5.1 transaction "value"]", for people.
std::string describe(const Message& message);
Message encode(Body body);
// Error: invalid_argument, with the type and what was wrong.
Result<Body> decode(Message message);

}  // namespace conclave::raft
