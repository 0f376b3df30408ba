// What one replica tells another of its cell. The transport (env/peers.h) frames and checks the bytes; this module
// turns a frame into a typed message and back. Requests, outcomes and engine headers are opaque here. Pure.
// docs/formats/peer_messages.md gives every byte.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "consensus/api/membership.h"
#include "consensus/api/message.h"

namespace conclave::wire::peer {

// Version of the whole vocabulary, first byte of every frame. A frame of another version is refused by name.
constexpr uint8_t kVersion = 2;

// From engine to engine.
struct EngineMessage {
  consensus::Message message;
};

enum class ForwardKind : uint8_t {
  request = 0,  // body: an encoded state::Request
  sync = 1,     // no body
};

// Requests of the sender's clients for the master of `epoch`, in order (go-back-N: `first_sequence` counts from 1 in
// each (incarnation, epoch); the master takes only the next one it expects).
struct Forward {
  struct Item {
    ForwardKind kind = ForwardKind::request;
    uint64_t number = 0;  // RequestTag::number, unique in the incarnation
    Blob body;
  };
  Epoch epoch;
  uint64_t incarnation = 0;
  uint64_t first_sequence = 0;
  uint64_t answered_below = 0;  // the sender needs no answer to sequences below this one
  std::vector<Item> items;
};

// Answers to forwarded items that put nothing into the log.
struct Answers {
  struct Item {
    uint64_t number = 0;
    Bytes outcome;    // meaning by the kind of the item answered
    Zxid after_zxid;  // valid once this is applied where the client is; 0: at once
    Index after_index;
  };
  Epoch epoch;
  uint64_t incarnation = 0;  // of the replica answered
  std::vector<Item> items;
};

// Sessions whose clients gave a sign of life at the sender since the last report that was acknowledged.
struct Touches {
  uint64_t number = 0;  // of the report, increasing
  std::vector<SessionId> sessions;
};

// The master's acknowledgement of report `number`.
struct TouchesHeard {
  uint64_t number = 0;
};

// Snapshot transfer: the sender offers, the receiver pulls by offset and so resumes wherever it was.
struct SnapshotOffer {
  CellId cell;
  Index index;
  consensus::Ballot ballot;
  Zxid zxid;
  int64_t taken_ms = 0;
  uint64_t size = 0;
};
struct SnapshotPull {
  Index index;
  uint64_t offset = 0;
};
struct SnapshotChunk {
  Index index;
  uint64_t offset = 0;
  Bytes bytes;
};

// Who the sender's disk is, and what it knows of the founding of the cell (ADR 16).
struct Introduction {
  uint64_t call = 0;   // drawn by the sender for this connection
  uint64_t heard = 0;  // the receiver's call, as the sender heard it; 0: it has not
  consensus::DiskId disk;
  bool founded = false;  // the sender knows the cell. Otherwise it is to be answered
  // Sorted by id. Who founded the cell, if the sender knows that; of one that does not know the cell, with whom it
  // would found it, as far as it has heard of them (disk 0: it has not).
  std::vector<consensus::Member> founders;
  std::string lock_service_host;   // where clients reach the sender's lock service
  uint16_t lock_service_port = 0;  // 0: nowhere
};

using PeerMessage = std::variant<EngineMessage, Forward, Answers, Touches, SnapshotOffer, SnapshotPull, SnapshotChunk,
                                 TouchesHeard, Introduction>;

Bytes encode(const PeerMessage& message);
// The encoding of an EngineMessage without building a variant: the hot path.
Bytes encode_engine_message(const consensus::Message& message);

// Errors: unsupported (version), corrupt (anything else that is not a whole message).
Result<PeerMessage> decode(BytesView frame);

}  // namespace conclave::wire::peer
