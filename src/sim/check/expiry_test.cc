#include "sim/check/expiry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/check/testing_history.h"

namespace conclave::sim::check::expiry_test {
namespace {

using namespace testing;  // NOLINT: the builders
using ::testing::HasSubstr;

constexpr ExpiryOptions kStrict{.drift_ppm = 0, .early_slack = Duration::millis(100), .silence_share = 0};

std::string judged(const Story& story, const ExpiryOptions& options = kStrict) {
  return text_of(check_expiry(story.history, options));
}

TEST(Expiry, AcceptsAnExpiryAfterTheTimeout) {
  Story story;
  const ClientId c = story.client(Duration::seconds(4));
  story.ping(c);
  story.pass(Duration::seconds(4));
  story.expire(c);
  Figures figures;
  EXPECT_EQ(text_of(check_expiry(story.history, kStrict, &figures)), "");
  EXPECT_EQ(figures.expiries, 1U);
}

// X1, B48
TEST(Expiry, RejectsAnEarlyExpiry) {
  Story story;
  const ClientId c = story.client(Duration::seconds(4));
  story.ping(c);
  story.pass(Duration::seconds(3));
  story.ping(c);
  story.pass(Duration::seconds(3));
  story.expire(c);
  EXPECT_THAT(judged(story), HasSubstr("session 0x101, timeout 4000 ms, was closed by 0x100000003 at 7.030 s, and had "
                                       "given a sign of life at 4.020 s"));
  EXPECT_EQ(judged(story, {.drift_ppm = 0, .early_slack = Duration::seconds(1), .silence_share = 0}), "")
      << "within the slack";
  EXPECT_EQ(judged(story, {.drift_ppm = 300'000, .early_slack = {}, .silence_share = 0}), "") << "within the drift";
  EXPECT_EQ(judged(story, {.drift_ppm = 0, .early_slack = {}, .silence_share = 3}), "") << "within a client's silence";
  EXPECT_NE(judged(story, {.drift_ppm = 0, .early_slack = {}, .silence_share = 5}), "");
}

// X1: the opening of the session is a sign of life.
TEST(Expiry, RejectsAnExpiryOfASessionJustOpened) {
  Story story;
  const ClientId d = story.client();
  story.pass(Duration::seconds(20));
  story.write(d, create("/a", "1"));
  const ClientId c = story.client(Duration::seconds(4));
  story.pass(Duration::seconds(1));
  story.expire(c);
  EXPECT_THAT(judged(story), HasSubstr("session 0x102, timeout 4000 ms, was closed"));
}

// X1, B47: reads at any replica are signs of life.
TEST(Expiry, RejectsAnExpiryOfAClientThatOnlyReads) {
  Story story;
  const ClientId c = story.client(Duration::seconds(4));
  for (int i = 0; i < 5; ++i) {
    story.read(c, children("/"));
    story.pass(Duration::seconds(1));
  }
  story.expire(c);
  EXPECT_THAT(judged(story), HasSubstr("session 0x101, timeout 4000 ms, was closed"));
}

// X1: a close that was decided in time may take long to be committed; the client speaks again meanwhile.
TEST(Expiry, AcceptsALateCommitOfATimelyDecision) {
  Story story;
  const ClientId c = story.client(Duration::seconds(4));
  story.ping(c);
  story.pass(Duration::seconds(5));
  story.ping(c);
  story.pass(Duration::seconds(2));
  story.expire(c);
  EXPECT_EQ(judged(story), "");
}

// X1: but not when something that came before it was asked for only after the client had spoken.
TEST(Expiry, RejectsADecisionThatCannotHaveBeenTimely) {
  Story story;
  const ClientId c = story.client(Duration::seconds(4));
  const ClientId d = story.client();
  story.ping(c);
  story.pass(Duration::seconds(5));
  story.ping(c);
  story.write(d, create("/a", "1"));
  story.pass(Duration::seconds(2));
  story.expire(c);
  EXPECT_THAT(judged(story), HasSubstr("session 0x101, timeout 4000 ms, was closed"));
}

// X1: nor when a new master must have decided.
TEST(Expiry, RejectsAnEarlyDecisionOfANewMaster) {
  Story story;
  const ClientId c = story.client(Duration::seconds(4));
  story.ping(c);
  story.pass(Duration::seconds(5));
  story.ping(c);
  story.client();
  story.new_epoch();
  story.expire(c);
  EXPECT_THAT(judged(story), HasSubstr("session 0x101, timeout 4000 ms, was closed by 0x200000002"));
}

TEST(Expiry, ACloseThatTheClientAskedForIsNoExpiry) {
  Story story;
  const ClientId c = story.client(Duration::seconds(4));
  story.close(c);
  EXPECT_EQ(judged(story), "");
}

// X2
TEST(Expiry, RejectsASessionThatIsNeverClosed) {
  Story story;
  story.client(Duration::seconds(4));
  story.pass(Duration::seconds(20));
  EXPECT_EQ(judged(story), "") << "nothing is demanded while something stands in the way";
  story.history.healthy = {{Instant{0}, story.now()}};
  EXPECT_THAT(judged(story), HasSubstr("session 0x101, timeout 4000 ms, gave its last sign of life at 1.010 s and was "
                                       "not closed by 11.343 s, all being healthy since 0.000 s"));
}

// X2
TEST(Expiry, RejectsALateExpiry) {
  Story story;
  const ClientId c = story.client(Duration::seconds(4));
  story.ping(c);
  story.pass(Duration::seconds(12));
  story.expire(c, false);
  story.pass(Duration::seconds(1));
  story.history.healthy = {{Instant{0}, story.now()}};
  EXPECT_THAT(judged(story), HasSubstr("session 0x101, timeout 4000 ms, gave its last sign of life at 1.011 s"));
  ExpiryOptions patient = kStrict;
  patient.late_bound = Duration::seconds(8);
  EXPECT_EQ(judged(story, patient), "");
  story.history.healthy = {{Instant{0}, Instant{2'000'000}}, {Instant{9'000'000}, story.now()}};
  EXPECT_EQ(judged(story), "") << "an outage in between begins the lease anew";
}

// X2, B48
TEST(Expiry, ANewMasterBeginsEveryLeaseAnew) {
  Story story;
  story.client(Duration::seconds(4));
  for (int i = 0; i < 3; ++i) {
    story.pass(Duration::seconds(7));
    story.new_epoch();
  }
  story.history.healthy = {{Instant{0}, story.now()}};
  EXPECT_EQ(judged(story), "");
  story.pass(Duration::seconds(12));
  story.history.healthy = {{Instant{0}, story.now()}};
  EXPECT_THAT(judged(story), HasSubstr("was not closed by"));
}

// X2
TEST(Expiry, AcceptsALiveSession) {
  Story story;
  const ClientId c = story.client(Duration::seconds(4));
  for (int i = 0; i < 20; ++i) {
    story.ping(c);
    story.pass(Duration::seconds(1));
  }
  story.history.healthy = {{Instant{0}, story.now()}};
  EXPECT_EQ(judged(story), "");
}

}  // namespace
}  // namespace conclave::sim::check::expiry_test
