// CH-37, CH-38: what a server without a session can tell of two holders.
#include "wire/chubby/sequencer.h"

#include <gtest/gtest.h>

namespace conclave {
namespace {

const Sequencer kFirst{.path = "/svc/a b", .exclusive = true, .generation = 0x2a'0000'0007};

TEST(Sequencer, CH_37_ItsTextSaysNameModeAndGeneration) {
  EXPECT_EQ(kFirst.text(), "conclave-lock/1 x 2a00000007 /svc/a b");
  EXPECT_EQ(Sequencer::parse(kFirst.text()), kFirst);
  Sequencer shared = kFirst;
  shared.exclusive = false;
  EXPECT_EQ(Sequencer::parse(shared.text()), shared);
}

TEST(Sequencer, OtherTextsAreNone) {
  for (const char* text : {"", "conclave-lock/1 ", "conclave-lock/2 x 1 /a", "conclave-lock/1 y 1 /a",
                           "conclave-lock/1 x  /a", "conclave-lock/1 x 0 /a", "conclave-lock/1 x 1 a",
                           "conclave-lock/1 x 1ffffffffffffffff /a", "conclave-lock/1 x -1 /a"}) {
    EXPECT_FALSE(Sequencer::parse(text)) << text;
  }
}

TEST(SequencerVerifier, CH_38_AnOlderOneIsRefusedOnceANewerWasSeen) {
  Sequencer newer = kFirst;
  ++newer.generation;
  SequencerVerifier verifier;
  EXPECT_TRUE(verifier.accept(kFirst.text(), kFirst.path));
  EXPECT_TRUE(verifier.accept(kFirst.text(), kFirst.path));
  EXPECT_TRUE(verifier.accept(newer.text(), kFirst.path));
  EXPECT_FALSE(verifier.accept(kFirst.text(), kFirst.path));
  EXPECT_TRUE(verifier.accept(newer.text(), kFirst.path));
}

TEST(SequencerVerifier, CH_38_LockAndModeMustBeTheRightOnes) {
  Sequencer shared = kFirst;
  shared.exclusive = false;
  SequencerVerifier verifier;
  EXPECT_FALSE(verifier.accept(kFirst.text(), "/svc/other"));
  EXPECT_FALSE(verifier.accept(shared.text(), shared.path));
  EXPECT_TRUE(verifier.accept(shared.text(), shared.path, /*exclusive=*/false));
  EXPECT_FALSE(verifier.accept("nonsense", "/svc/a b"));
}

TEST(SequencerVerifier, GoesOnFromWhatItRemembers) {
  SequencerVerifier verifier;
  verifier.restore(kFirst.path, kFirst.generation + 1);
  EXPECT_FALSE(verifier.accept(kFirst.text(), kFirst.path));
  EXPECT_EQ(verifier.newest().at(kFirst.path), kFirst.generation + 1);
}

}  // namespace
}  // namespace conclave
