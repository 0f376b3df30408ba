// The codec of an engine's messages (consensus/api/message.h): headers of fixed fields behind a version byte, entries
// beside them. An engine describes its messages once, and writing, reading and printing follow. Pure.
//
// A protocol P gives
//   P::Body                  a std::variant of its messages; Message::type is the place in it plus 1
//   P::kVersion, P::kNames   the first byte of every header; the names of the messages, in order
//   P::fields(f, m)          calls each(f, "name name ...", m.field, m.field ...) for every kind of message
//   P::can_exist(ballot)     whether its owner can have made it
//   P::fault(m)              what is wrong with the meaning of m, or ""
// so that handlers may trust what decode() gives them.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/codec.h"
#include "base/result.h"
#include "consensus/api/membership.h"
#include "consensus/api/message.h"
#include "consensus/parts/stamp.h"

namespace conclave::consensus {

// "And all above", where an index may say so.
inline constexpr Index kEnd = Index(UINT64_MAX);

template <class F, class... T>
void each(F& f, std::string_view names, T&... field) {
  f.begin(names);
  (f(field), ...);
}

template <class T>
concept CarriesEntries = requires(T t) { t.entries; };

template <class Protocol>
class MessageCodec {
 public:
  using Body = typename Protocol::Body;

  static std::string_view name(uint8_t type) {
    return type >= 1 && type <= kKinds ? Protocol::kNames[type - 1] : std::string_view("unknown");
  }

  static Message encode(Body body) {
    Message message{.type = static_cast<uint8_t>(body.index() + 1), .header = {}, .entries = {}};
    Writer writer{Encoder(&message.header)};
    writer.out.u8(Protocol::kVersion);
    std::visit(
        [&]<class M>(M& m) {
          Protocol::fields(writer, m);
          if constexpr (CarriesEntries<M>) message.entries = std::move(m.entries);
        },
        body);
    return message;
  }

  // Error: invalid_argument, with the type and what was wrong.
  static Result<Body> decode(Message message) {
    if (message.type < 1 || message.type > kKinds) return malformed(message.type, "type out of range");
    return decode_any(std::move(message), std::make_index_sequence<kKinds>());
  }

  // "Accept ballot=257.1 committed=0 stamp=10us [1: 257.1 transaction "value"]", for people.
  static std::string describe(const Message& message) {
    std::string out(name(message.type));
    const Result<Body> body = decode(message);
    if (!body) return out + " (malformed: " + body.error().message + ")";
    std::visit(
        [&]<class M>(const M& m) {
          Printer printer;
          Protocol::fields(printer, m);
          out += printer.out;
        },
        *body);
    for (const Entry& entry : message.entries) out += " [" + to_string(entry) + "]";
    return out;
  }

 private:
  static constexpr size_t kKinds = std::variant_size_v<Body>;
  static_assert(std::size(Protocol::kNames) == kKinds);

  // One list of fields per message serves all three: each is called with the same fields, in the order of the list.
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

  static std::unexpected<Error> malformed(uint8_t type, std::string_view what) {
    return fail(ErrorKind::invalid_argument, std::string(name(type)) + ": " + std::string(what));
  }

  template <class M>
  static Result<Body> decode_as(Message message) {
    M m;
    Reader reader{Decoder(message.header)};
    if (reader.in.u8() != Protocol::kVersion) return malformed(message.type, "unknown version");
    Protocol::fields(reader, m);
    if (!reader.in.done()) return malformed(message.type, "header of the wrong length");
    if constexpr (CarriesEntries<M>) {
      m.entries = std::move(message.entries);
      for (const Entry& entry : m.entries) {
        if (entry.kind != EntryKind::membership) continue;
        if (auto payload = decode_membership(entry.payload.view()); !payload) {
          return malformed(message.type, payload.error().message);
        }
      }
    } else {
      if (!message.entries.empty()) return malformed(message.type, "unexpected entries");
    }
    if constexpr (requires { m.ballot; }) {
      if (!Protocol::can_exist(m.ballot)) return malformed(message.type, "ballot cannot exist");
    }
    if (const char* what = Protocol::fault(m); *what) return malformed(message.type, what);
    return m;
  }

  template <size_t... I>
  static Result<Body> decode_any(Message message, std::index_sequence<I...>) {
    using Decode = Result<Body> (*)(Message);
    static constexpr Decode kDecoders[] = {&decode_as<std::variant_alternative_t<I, Body>>...};
    return kDecoders[message.type - 1](std::move(message));
  }
};

}  // namespace conclave::consensus
