#include "frontend/dns/record_text.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace conclave::frontend::dns {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

FileRecords parse(std::string_view text, uint32_t ttl = 0) {
  return parse_records(text, *Name::parse("example.com"), ttl);
}

TEST(RecordText, CH_96_EveryType) {
  const FileRecords got = parse(
      "A 10.0.0.1\n"
      "  aaaa\tfd00::1  # a comment\r\n"
      "\n"
      "; another\n"
      "SRV 0 10 8080 web1;and one more\n"
      "SRV 1 2 3 other.org.\n"
      "TXT \"some words\" more \"quote \\\" \\; \\065\"");
  EXPECT_THAT(got.problems, IsEmpty());
  EXPECT_THAT(
      got.records,
      ElementsAre(FileRecord{.type = Type::a, .rdata = "\x0a" + Bytes("\0\0\1", 3)},
                  FileRecord{.type = Type::aaaa, .rdata = "\xfd" + Bytes(14, '\0') + "\1"},
                  FileRecord{.type = Type::srv,
                             .rdata = Bytes("\0\0\0\x0a\x1f\x90", 6) + Name::parse("web1.example.com")->wire()},
                  FileRecord{.type = Type::srv, .rdata = Bytes("\0\1\0\2\0\3", 6) + Name::parse("other.org")->wire()},
                  FileRecord{.type = Type::txt, .rdata = "\x0asome words\4more\x0bquote \" ; A"}));
}

TEST(RecordText, CH_96_TimesToLive) {
  const FileRecords got = parse("A 10.0.0.1\n300 A 10.0.0.2\n0 IN A 10.0.0.3\nIN A 10.0.0.4", 60);
  EXPECT_THAT(got.problems, IsEmpty());
  std::vector<uint32_t> times;
  for (const FileRecord& record : got.records) times.push_back(record.ttl);
  EXPECT_THAT(times, ElementsAre(60, 300, 0, 60));
}

TEST(RecordText, CH_96_ABadLineIsPassedOverAndSaysWhy) {
  const std::pair<std::string, const char*> bad[] = {
      {"A", "one address"},
      {"A 10.0.0.256", "\"10.0.0.256\" is no IPv4 address"},
      {"A fd00::1", "no IPv4"},
      {"A 10.0.0.1 10.0.0.2", "one address"},
      {"AAAA 10.0.0.1", "no IPv6"},
      {"MX 10 mail", "\"mx\" is none of"},
      {"300", "there is no type"},
      {"3000000000 A 10.0.0.1", "no time to live"},
      {"3h A 10.0.0.1", "no time to live"},
      {"SRV 0 10 8080", "SRV takes"},
      {"SRV 0 10 65536 web", "\"65536\" is no number"},
      {"SRV 0 10 -1 web", "\"-1\" is no number"},
      {"SRV 0 10 80 a..b", "an empty label"},
      {"TXT", "one string or more"},
      {"TXT " + std::string(256, 'x'), "more than 255 bytes"},
      {"TXT \"open", "not closed"},
      {"TXT a\\", "a backslash"},
      {"TXT \\256", "a backslash"},
      {std::string("A 10.0.0.1\0", 11), "no IPv4"},
      {"\"\"", "is none of"},
  };
  for (const auto& [line, reason] : bad) {
    const FileRecords got = parse("A 10.0.0.1\n" + line + "\nA 10.0.0.2");
    EXPECT_EQ(got.records.size(), 2u) << line;
    ASSERT_EQ(got.problems.size(), 1u) << line;
    EXPECT_EQ(got.problems[0].line, 2u) << line;
    EXPECT_THAT(got.problems[0].reason, HasSubstr(reason)) << line;
  }
}

TEST(RecordText, CH_96_ARecordThatIsTooLarge) {
  std::string line = "TXT";
  for (int i = 0; i < 257; ++i) line += " " + std::string(255, 'x');
  EXPECT_THAT(parse(line).problems.at(0).reason, HasSubstr("65535"));
}

}  // namespace
}  // namespace conclave::frontend::dns
