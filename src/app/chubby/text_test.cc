#include "app/chubby/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace conclave::app {
namespace {

TEST(ChubbyText, JsonText) {
  EXPECT_EQ(json_quoted("a\"b\\c\n\x7f\xc3\xa4"), "\"a\\\"b\\\\c\\u000a\\u007f\xc3\xa4\"");
}

TEST(ChubbyText, Utf8) {
  for (const char* good :
       {"", "abc", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x94\x92", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf"}) {
    EXPECT_TRUE(is_utf8(good)) << good;
  }
  for (const char* bad : {"\x80", "\xc3", "a\xc3(", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xe2\x82", "\xc1\xbf"}) {
    EXPECT_FALSE(is_utf8(bad)) << bad;
  }
}

TEST(ChubbyText, Time) {
  EXPECT_EQ(utc(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(utc(1'709'208'000'007), "2024-02-29T12:00:00.007Z");
}

TEST(ChubbyText, Contents) {
  const chubby::Stat stat{.instance = 31, .content_generation = 32, .length = 2};
  EXPECT_THAT(contents_json("/f", {.contents = "hi", .stat = stat}),
              testing::StartsWith(
                  "{\"name\":\"/f\",\"contents\":\"hi\",\"directory\":false,\"ephemeral\":false,\"length\":2,"));
  EXPECT_THAT(contents_json("/f", {.contents = "\xff", .stat = stat}),
              testing::HasSubstr("\"contents_base64\":\"/w==\","));
  EXPECT_THAT(contents_json("/f", {.contents = "", .stat = stat}), testing::EndsWith("\"acl\":null}\n"));
}

TEST(ChubbyText, Locks) {
  const std::vector<chubby::LockInfo> locks = {
      {.path = "/a",
       .generation = 17,
       .holders = {{.session = SessionId(10), .handle = 1, .lost = true}},
       .waiters = {{.session = SessionId(11), .handle = 2, .mode = chubby::LockMode::shared}}}};
  const std::vector<WaitCycle> cycles = {{{SessionId(1), "/b", SessionId(2)}, {SessionId(2), "/a", SessionId(1)}}};
  EXPECT_EQ(locks_text(locks, cycles),
            "/a generation 0x11\n"
            "  held by      session 0xa handle 1 exclusive, lost: its lock-delay passes\n"
            "  waited for   session 0xb handle 2 shared\n"
            "DEADLOCK of 2 sessions\n"
            "  0x1 waits for /b behind 0x2\n"
            "  0x2 waits for /a behind 0x1\n");
  EXPECT_EQ(locks_json(locks, cycles),
            "{\"locks\":[{\"path\":\"/a\",\"generation\":\"0x11\","
            "\"holders\":[{\"session\":\"0xa\",\"handle\":1,\"mode\":\"exclusive\",\"lost\":true}],"
            "\"waiters\":[{\"session\":\"0xb\",\"handle\":2,\"mode\":\"shared\",\"lost\":false}]}],\n"
            " \"deadlocks\":[[{\"session\":\"0x1\",\"waits_for\":\"/b\",\"behind\":\"0x2\"},"
            "{\"session\":\"0x2\",\"waits_for\":\"/a\",\"behind\":\"0x1\"}]]}\n");
  EXPECT_EQ(locks_json({}, {}), "{\"locks\":[],\n \"deadlocks\":[]}\n");
}

TEST(ChubbyText, Sessions) {
  const std::vector<chubby::SessionInfo> sessions = {{.id = SessionId(-1), .client = "", .handles = 3}};
  EXPECT_EQ(
      sessions_json(sessions),
      "[{\"session\":\"0xffffffffffffffff\",\"client\":null,\"handles\":3,\"cached\":0,\"acknowledged\":false}]\n");
  EXPECT_THAT(sessions_text(sessions), testing::HasSubstr("0xffffffffffffffff  not connected"));
}

TEST(ChubbyText, Events) {
  EXPECT_EQ(event_text("child added", "x", 0), "1970-01-01T00:00:00.000Z child added x\n");
  EXPECT_EQ(event_json("safe", "", 0), "{\"time\":\"1970-01-01T00:00:00.000Z\",\"event\":\"safe\"}\n");
}

}  // namespace
}  // namespace conclave::app
