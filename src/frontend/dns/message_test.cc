#include "frontend/dns/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "frontend/dns/testing_dns.h"

namespace conclave::frontend::dns {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Query good(const TestQuery& query) {
  return std::get<Query>(read_query(bytes_of(query)));
}
std::optional<Rcode> refusal(BytesView bytes) {
  const auto read = read_query(bytes);
  const auto* refused = std::get_if<Refused>(&read);
  return refused == nullptr ? std::nullopt : std::optional(refused->rcode);
}
RrSet addresses(std::string_view owner, size_t count) {
  RrSet set{.owner = *Name::parse(owner), .type = Type::a, .ttl = 5};
  for (size_t i = 0; i < count; ++i) set.rdata.push_back(*parse_ipv4(fmt::format("10.0.{}.{}", i / 256, i % 256)));
  return set;
}

TEST(DnsMessage, CH_96_AQuery) {
  const Query query = good({.name = "Web.example", .type = Type::srv, .id = 4711, .flags = 0x0110, .udp_size = 900});
  EXPECT_EQ(query.id, 4711);
  EXPECT_TRUE(query.recursion_desired);
  EXPECT_TRUE(query.checking_disabled);
  EXPECT_EQ(query.question->name.text(), "Web.example.");
  EXPECT_EQ(query.question->type, Type::srv);
  EXPECT_EQ(query.udp_size, 900);
  EXPECT_EQ(good({.name = "."}).udp_size, std::nullopt);
}

TEST(DnsMessage, CH_96_WhatIsNoQueryIsDropped) {
  const Bytes query = bytes_of({.name = "web.example"});
  for (size_t size = 0; size < 12; ++size) {
    EXPECT_TRUE(std::holds_alternative<Dropped>(read_query(query.substr(0, size))));
  }
  EXPECT_TRUE(std::holds_alternative<Dropped>(read_query(bytes_of({.name = "web.example", .flags = 0x8100}))))
      << "an answer";
}

TEST(DnsMessage, CH_96_WhatIsMalformedIsAnsweredSo) {
  const Bytes query = bytes_of({.name = "web.example", .udp_size = 1'200});
  for (size_t size = 12; size < query.size(); ++size) {
    EXPECT_EQ(refusal(query.substr(0, size)), Rcode::format_error) << size;
  }
  const auto with = [&](size_t at, char value) {
    Bytes changed = query;
    changed[at] = value;
    return refusal(changed);
  };
  EXPECT_EQ(with(5, '\0'), Rcode::format_error) << "no question";
  EXPECT_EQ(with(5, '\2'), Rcode::format_error) << "two";
  EXPECT_EQ(with(7, '\1'), Rcode::format_error) << "an answer in a query";
  EXPECT_EQ(with(9, '\1'), Rcode::format_error);
  EXPECT_EQ(with(11, '\5'), Rcode::format_error) << "more records than a query needs";
  EXPECT_EQ(with(12, '\xc0'), Rcode::format_error) << "a name that points at itself";
  Bytes twice = query + query.substr(query.size() - 11);
  twice[11] = '\2';
  EXPECT_EQ(refusal(twice), Rcode::format_error) << "EDNS twice";
  EXPECT_EQ(refusal(query + Bytes(5'000, 'x')), Rcode::format_error) << "too long for a query";
}

TEST(DnsMessage, CH_96_WhatIsNotSupported) {
  for (const int opcode : {1, 2, 4, 5}) {
    const auto flags = static_cast<uint16_t>(opcode << 11);
    EXPECT_EQ(refusal(bytes_of({.name = "x", .flags = flags})), Rcode::not_implemented);
  }
  const Bytes later = bytes_of({.name = "x", .udp_size = 1'200, .edns_version = 1});
  EXPECT_EQ(refusal(later), Rcode::bad_version);
  const auto refused = std::get<Refused>(read_query(later));
  const TestAnswer answer(write_answer(refused.query, {.rcode = refused.rcode}, 512).message);
  EXPECT_EQ(answer.rcode(), 0) << "the lower bits; the upper ones are in OPT";
  EXPECT_THAT(answer.additional, ElementsAre(" 16777216 TYPE41 class 1200 "));
}

TEST(DnsMessage, CH_96_AnAnswerRepeatsTheQuestionAsItWasAsked) {
  const Query query = good({.name = "wEb.Example", .id = 99, .udp_size = 1'200});
  Answer out{.authoritative = true};
  out.answers = {addresses("wEb.Example", 2)};
  const TestAnswer answer(write_answer(query, out, 1'200).message);
  EXPECT_EQ(answer.id, 99);
  EXPECT_EQ(answer.flags, 0x8500) << "QR, AA, RD";
  EXPECT_EQ(answer.question, "wEb.Example. A 1");
  EXPECT_THAT(answer.answers, ElementsAre("wEb.Example. 5 A 0a000000", "wEb.Example. 5 A 0a000001"));
  EXPECT_THAT(answer.additional, ElementsAre(" 0 TYPE41 class 1200 "));
}

TEST(DnsMessage, CH_96_WhatDoesNotFitIsCutAndSaysSo) {
  const Query query = good({.name = "web.example"});
  for (size_t count = 1; count < 40; ++count) {
    Answer out;
    out.answers = {addresses("web.example", count)};
    const Written written = write_answer(query, out, 512);
    const TestAnswer answer(written.message);
    EXPECT_EQ(written.truncated, 29 + 16 * count > 512) << count;
    EXPECT_EQ(answer.truncated(), written.truncated);
    EXPECT_EQ(answer.answers.size(), written.truncated ? 0 : count);
    EXPECT_LE(answer.size(), 512u);
  }
}

TEST(DnsMessage, CH_96_AdditionalRecordsAreLeftOutInstead) {
  const Query query = good({.name = "web.example"});
  Answer out;
  out.answers = {addresses("web.example", 25)};  // 429 bytes
  for (int i = 0; i < 5; ++i) out.additional.push_back(addresses(fmt::format("n{}.example", i), 1));
  const Written written = write_answer(query, out, 512);
  const TestAnswer answer(written.message);
  EXPECT_FALSE(written.truncated);
  EXPECT_FALSE(answer.truncated());
  EXPECT_THAT(answer.additional,
              ElementsAre("n0.example. 5 A 0a000000", "n1.example. 5 A 0a000000", "n2.example. 5 A 0a000000"));
  EXPECT_LE(answer.size(), 512u);
}

TEST(DnsMessage, CH_96_Addresses) {
  EXPECT_EQ(parse_ipv4("10.0.0.1"), Bytes("\x0a\0\0\1", 4));
  EXPECT_EQ(parse_ipv6("::1"), Bytes(15, '\0') + "\1");
  for (const char* bad : {"", "10.0.0", "::1", "a"}) EXPECT_EQ(parse_ipv4(bad), std::nullopt) << bad;
  for (const char* bad : {"", "10.0.0.1", ":", "g::"}) EXPECT_EQ(parse_ipv6(bad), std::nullopt) << bad;
}

// Whatever comes: it is read or refused, and what can be answered is.
TEST(DnsMessage, CH_96_HostileBytes) {
  Random random(1);
  const Bytes base = bytes_of({.name = "web.example.com", .udp_size = 1'200});
  size_t queries = 0;
  size_t refused = 0;
  for (int i = 0; i < 200'000; ++i) {
    Bytes bytes = base;
    const uint64_t edits = 1 + random.below(4);
    for (uint64_t k = 0; k < edits; ++k) bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
    if (random.chance(1, 4)) bytes.resize(random.below(bytes.size() + 1));
    if (random.chance(1, 8)) bytes += Bytes(random.below(60), static_cast<char>(random.below(256)));
    const auto read = read_query(bytes);
    if (const auto* query = std::get_if<Query>(&read)) {
      ++queries;
      ASSERT_TRUE(query->question);
      const TestAnswer answer(write_answer(*query, {}, 512).message);
      ASSERT_EQ(answer.id, query->id);
    } else if (const auto* bad = std::get_if<Refused>(&read)) {
      ++refused;
      ASSERT_EQ(TestAnswer(write_answer(bad->query, {.rcode = bad->rcode}, 512).message).id, bad->query.id);
    }
  }
  EXPECT_GT(queries, 1'000u);
  EXPECT_GT(refused, 1'000u);
}

}  // namespace
}  // namespace conclave::frontend::dns
