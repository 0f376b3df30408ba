#include "frontend/dns/message.h"

#include <algorithm>
#include <fmt/format.h>
#include <ldns/ldns.h>
#include <memory>

#include "base/assert.h"

namespace conclave::frontend::dns {
namespace {

constexpr size_t kHeaderBytes = 12;
constexpr size_t kMessageBytesMax = 65'535;
// A query needs no more than these. Each bounds the work that a hostile one makes in ldns, whose names may point at
// each other.
constexpr size_t kQueryBytesMax = 4'096;
constexpr uint16_t kAdditionalMax = 4;
constexpr uint16_t kOurUdpSize = 1'200;  // env::DatagramSocket::kBytesMax
constexpr uint16_t kTypeOpt = 41;

struct FreePacket {
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
};
struct FreeBuffer {
  void operator()(ldns_buffer* buffer) const { ldns_buffer_free(buffer); }
};
struct FreeRdf {
  void operator()(ldns_rdf* rdf) const { ldns_rdf_deep_free(rdf); }
};
using Packet = std::unique_ptr<ldns_pkt, FreePacket>;

uint16_t u16_at(BytesView bytes, size_t at) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[at]) << 8 | static_cast<uint8_t>(bytes[at + 1]));
}

const uint8_t* raw(BytesView bytes) {
  return reinterpret_cast<const uint8_t*>(bytes.data());
}

ldns_rr* new_record(const Name& owner, Type type, uint16_t klass) {
  ldns_rr* const rr = ldns_rr_new();
  CONCLAVE_ASSERT(rr != nullptr);  // there is memory
  ldns_rr_set_owner(rr, ldns_dname_new_frm_data(static_cast<uint16_t>(owner.wire().size()), owner.wire().data()));
  ldns_rr_set_type(rr, static_cast<ldns_rr_type>(type));
  ldns_rr_set_class(rr, static_cast<ldns_rr_class>(klass));
  return rr;
}

void push(ldns_pkt* packet, ldns_pkt_section section, const RrSet& set) {
  Bytes measured;
  for (const Rdata& rdata : set.rdata) {
    ldns_rr* const rr = new_record(set.owner, set.type, kClassIn);
    ldns_rr_set_ttl(rr, set.ttl);
    measured.clear();
    append_u16(static_cast<uint16_t>(rdata.size()), &measured);
    measured += rdata;
    size_t at = 0;
    const ldns_status status = ldns_wire2rdf(rr, raw(measured), measured.size(), &at);
    CONCLAVE_ASSERT(status == LDNS_STATUS_OK);  // it is of our own making
    ldns_pkt_push_rr(packet, section, rr);
  }
}

// Of a message with all records but the additional ones, at least: names may become two bytes each.
size_t bytes_min(const Answer& answer) {
  size_t bytes = kHeaderBytes;
  for (const auto* section : {&answer.answers, &answer.authority}) {
    for (const RrSet& set : *section) {
      for (const Rdata& rdata : set.rdata) bytes += 12 + (set.type == Type::soa ? 24 : rdata.size());
    }
  }
  return bytes;
}

size_t bytes_max(const RrSet& set) {
  size_t bytes = 0;
  for (const Rdata& rdata : set.rdata) bytes += set.owner.wire().size() + 10 + rdata.size();
  return bytes;
}

Bytes write(const Query& query, const Answer& answer, size_t additional, bool cut) {
  const Packet packet(ldns_pkt_new());
  CONCLAVE_ASSERT(packet != nullptr);  // there is memory
  ldns_pkt_set_id(packet.get(), query.id);
  ldns_pkt_set_qr(packet.get(), true);
  ldns_pkt_set_opcode(packet.get(), static_cast<ldns_pkt_opcode>(query.opcode));
  ldns_pkt_set_rd(packet.get(), query.recursion_desired);
  ldns_pkt_set_cd(packet.get(), query.checking_disabled);
  ldns_pkt_set_aa(packet.get(), answer.authoritative);
  ldns_pkt_set_tc(packet.get(), cut || answer.truncated);
  const auto rcode = static_cast<uint16_t>(answer.rcode);
  ldns_pkt_set_rcode(packet.get(), rcode & 0xF);
  if (query.udp_size) {
    ldns_pkt_set_edns_udp_size(packet.get(), kOurUdpSize);
    ldns_pkt_set_edns_extended_rcode(packet.get(), static_cast<uint8_t>(rcode >> 4));
    if (query.dnssec_ok) ldns_pkt_set_edns_do(packet.get(), true);
  }
  if (query.question) {
    ldns_rr* const question = new_record(query.question->name, query.question->type, query.question->klass);
    ldns_rr_set_question(question, true);
    ldns_pkt_push_rr(packet.get(), LDNS_SECTION_QUESTION, question);
  }
  if (!cut) {
    for (const RrSet& set : answer.answers) push(packet.get(), LDNS_SECTION_ANSWER, set);
    for (const RrSet& set : answer.authority) push(packet.get(), LDNS_SECTION_AUTHORITY, set);
    for (size_t i = 0; i < additional; ++i) push(packet.get(), LDNS_SECTION_ADDITIONAL, answer.additional[i]);
  }
  const std::unique_ptr<ldns_buffer, FreeBuffer> buffer(ldns_buffer_new(kOurUdpSize));
  CONCLAVE_ASSERT(buffer != nullptr);  // there is memory
  const ldns_status status = ldns_pkt2buffer_wire(buffer.get(), packet.get());
  CONCLAVE_ASSERT(status == LDNS_STATUS_OK);
  return Bytes(reinterpret_cast<const char*>(ldns_buffer_begin(buffer.get())), ldns_buffer_position(buffer.get()));
}

}  // namespace

std::string to_string(Type type) {
  switch (type) {
    case Type::a:
      return "A";
    case Type::ns:
      return "NS";
    case Type::soa:
      return "SOA";
    case Type::hinfo:
      return "HINFO";
    case Type::txt:
      return "TXT";
    case Type::aaaa:
      return "AAAA";
    case Type::srv:
      return "SRV";
    case Type::any:
      return "ANY";
  }
  return fmt::format("TYPE{}", static_cast<uint16_t>(type));
}

void append_u16(uint16_t value, Bytes* out) {
  *out += static_cast<char>(value >> 8);
  *out += static_cast<char>(value & 0xFF);
}

void append_u32(uint32_t value, Bytes* out) {
  append_u16(static_cast<uint16_t>(value >> 16), out);
  append_u16(static_cast<uint16_t>(value & 0xFFFF), out);
}

std::variant<Query, Refused, Dropped> read_query(BytesView message) {
  if (message.size() < kHeaderBytes) return Dropped();
  const uint16_t flags = u16_at(message, 2);
  if ((flags & 0x8000) != 0) return Dropped();  // an answer: two servers must not talk for ever
  Query query{.id = u16_at(message, 0),
              .opcode = static_cast<uint8_t>(flags >> 11 & 0xF),
              .recursion_desired = (flags & 0x0100) != 0,
              .checking_disabled = (flags & 0x0010) != 0};
  const auto refuse = [&](Rcode why) { return Refused{.query = std::move(query), .rcode = why}; };
  if (query.opcode != LDNS_PACKET_QUERY) return refuse(Rcode::not_implemented);
  const uint16_t questions = u16_at(message, 4);
  const uint16_t others = u16_at(message, 6) | u16_at(message, 8);
  const uint16_t additional = u16_at(message, 10);
  // One question (RFC 9619), and nothing but EDNS, a signature and the like beside it.
  if (questions != 1 || others != 0 || additional > kAdditionalMax || message.size() > kQueryBytesMax) {
    return refuse(Rcode::format_error);
  }
  std::optional<Name> name = Name::read(message, kHeaderBytes);
  if (!name || kHeaderBytes + name->wire().size() + 4 > message.size()) return refuse(Rcode::format_error);

  ldns_pkt* read = nullptr;
  if (ldns_wire2pkt(&read, raw(message), message.size()) != LDNS_STATUS_OK) return refuse(Rcode::format_error);
  const Packet packet(read);
  const size_t options = additional - ldns_rr_list_rr_count(ldns_pkt_additional(read)) - (ldns_pkt_tsig(read) ? 1 : 0);
  if (options > 1) return refuse(Rcode::format_error);  // RFC 6891 6.1.1
  const size_t end = kHeaderBytes + name->wire().size();
  const uint16_t type = u16_at(message, end);
  if (type == kTypeOpt || type == 0) return refuse(Rcode::format_error);
  query.question =
      Question{.name = std::move(*name), .type = static_cast<Type>(type), .klass = u16_at(message, end + 2)};
  if (options == 0) return query;
  query.udp_size = ldns_pkt_edns_udp_size(read);
  query.dnssec_ok = ldns_pkt_edns_do(read);
  if (ldns_pkt_edns_version(read) != 0) return refuse(Rcode::bad_version);
  return query;
}

Written write_answer(const Query& query, const Answer& answer, size_t limit) {
  limit = std::min(limit, kMessageBytesMax);
  const auto cut = [&] { return Written{.message = write(query, answer, 0, true), .truncated = true}; };
  if (bytes_min(answer) > limit) return cut();
  Bytes message = write(query, answer, 0, false);
  if (message.size() > limit) return cut();
  size_t room = limit - message.size();
  size_t fitting = 0;
  for (; fitting < answer.additional.size(); ++fitting) {
    const size_t bytes = bytes_max(answer.additional[fitting]);
    if (bytes > room) break;
    room -= bytes;
  }
  if (fitting > 0) message = write(query, answer, fitting, false);
  return {.message = std::move(message)};
}

namespace {
std::optional<Rdata> parse_address(const std::string& text, ldns_status (*parse)(ldns_rdf** out, const char* text)) {
  ldns_rdf* out = nullptr;
  const ldns_status status = parse(&out, text.c_str());
  const std::unique_ptr<ldns_rdf, FreeRdf> rdf(out);
  if (status != LDNS_STATUS_OK || text.contains('\0')) return std::nullopt;
  return Rdata(reinterpret_cast<const char*>(ldns_rdf_data(out)), ldns_rdf_size(out));
}
}  // namespace

std::optional<Rdata> parse_ipv4(const std::string& text) {
  return parse_address(text, ldns_str2rdf_a);
}

std::optional<Rdata> parse_ipv6(const std::string& text) {
  return parse_address(text, ldns_str2rdf_aaaa);
}

}  // namespace conclave::frontend::dns
