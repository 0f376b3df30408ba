#include "consensus/paxos/messages.h"

#include <array>
#include <utility>

#include "base/codec.h"
#include "base/plant.h"
#include "consensus/paxos/ballots.h"

namespace conclave::paxos {
namespace {

constexpr std::array<std::string_view, std::variant_size_v<Body>> kNames = {
    "PreVote",   "PreVoteReply", "Prepare", "Promise", "Accept", "Accepted",   "Nack",
    "Heartbeat", "HeartbeatAck", "Learn",   "Learned", "Chosen", "TransferNow"};

// One list of fields per message serves Writer, Reader and Printer: each is called with the same fields, in the order
// in which the list names them.
struct Writer {
  Encoder out;
  void begin(std::string_view) {}
  void operator()(const Ballot& b) { out.varint(b.round), out.u8(b.replica.value); }
  void operator()(const Index& i) { out.varint(i.value); }
  void operator()(const Stamp& s) { out.zigzag(s.sent.us), out.varint(s.read_round); }
  void operator()(const Duration& d) { out.zigzag(d.us); }
  void operator()(const uint64_t& n) { out.varint(n); }
  void operator()(const bool& b) { out.boolean(b); }
};

struct Reader {
  Decoder in;
  void begin(std::string_view) {}
  void operator()(Ballot& b) { b.round = in.varint(), b.replica = ReplicaId(in.u8()); }
  void operator()(Index& i) { i = Index(in.varint()); }
  void operator()(Stamp& s) { s.sent.us = in.zigzag(), s.read_round = in.varint(); }
  void operator()(Duration& d) { d.us = in.zigzag(); }
  void operator()(uint64_t& n) { n = in.varint(); }
  void operator()(bool& b) { b = in.boolean(); }
};

struct Printer {
  std::string out;
  std::string_view names;

  void begin(std::string_view all) { names = all; }
  void operator()(const Ballot& b) { field(to_string(b)); }
  void operator()(const Index& i) { field(i == kEnd ? "end" : to_string(i)); }
  void operator()(const Stamp& s) {
    field(std::to_string(s.sent.us) + "us" + (s.read_round ? ",read_round=" + std::to_string(s.read_round) : ""));
  }
  void operator()(const Duration& d) { field(std::to_string(d.us) + "us"); }
  void operator()(const uint64_t& n) { field(std::to_string(n)); }
  void operator()(const bool& b) { field(b ? "yes" : "no"); }
  void field(const std::string& value) {
    const std::string_view name = names.substr(0, names.find(' '));
    names.remove_prefix(std::min(names.size(), name.size() + 1));
    out.append(" ").append(name).append("=").append(value);
  }
};

template <class F, class... T>
void each(F& f, std::string_view names, T&... field) {
  f.begin(names);
  (f(field), ...);
}

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
    each(f, "ballot stamp committed received durable damaged_last", m.ballot, m.stamp, m.committed, m.received,
         m.durable, m.damaged_last);
  if constexpr (std::is_same_v<T, Learn>) each(f, "from", m.from);
  if constexpr (std::is_same_v<T, Learned>) each(f, "committed", m.committed);
  if constexpr (std::is_same_v<T, Chosen>) each(f, "ballot committed", m.ballot, m.committed);
  if constexpr (std::is_same_v<T, TransferNow>) each(f, "ballot", m.ballot);
}

template <class T>
concept CarriesEntries = requires(T t) { t.entries; };

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

std::unexpected<Error> malformed(uint8_t type, std::string_view what) {
  return fail(ErrorKind::invalid_argument, std::string(type_name(type)) + ": " + std::string(what));
}

template <class M>
Result<Body> decode_as(Message message) {
  M m;
  Reader reader{Decoder(message.header)};
  if (reader.in.u8() != kVersion) return malformed(message.type, "unknown version");
  fields(reader, m);
  if (!reader.in.done()) return malformed(message.type, "header of the wrong length");
  if constexpr (CarriesEntries<M>) {
    m.entries = std::move(message.entries);
  } else {
    if (!message.entries.empty()) return malformed(message.type, "unexpected entries");
  }
  if constexpr (requires { m.ballot; }) {
    if (!can_exist(m.ballot)) return malformed(message.type, "ballot cannot exist");
  }
  if (const char* what = fault(m); *what) return malformed(message.type, what);
  return m;
}

template <size_t... I>
Result<Body> decode_any(Message message, std::index_sequence<I...>) {
  using Decode = Result<Body> (*)(Message);
  static constexpr Decode kDecoders[] = {&decode_as<std::variant_alternative_t<I, Body>>...};
  return kDecoders[message.type - 1](std::move(message));
}

}  // namespace

std::string_view type_name(uint8_t type) {
  return type >= 1 && type <= kNames.size() ? kNames[type - 1] : "unknown";
}

Message encode(Body body) {
  Message message{.type = static_cast<uint8_t>(body.index() + 1), .header = {}, .entries = {}};
  Writer writer{Encoder(&message.header)};
  writer.out.u8(kVersion);
  std::visit(
      [&]<class M>(M& m) {
        fields(writer, m);
        if constexpr (CarriesEntries<M>) message.entries = std::move(m.entries);
      },
      body);
  return message;
}

std::string describe(const Message& message) {
  std::string out(type_name(message.type));
  const Result<Body> body = decode(message);
  if (!body) return out + " (malformed: " + body.error().message + ")";
  std::visit(
      [&]<class M>(const M& m) {
        Printer printer;
        fields(printer, m);
        out += printer.out;
      },
      *body);
  for (const Entry& entry : message.entries) out += " [" + to_string(entry) + "]";
  return out;
}

Result<Body> decode(Message message) {
  if (message.type < 1 || message.type > kNames.size()) return malformed(message.type, "type out of range");
  return decode_any(std::move(message), std::make_index_sequence<std::variant_size_v<Body>>());
}

}  // namespace conclave::paxos
