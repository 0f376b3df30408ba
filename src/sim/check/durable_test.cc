#include "sim/check/durable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/check/testing_history.h"

namespace conclave::sim::check {
namespace {

using namespace testing;  // NOLINT: the builders
using ::testing::HasSubstr;

std::string judged(const Story& story) {
  return text_of(check_durable(story.history));
}

TEST(Durable, AcceptsWhatIsInTheLogAndWhatWasNeverAcknowledged) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a", "1"));
  story.lose(c, set("/a", "2"), false);
  story.read(c, get("/a"));
  EXPECT_EQ(judged(story), "");
}

TEST(Durable, NamesTheAcknowledgedWriteThatWasLost) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a", "1"));
  story.write(c, set("/a", "2"));
  story.history.log.pop_back();
  EXPECT_EQ(judged(story),
            "durable: operation 1 (client 1, set /a, invoked at 1.020 s) was acknowledged as transaction 0x100000004, "
            "which is not in the log: lost\n");
}

TEST(Durable, WhatWasReadIsDurableToo) {
  Story story;
  const ClientId c = story.client();
  const ClientId d = story.client();
  story.lose(c, create("/a", "1"), true);
  story.read(d, get("/a"));
  story.write(d, create("/a", "2"));  // an error shows a state as well
  story.history.log.pop_back();
  EXPECT_THAT(judged(story), HasSubstr("operation 1 (client 2, get /a, invoked at 1.030 s) was answered after "
                                       "transaction 0x100000004, which is not in the log: lost"));
  EXPECT_THAT(judged(story), HasSubstr("operation 2 (client 2, create /a"));
}

TEST(Durable, SoIsASessionThatWasGranted) {
  Story story;
  story.client();
  story.last().changes.clear();
  EXPECT_THAT(judged(story), HasSubstr("client 1 was granted session 0x101 at 1.010 s, which was not open"));
}

}  // namespace
}  // namespace conclave::sim::check
