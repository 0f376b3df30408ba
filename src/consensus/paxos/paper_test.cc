// "Paxos Made Simple" (Lamport 2001), section 2, sentence by sentence, on the single-decree roles: read it beside the
// paper. The names P1 to P2c are the paper's, PX-01 to PX-12 are in docs/requirements/paxos.md.
#include <array>
#include <deque>
#include <functional>
#include <gtest/gtest.h>
#include <vector>

#include "base/random.h"
#include "consensus/paxos/ballots.h"
#include "consensus/paxos/synod.h"

namespace conclave::paxos::synod {
namespace {

constexpr ReplicaId kA{1}, kB{2}, kC{3};
const Quorum kThree({{kA}, {kB}, {kC}});

Ballot ballot(uint64_t n, ReplicaId owner) {
  return {.round = n * kRoundStride + owner.value, .replica = owner};
}

// Three acceptors; the helpers carry messages between them and a proposer or learner.
struct Cell {
  std::array<Acceptor, 3> acceptors;
  Learner learner{kThree};

  void phase1(Proposer& proposer, Ballot n, std::initializer_list<ReplicaId> whom) {
    for (const ReplicaId id : whom) {
      const auto answer = acceptors[id.value - 1u].prepare(n);
      if (answer) {
        proposer.promised(id, *answer);
      } else {
        proposer.rejected(answer.error());
      }
    }
  }
  // How many accepted.
  int phase2(Proposer& proposer, std::initializer_list<ReplicaId> whom) {
    int count = 0;
    const auto proposal = proposer.accept();
    if (!proposal) return 0;
    for (const ReplicaId id : whom) {
      const auto answer = acceptors[id.value - 1u].accept(*proposal);
      if (answer) {
        learner.accepted(id, *answer);
        ++count;
      } else {
        proposer.rejected(answer.error());
      }
    }
    return count;
  }
};

TEST(Paper, P1_AnAcceptorMustAcceptTheFirstProposalThatItReceives) {
  Acceptor acceptor;
  const Proposal first{ballot(0, kA), "x"};
  ASSERT_TRUE(acceptor.accept(first));
  EXPECT_EQ(acceptor.state().accepted, first);
}

TEST(Paper, P1a_AcceptsNumberNIffItHasNotRespondedToAPrepareAboveN) {
  Acceptor acceptor;
  ASSERT_TRUE(acceptor.prepare(ballot(5, kA)));
  EXPECT_TRUE(acceptor.accept({ballot(5, kA), "equal"}));
  EXPECT_TRUE(acceptor.accept({ballot(6, kB), "above"}));
  ASSERT_TRUE(acceptor.prepare(ballot(9, kA)));
  EXPECT_FALSE(acceptor.accept({ballot(8, kB), "below"}));
  EXPECT_EQ(acceptor.state().accepted->value, "above");
}

TEST(Paper, P2_EveryHigherNumberedProposalThatIsChosenHasTheChosenValue) {
  Cell cell;
  Proposer a(kA, kThree, "x");
  cell.phase1(a, a.prepare(), {kA, kB});
  cell.phase2(a, {kA, kB});
  ASSERT_EQ(cell.learner.chosen(), "x");
  Proposer c(kC, kThree, "y");
  cell.phase1(c, c.prepare(), {kB, kC});
  EXPECT_EQ(cell.phase2(c, {kB, kC}), 2);  // chosen a second time; the learner asserts that the value is the same
  EXPECT_EQ(cell.learner.chosen(), "x");
}

TEST(Paper, P2a_EveryHigherNumberedProposalAcceptedByAnyAcceptorHasTheChosenValue) {
  Cell cell;
  Proposer a(kA, kThree, "x");
  cell.phase1(a, a.prepare(), {kA, kB});
  cell.phase2(a, {kA, kB});  // C has heard of nothing and by P1 would accept anything
  Proposer c(kC, kThree, "y");
  cell.phase1(c, c.prepare(), {kA, kC});
  cell.phase2(c, {kC});
  EXPECT_EQ(cell.acceptors[2].state().accepted->value, "x");
}

TEST(Paper, P2b_EveryHigherNumberedProposalIssuedByAnyProposerHasTheChosenValue) {
  for (const auto& majority : {std::array{kA, kB}, std::array{kA, kC}, std::array{kB, kC}}) {
    Cell cell;
    Proposer a(kA, kThree, "x");
    cell.phase1(a, a.prepare(), {kA, kB});
    cell.phase2(a, {kA, kB});
    Proposer c(kC, kThree, "y");
    cell.phase1(c, c.prepare(), {majority[0], majority[1]});
    ASSERT_TRUE(c.accept());
    EXPECT_EQ(c.accept()->value, "x");
  }
}

TEST(Paper, P2c_TheValueIsThatOfTheHighestNumberedProposalAmongAMajorityOrFree) {
  Proposer free(kA, kThree, "mine");
  const Ballot n = free.prepare();
  free.promised(kA, {n, {}});
  free.promised(kB, {n, {}});
  EXPECT_EQ(free.accept()->value, "mine");  // (a) no acceptor of S accepted anything below n

  Proposer bound(kC, kThree, "mine");
  bound.rejected({ballot(7, kB)});
  const Ballot m = bound.prepare();
  bound.promised(kA, {m, Proposal{ballot(3, kB), "newer"}});
  bound.promised(kB, {m, Proposal{ballot(2, kA), "older"}});
  EXPECT_EQ(bound.accept()->value, "newer");  // (b) the highest-numbered one below n
}

TEST(Paper, PX01_OneProcessMayPlayEveryRole) {
  const Quorum alone({{kA}});
  Proposer proposer(kA, alone, "x");
  Acceptor acceptor;
  Learner learner(alone);
  proposer.promised(kA, *acceptor.prepare(proposer.prepare()));
  learner.accepted(kA, *acceptor.accept(*proposer.accept()));
  EXPECT_EQ(learner.chosen(), "x");
}

// PX-02 and PX-03 over many seeds: proposers and acceptors whose messages are lost, repeated and reordered at will, and
// acceptors that restart from what they made durable, never choose two values. The learner asserts it.
TEST(Paper, PX02_AnySpeedLossRepetitionReorderingAndRestart) {
  size_t decided = 0;
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    Random random(seed);
    Cell cell;
    std::array proposers{Proposer(kA, kThree, "a"), Proposer(kB, kThree, "b"), Proposer(kC, kThree, "c")};
    std::deque<std::function<void()>> network;
    for (int i = 0; i < 120; ++i) {
      const size_t p = random.below(3);
      const ReplicaId id(static_cast<uint8_t>(random.between(1, 3)));
      Acceptor& acceptor = cell.acceptors[id.value - 1u];
      switch (random.below(20)) {
        case 0: {
          const Ballot n = proposers[p].prepare();
          for (const ReplicaId to : {kA, kB, kC}) {
            network.push_back([&, n, to, p] {
              const auto promise = cell.acceptors[to.value - 1u].prepare(n);
              if (promise) network.push_back([&, promise, to, p] { proposers[p].promised(to, *promise); });
              if (!promise) network.push_back([&, promise, p] { proposers[p].rejected(promise.error()); });
            });
          }
          break;
        }
        case 1:
        case 2:
        case 3:
          if (const auto proposal = proposers[p].accept()) {
            network.push_back([&, proposal, id] {
              if (const auto done = cell.acceptors[id.value - 1u].accept(*proposal)) cell.learner.accepted(id, *done);
            });
          }
          break;
        case 4:
          acceptor = Acceptor(acceptor.state());
          break;
        default:
          for (int n = 0; n < 4 && !network.empty(); ++n) {
            const auto message = network[random.below(network.size())];  // stays: it may come again
            message();
            if (random.chance(1, 4)) network.pop_front();
          }
      }
    }
    decided += cell.learner.chosen().has_value();
  }
  EXPECT_GT(decided, 500u);
}

TEST(Paper, PX03_NothingProposedNothingChosenAndOnlyProposedValuesAre) {
  Cell cell;
  for (Acceptor& acceptor : cell.acceptors) ASSERT_TRUE(acceptor.prepare(ballot(1, kA)));
  EXPECT_EQ(cell.learner.chosen(), std::nullopt);
  Proposer a(kA, kThree, "x");
  a.rejected({ballot(1, kA)});
  cell.phase1(a, a.prepare(), {kA, kB});
  cell.phase2(a, {kA, kB});
  EXPECT_EQ(cell.learner.chosen(), "x");
}

TEST(Paper, PX04_ChosenMeansAcceptedByAMajorityUnderOneNumber) {
  Learner learner(kThree);
  learner.accepted(kA, {{ballot(1, kA), "x"}});
  learner.accepted(kA, {{ballot(1, kA), "x"}});  // a repetition is no majority
  learner.accepted(kB, {{ballot(2, kB), "x"}});  // nor is another number
  EXPECT_EQ(learner.chosen(), std::nullopt);
  learner.accepted(kC, {{ballot(1, kA), "x"}});
  EXPECT_EQ(learner.chosen(), "x");
}

TEST(Paper, PX04_TheProposerMayFailAfterAnyStep) {
  for (int steps = 0; steps < 4; ++steps) {
    Cell cell;
    Proposer a(kA, kThree, "x");
    const Ballot n = a.prepare();
    if (steps > 0) cell.phase1(a, n, {kA, kB});
    if (steps > 1) cell.phase2(a, {kA});
    if (steps > 2) cell.phase2(a, {kB});
    Proposer b(kB, kThree, "y");  // A is never heard of again
    b.rejected({n});
    cell.phase1(b, b.prepare(), {kB, kC});
    cell.phase2(b, {kB, kC});
    EXPECT_EQ(cell.learner.chosen(), steps > 2 ? "x" : "y");
  }
}

TEST(Paper, PX05_AnAcceptorMayAcceptMoreThanOneProposal) {
  Acceptor acceptor;
  ASSERT_TRUE(acceptor.accept({ballot(1, kA), "x"}));
  ASSERT_TRUE(acceptor.accept({ballot(2, kB), "y"}));
  EXPECT_EQ(acceptor.state().accepted->value, "y");
}

TEST(Paper, PX06_AProposalThatWasNotChosenMayBeReplaced) {
  Cell cell;
  Proposer a(kA, kThree, "x");
  cell.phase1(a, a.prepare(), {kA, kB});
  cell.phase2(a, {kA});  // one acceptor: not chosen
  Proposer b(kB, kThree, "y");
  cell.phase1(b, b.prepare(), {kB, kC});
  cell.phase2(b, {kB, kC});
  ASSERT_EQ(cell.learner.chosen(), "y");
  Proposer c(kC, kThree, "z");
  c.rejected({b.accept()->number});
  cell.phase1(c, c.prepare(), {kA, kB});  // sees x under a lower and y under a higher number
  EXPECT_EQ(c.accept()->value, "y");
}

TEST(Paper, PX07_NumbersAreUniqueAndTotallyOrdered) {
  EXPECT_EQ(next_ballot(kB, 0), (Ballot{2, kB}));
  EXPECT_EQ(next_ballot(kB, 1), (Ballot{2, kB}));
  EXPECT_EQ(next_ballot(kB, 2), (Ballot{258, kB}));
  EXPECT_EQ(next_ballot(kB, 300), (Ballot{514, kB}));
  for (uint64_t seen = 0; seen < 3000; seen += 7) {
    EXPECT_NE(next_ballot(kA, seen).round, next_ballot(kB, seen).round);  // E5: not even the rounds are shared
    EXPECT_GT(next_ballot(kA, seen).round, seen);
    EXPECT_TRUE(well_formed(next_ballot(kA, seen)));
  }
  EXPECT_FALSE(well_formed(Ballot{2, kA}));
  EXPECT_FALSE(well_formed(Ballot{uint64_t{1} << 40 | 1, kA}));
}

TEST(Paper, PX07_OneNumberCarriesOneValueThoughPromisesComeLate) {
  Proposer a(kA, kThree, "x");
  a.rejected({ballot(9, kB)});
  const Ballot n = a.prepare();
  a.promised(kA, {n, {}});
  a.promised(kB, {n, {}});
  ASSERT_EQ(a.accept()->value, "x");
  a.promised(kC, {n, Proposal{ballot(3, kB), "late"}});
  EXPECT_EQ(a.accept()->value, "x");
}

TEST(Paper, PX08_APromiseReturnsTheHighestNumberedProposalAccepted) {
  Acceptor acceptor;
  EXPECT_EQ(acceptor.prepare(ballot(1, kA))->accepted, std::nullopt);
  ASSERT_TRUE(acceptor.accept({ballot(1, kA), "x"}));
  ASSERT_TRUE(acceptor.accept({ballot(3, kB), "y"}));
  EXPECT_EQ(acceptor.prepare(ballot(4, kC))->accepted, (Proposal{ballot(3, kB), "y"}));
}

TEST(Paper, PX09_NoPhase2WithoutAMajorityOfPromises) {
  Proposer a(kA, kThree, "x");
  const Ballot n = a.prepare();
  EXPECT_EQ(a.accept(), std::nullopt);
  a.promised(kA, {n, {}});
  a.promised(kA, {n, {}});
  EXPECT_EQ(a.accept(), std::nullopt);
  a.promised(kB, {n, {}});
  EXPECT_TRUE(a.accept());
}

TEST(Paper, PX09_AcceptorsOfPhase2NeedNotBeThoseOfPhase1) {
  Cell cell;
  Proposer a(kA, kThree, "x");
  cell.phase1(a, a.prepare(), {kA, kB});
  EXPECT_EQ(cell.phase2(a, {kB, kC}), 2);
  EXPECT_EQ(cell.learner.chosen(), "x");
}

TEST(Paper, PX09_TheHighestNumberDecidesNotTheMostFrequentValue) {
  const Quorum five({{kA}, {kB}, {kC}, {ReplicaId(4)}, {ReplicaId(5)}});
  Proposer a(kA, five, "mine");
  a.rejected({ballot(9, kB)});
  const Ballot n = a.prepare();
  a.promised(kA, {n, Proposal{ballot(1, kA), "frequent"}});
  a.promised(kB, {n, Proposal{ballot(1, kA), "frequent"}});
  a.promised(kC, {n, Proposal{ballot(2, kB), "newest"}});
  EXPECT_EQ(a.accept()->value, "newest");
}

TEST(Paper, PX10_AnAcceptorRemembersItsPromiseAndProposalAcrossARestart) {
  Acceptor before;
  ASSERT_TRUE(before.accept({ballot(1, kA), "x"}));
  ASSERT_TRUE(before.prepare(ballot(5, kB)));
  Acceptor after(before.state());
  EXPECT_FALSE(after.accept({ballot(4, kC), "z"}));
  EXPECT_EQ(after.prepare(ballot(6, kC))->accepted->value, "x");
}

TEST(Paper, PX10_ARejectionNamesTheHigherNumberAndTheProposerGoesAboveIt) {
  Acceptor acceptor;
  ASSERT_TRUE(acceptor.prepare(ballot(9, kB)));
  Proposer a(kA, kThree, "x");
  const auto answer = acceptor.prepare(a.prepare());
  ASSERT_FALSE(answer);
  a.rejected(answer.error());
  EXPECT_EQ(a.accept(), std::nullopt);
  EXPECT_TRUE(acceptor.prepare(a.prepare()));
}

TEST(Paper, PX10_APromiseToAnEarlierAttemptDoesNotCount) {
  Proposer a(kA, kThree, "x");
  const Ballot first = a.prepare();
  const Ballot second = a.prepare();
  a.promised(kA, {first, {}});
  a.promised(kB, {second, {}});
  EXPECT_EQ(a.accept(), std::nullopt);
}

TEST(Paper, PX11_ThreeWaysOfLearning) {
  const Accepted message{{ballot(1, kA), "x"}};
  std::array<Learner, 3> everyone{Learner(kThree), Learner(kThree), Learner(kThree)};
  for (Learner& learner : everyone) {  // every acceptor tells every learner: a message each
    for (const ReplicaId id : {kA, kB}) learner.accepted(id, message);
    EXPECT_EQ(learner.chosen(), "x");
  }
  Learner distinguished(kThree);  // all tell one, which tells the rest what it found
  for (const ReplicaId id : {kA, kC}) distinguished.accepted(id, message);
  EXPECT_EQ(distinguished.chosen(), "x");
  std::array<Learner, 2> set{Learner(kThree), Learner(kThree)};  // all tell some: any of them is enough
  set[1].accepted(kB, message);
  set[1].accepted(kC, message);
  EXPECT_EQ(set[0].chosen(), std::nullopt);
  EXPECT_EQ(set[1].chosen(), "x");
}

TEST(Paper, PX12_TwoProposersCanBlockEachOtherForEverAndADistinguishedOneEndsIt) {
  Cell cell;
  Proposer a(kA, kThree, "x");
  Proposer b(kB, kThree, "y");
  cell.phase1(a, a.prepare(), {kA, kB, kC});
  for (int i = 0; i < 100; ++i) {
    cell.phase1(b, b.prepare(), {kA, kB, kC});
    EXPECT_EQ(cell.phase2(a, {kA, kB, kC}), 0);
    cell.phase1(a, a.prepare(), {kA, kB, kC});
    EXPECT_EQ(cell.phase2(b, {kA, kB, kC}), 0);
  }
  EXPECT_EQ(cell.learner.chosen(), std::nullopt);
  EXPECT_EQ(cell.phase2(a, {kA, kB, kC}), 3);  // B holds still
  EXPECT_EQ(cell.learner.chosen(), "x");
}

}  // namespace
}  // namespace conclave::paxos::synod
