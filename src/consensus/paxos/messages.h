// The messages of Multi-Paxos and the codec of their headers; entries travel beside the header in Message::entries.
// docs/protocols/paxos.md has the table. Pure.
//
// Every header begins with kVersion. decode() checks form and meaning (a ballot that its owner cannot have made,
// entries that do not follow each other or carry another ballot than their message), so that handlers may trust what
// they get.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "consensus/api/message.h"
#include "consensus/parts/message_codec.h"
#include "consensus/parts/stamp.h"

namespace conclave::paxos {

using consensus::Ballot;
using consensus::Entry;
using consensus::kEnd;
using consensus::Message;
using consensus::Stamp;

inline constexpr uint8_t kVersion = 1;

// "Would you promise, if I asked?" Changes nothing; keeps a replica that others need not from disturbing them.
struct PreVote {
  uint64_t attempt = 0;
};
struct PreVoteReply {
  uint64_t attempt = 0;
  bool granted = false;
  Ballot promised;         // go above this
  Index committed;         // the replier's: the asker may learn from it
  Duration retry_after{};  // refused: how long the replier is bound to a live master
};

// Phase 1a for all slots from `from_index` on.
struct Prepare {
  Ballot ballot;
  Index from_index;
  Ballot proof;  // transfer of the lead: the ballot whose owner gave its lease up for this; zero otherwise
};
// Phase 1b, in parts: of the slots in [covers_from, covers_to] exactly `entries` were accepted. All at or below
// `committed` are chosen. The last part covers up to kEnd.
struct Promise {
  Ballot ballot;
  Index committed;
  Index covers_from;
  Index covers_to;
  std::vector<Entry> entries;
};

// Phase 2a for consecutive slots.
struct Accept {
  Ballot ballot;
  Index committed;
  Stamp stamp;
  std::vector<Entry> entries;
};
// Phase 2b: the slots first..last are accepted under `ballot` and durable.
struct Accepted {
  Ballot ballot;
  Index first;
  Index last;
  Index committed;
  Stamp stamp;
};

// "I have promised `promised`, above your `ballot`" (PX-10).
struct Nack {
  Ballot ballot;
  Ballot promised;
};

struct Heartbeat {
  Ballot ballot;
  Index committed;
  Stamp stamp;
};
struct HeartbeatAck {
  Ballot ballot;
  Stamp stamp;
  Index committed;
  Index received;         // all up to here are committed, or accepted under `ballot`
  Index durable;          // the same, and durable; <= received
  Index damaged_last;     // highest position that awaits repair; 0 if none
  Index noted;            // all up to here are chosen, and its disk says so
  bool abstains = false;  // it learns, and counts for nothing (Memberships::abstains)
};

// The chosen entries from an index on, asked of any replica and told by it.
struct Learn {
  Index from;
};
struct Learned {
  Index committed;
  std::vector<Entry> entries;
};

// "Everything up to `committed` is chosen, by the acceptances of `ballot`." No answer is wanted.
struct Chosen {
  Ballot ballot;
  Index committed;
};

// "Campaign now": the owner of `ballot` takes no proposals and has given its lease up.
struct TransferNow {
  Ballot ballot;
};

using Body = std::variant<PreVote, PreVoteReply, Prepare, Promise, Accept, Accepted, Nack, Heartbeat, HeartbeatAck,
                          Learn, Learned, Chosen, TransferNow>;

// Message::type is the place of the alternative in Body plus 1: never reorder, only append.
std::string_view type_name(uint8_t type);
// "Accept ballot=257.1 committed=0 stamp=10us [1: 257.1 transaction "value"]", for people.
std::string describe(const Message& message);
Message encode(Body body);
// Error: invalid_argument, with the type and what was wrong.
Result<Body> decode(Message message);

}  // namespace conclave::paxos
