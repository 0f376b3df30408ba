// What DNS servers are asked and answer, and its bytes (RFC 1035, RFC 6891). Pure. message.cc is the only place that
// knows ldns, the library that does the work; nothing of it is seen here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "frontend/dns/name.h"

namespace conclave::frontend::dns {

// Types of records, as far as they are treated one by one here.
enum class Type : uint16_t { a = 1, ns = 2, soa = 6, hinfo = 13, txt = 16, aaaa = 28, srv = 33, any = 255 };
// "A", "SRV"; "TYPE65" for one that has no name here.
std::string to_string(Type type);

inline constexpr uint16_t kClassIn = 1;

enum class Rcode : uint16_t {
  no_error = 0,
  format_error = 1,
  server_failure = 2,
  no_such_name = 3,
  not_implemented = 4,
  refused = 5,
  bad_version = 16,  // of EDNS
};

// Contents of a record as on the wire, without its length and without compression.
using Rdata = Bytes;

// All records of one name and type: they have one TTL (RFC 2181 5.2).
struct RrSet {
  Name owner;
  Type type = Type::a;
  uint32_t ttl = 0;  // seconds
  std::vector<Rdata> rdata;
};

struct Question {
  Name name;  // in the case in which it was asked
  Type type = Type::a;
  uint16_t klass = kClassIn;
};

// What of a query an answer has to repeat or to heed.
struct Query {
  uint16_t id = 0;
  uint8_t opcode = 0;
  bool recursion_desired = false;
  bool checking_disabled = false;
  std::optional<Question> question;
  // EDNS: none, or the size of the datagrams that the client takes.
  std::optional<uint16_t> udp_size;
  bool dnssec_ok = false;
};

struct Answer {
  Rcode rcode = Rcode::no_error;
  bool authoritative = false;
  bool truncated = false;
  std::vector<RrSet> answers;
  std::vector<RrSet> authority;
  std::vector<RrSet> additional;
};

struct Dropped {};  // no query: is not answered at all

// A refused query: what can be said of it, and the code to answer.
struct Refused {
  Query query;
  Rcode rcode = Rcode::format_error;
};

// Whatever the bytes are: a query with one question, one that is answered by its rcode alone, or nothing.
std::variant<Query, Refused, Dropped> read_query(BytesView message);

// At most `limit` bytes, at least 512. Additional records are left out as far as they do not fit; if the rest does not
// fit the message is cut down to the question and says so (TC; RFC 2181 9).
struct Written {
  Bytes message;
  bool truncated = false;
};
Written write_answer(const Query& query, const Answer& answer, size_t limit);

// "10.0.0.1", "fd00::1". Nothing: it is none.
std::optional<Rdata> parse_ipv4(const std::string& text);
std::optional<Rdata> parse_ipv6(const std::string& text);

// Of 16 and 32 bits, big-endian, at the end of `out`.
void append_u16(uint16_t value, Bytes* out);
void append_u32(uint32_t value, Bytes* out);

}  // namespace conclave::frontend::dns
