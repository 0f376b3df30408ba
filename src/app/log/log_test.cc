#include <cstdio>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <stdlib.h>
#include <unistd.h>

#include "app/log/log_line.h"
#include "app/log/log_sink.h"

namespace conclave::app {
namespace {

TEST(LogLine, TimeLevelModuleMessageFields) {
  EXPECT_EQ(format_log_line(1'795'311'087'123, log::Level::info, "paxos", "won the election",
                            {{"ballot", "5.2"}, {"votes", 2}}),
            "2026-11-22T01:31:27.123Z info paxos: won the election ballot=5.2 votes=2\n");
  EXPECT_EQ(format_utc(0), "1970-01-01T00:00:00.000Z");
}

TEST(LogLine, ValuesAreQuotedWhenNeeded) {
  EXPECT_EQ(format_log_line(0, log::Level::error, "m", "x", {{"a", ""}, {"b", "c d"}, {"e", "\"\\"}, {"f", "g=h"}}),
            "1970-01-01T00:00:00.000Z error m: x a=\"\" b=\"c d\" e=\"\\\"\\\\\" f=\"g=h\"\n");
}

// A client must not be able to forge a line of the log.
TEST(LogLine, ControlCharactersAreEscaped) {
  EXPECT_EQ(format_log_line(0, log::Level::info, "m", "a\nb", {{"k", "\r\n\t\x1b[2J"}}),
            "1970-01-01T00:00:00.000Z info m: a\\nb k=\\x0d\\n\\t\\x1b[2J\n");
}

TEST(LogLine, LevelOfALine) {
  log::Level level{};
  ASSERT_TRUE(parse_log_level(format_log_line(0, log::Level::warning, "m", "x", {}), &level));
  EXPECT_EQ(level, log::Level::warning);
  for (const char* other : {"", "Segmentation fault", "2026Z loud m: x", "terminate called after", " info x y"}) {
    EXPECT_FALSE(parse_log_level(other, &level)) << other;
  }
}

TEST(LogFile, AppendsAndFollowsARotation) {
  char directory[] = "/tmp/conclave-log-XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  const std::string path = std::string(directory) + "/log";
  const auto content = [](const std::string& name) {
    std::stringstream text;
    text << std::ifstream(name).rdbuf();
    return text.str();
  };
  {
    const auto file = LogFile::open(path);
    ASSERT_TRUE(file.has_value());
    (*file)->write("one\n");
    std::rename(path.c_str(), (path + ".1").c_str());
    (*file)->write("two\n");
    ASSERT_TRUE((*file)->reopen().has_value());
    (*file)->write("three\n");
  }
  EXPECT_EQ(content(path + ".1"), "one\ntwo\n");
  EXPECT_EQ(content(path), "three\n");
  unlink(path.c_str());
  unlink((path + ".1").c_str());
  rmdir(directory);
  const auto refused = LogFile::open(path);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message, "cannot open the log " + path + ": No such file or directory");
}

}  // namespace
}  // namespace conclave::app
