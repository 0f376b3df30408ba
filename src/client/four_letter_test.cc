#include "client/four_letter.h"

#include <gtest/gtest.h>
#include <optional>

#include "client/fake_world.h"

namespace conclave::client {
namespace {

class FourLetter : public testing::Test {
 protected:
  FourLetter() {
    ask_four_letter_word(loop, network, {"a", 1}, "srvr", Duration::millis(500),
                         [this](Result<std::string> r) { answer = std::move(r); });
  }
  FakeLoop loop;
  FakeNetwork network{loop};
  std::optional<Result<std::string>> answer;
};

TEST_F(FourLetter, AnswerIsWhatCameBeforeTheClose) {
  const auto server = network.accept();
  EXPECT_EQ(server->written, "srvr");
  server->receive("Mode: ");
  server->receive("leader\n");
  EXPECT_FALSE(answer);
  server->close("end of stream");
  loop.drain();
  EXPECT_EQ(answer->value(), "Mode: leader\n");
  EXPECT_TRUE(server->destroyed);
  EXPECT_EQ(loop.timers(), 0u);
}

TEST_F(FourLetter, Refused) {
  network.refuse("connection refused");
  EXPECT_EQ(answer->error().message, "connection refused");
}

TEST_F(FourLetter, Silent) {
  const auto server = network.accept();
  loop.advance(Duration::millis(500));
  EXPECT_EQ(answer->error().kind, ErrorKind::timed_out);
  EXPECT_TRUE(server->destroyed);
}

TEST_F(FourLetter, ConnectedTooLate) {
  loop.advance(Duration::millis(500));
  EXPECT_EQ(answer->error().kind, ErrorKind::timed_out);
  EXPECT_TRUE(network.accept()->destroyed);
}

TEST_F(FourLetter, ClosedAtOnce) {
  network.accept()->close("end of stream");
  loop.drain();
  EXPECT_EQ(answer->error().message, "closed without an answer: end of stream");
}

TEST_F(FourLetter, EndlessAnswerIsCutOff) {
  const auto server = network.accept();
  const std::string chunk(8 << 20, 'x');
  for (int i = 0; i < 9 && !answer; ++i) {
    server->receive(chunk);
    loop.drain();
  }
  EXPECT_EQ(answer->error().kind, ErrorKind::limit);
}

}  // namespace
}  // namespace conclave::client
