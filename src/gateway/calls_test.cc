// Every call of lock_service.proto, over the fake (CH-45 ... CH-51), and what is special when it comes twice.
#include "gateway/calls.h"

#include "gateway/testing_gateway.h"

namespace conclave::gateway {
namespace {

class CallsTest : public GatewayTest {
 protected:
  CallsTest() {
    begin(stream);
    begin(other);
  }
  template <class Request>
  std::string answer(const TestStream& from, Request request, uint64_t number = 0) {
    ask(from, std::move(request), number);
    settle();
    return take_answers();
  }
};

// CH-45, CH-47, CH-48, CH-49.
TEST_F(CallsTest, Files) {
  const uint64_t file = open(stream, "/file", 1);
  auto write = of<api::SetContentsRequest>(file);
  write.set_contents("one");
  EXPECT_EQ(answer(stream, write, 2), "SetContentsReply ");
  const uint64_t generation = reply<api::SetContentsReply>().stat().content_generation();
  EXPECT_EQ(answer(stream, of<api::GetContentsRequest>(file)), "GetContentsReply ");
  EXPECT_EQ(reply<api::GetContentsReply>().contents(), "one");
  EXPECT_EQ(reply<api::GetContentsReply>().stat().content_generation(), generation);
  EXPECT_EQ(reply<api::GetContentsReply>().stat().length(), 3U);

  write.set_generation(generation);
  EXPECT_EQ(answer(stream, write, 3), "SetContentsReply ");
  EXPECT_EQ(answer(stream, write, 4), "GENERATION_MISMATCH ");
  auto acl = of<api::SetAclRequest>(file);
  acl.mutable_acl()->set_write("writers");
  EXPECT_EQ(answer(stream, acl, 5), "SetAclReply ");
  EXPECT_EQ(reply<api::SetAclReply>().stat().acl().write(), "writers");
  acl.set_generation(99);
  EXPECT_EQ(answer(stream, acl, 6), "GENERATION_MISMATCH ");
  EXPECT_EQ(answer(stream, of<api::GetStatRequest>(file)), "GetStatReply ");
  EXPECT_FALSE(reply<api::GetStatReply>().stat().directory());
  EXPECT_EQ(answer(stream, of<api::ReadDirectoryRequest>(file)), "NOT_A_DIRECTORY ");
  EXPECT_EQ(answer(stream, of<api::DeleteRequest>(file), 7), "DeleteReply ");
  EXPECT_EQ(answer(stream, of<api::GetStatRequest>(file)), "HANDLE_INVALID ");
}

TEST_F(CallsTest, DirectoriesAndRelativeNames) {
  api::OpenRequest make;
  make.set_name("/dir");
  make.set_read(true);
  make.set_directory(true);
  make.set_creation(api::OpenRequest::MUST);
  EXPECT_EQ(answer(stream, make, 1), "OpenReply ");
  EXPECT_TRUE(reply<api::OpenReply>().created());
  const uint64_t directory = reply<api::OpenReply>().handle();
  EXPECT_EQ(answer(stream, make, 2), "NODE_EXISTS ");
  api::OpenRequest child;
  child.set_name("child");
  child.set_parent(directory);
  child.set_ephemeral(true);
  EXPECT_EQ(answer(stream, child, 3), "NO_NODE ");
  child.set_creation(api::OpenRequest::IF_MISSING);
  child.set_contents("c");
  EXPECT_EQ(answer(stream, child, 4), "OpenReply ");
  EXPECT_TRUE(reply<api::OpenReply>().stat().ephemeral());
  EXPECT_EQ(answer(stream, of<api::ReadDirectoryRequest>(directory)), "ReadDirectoryReply ");
  ASSERT_EQ(reply<api::ReadDirectoryReply>().entries_size(), 1);
  EXPECT_EQ(reply<api::ReadDirectoryReply>().entries(0).name(), "child");
  EXPECT_EQ(reply<api::ReadDirectoryReply>().entries(0).stat().length(), 1U);
  child.set_creation(static_cast<api::OpenRequest::Creation>(7));
  EXPECT_EQ(answer(stream, child, 5), "BAD_ARGUMENT ");
}

// CH-46.
TEST_F(CallsTest, CloseAndPoison) {
  const uint64_t file = open(stream, "/file", 1);
  EXPECT_EQ(answer(stream, of<api::PoisonRequest>(file)), "PoisonReply ");
  EXPECT_EQ(answer(stream, of<api::GetStatRequest>(file)), "POISONED ");
  EXPECT_EQ(answer(stream, of<api::CloseRequest>(file), 2), "CloseReply ");
  EXPECT_EQ(answer(stream, of<api::GetStatRequest>(file)), "NOT_OPEN ");
}

// CH-50.
TEST_F(CallsTest, LocksAndSequencers) {
  const uint64_t mine = open(stream, "/lock", 1);
  const uint64_t theirs = open(other, "/lock", 1);
  EXPECT_EQ(answer(stream, of<api::GetSequencerRequest>(mine)), "LOCK_NOT_HELD ");
  EXPECT_EQ(answer(stream, of<api::AcquireRequest>(mine), 2), "AcquireReply ");
  const std::string sequencer = reply<api::AcquireReply>().sequencer();
  EXPECT_GT(reply<api::AcquireReply>().generation(), 0U);
  EXPECT_EQ(answer(stream, of<api::GetSequencerRequest>(mine)), "GetSequencerReply ");
  EXPECT_EQ(reply<api::GetSequencerReply>().sequencer(), sequencer);
  EXPECT_EQ(answer(other, of<api::TryAcquireRequest>(theirs), 2), "LOCK_HELD ");
  api::CheckSequencerRequest check;
  check.set_sequencer(sequencer);
  EXPECT_EQ(answer(other, check), "CheckSequencerReply ");
  EXPECT_TRUE(reply<api::CheckSequencerReply>().valid());

  auto tie = of<api::SetSequencerRequest>(theirs);
  tie.set_sequencer(sequencer);
  EXPECT_EQ(answer(other, tie), "SetSequencerReply ");
  EXPECT_EQ(answer(other, of<api::GetStatRequest>(theirs)), "GetStatReply ");
  EXPECT_EQ(answer(stream, of<api::ReleaseRequest>(mine), 3), "ReleaseReply ");
  EXPECT_EQ(answer(other, of<api::GetStatRequest>(theirs)), "SEQUENCER_INVALID ");
  EXPECT_EQ(answer(other, check), "CheckSequencerReply ");
  EXPECT_FALSE(reply<api::CheckSequencerReply>().valid());

  EXPECT_EQ(answer(other, of<api::SetSequencerRequest>(theirs)), "SetSequencerReply ");
  for (const TestStream* one : {&stream, &other}) {
    auto shared = of<api::TryAcquireRequest>(one == &stream ? mine : theirs);
    shared.set_shared(true);
    EXPECT_EQ(answer(*one, shared, 9), "AcquireReply ");
  }
}

// RP-02 over the second hop.
TEST_F(CallsTest, AWriteThatIsSentAgainIsDoneOnce) {
  const uint64_t file = open(stream, "/file", 1);
  const auto write = of<api::SetContentsRequest>(file);
  EXPECT_EQ(answer(stream, write, 2), "SetContentsReply ");
  const uint64_t generation = reply<api::SetContentsReply>().stat().content_generation();
  EXPECT_EQ(answer(stream, write, 2), "SetContentsReply ");
  EXPECT_EQ(reply<api::SetContentsReply>().stat().content_generation(), generation);
  EXPECT_EQ(answer(stream, of<api::GetStatRequest>(file)), "GetStatReply ");
  EXPECT_EQ(reply<api::GetStatReply>().stat().content_generation(), generation) << "it was written once";
  EXPECT_EQ(answer(stream, of<api::DeleteRequest>(file), 2), "BAD_NUMBER ");
  ask(stream, write, 3, 4);
  EXPECT_EQ(take_answers(), "BAD_NUMBER ") << "it would acknowledge its own answer";
}

// CH-98.
TEST_F(CallsTest, WhoStopsWaitingLeavesTheQueue) {
  const uint64_t mine = open(stream, "/lock", 1);
  const uint64_t theirs = open(other, "/lock", 1);
  EXPECT_EQ(answer(stream, of<api::AcquireRequest>(mine), 2), "AcquireReply ");
  const CallRef waits = ask(other, of<api::AcquireRequest>(theirs), 2);
  settle();
  gateway->abandon(waits);
  settle();
  EXPECT_EQ(answer(stream, of<api::ReleaseRequest>(mine), 3), "ReleaseReply ");
  EXPECT_EQ(answer(stream, of<api::TryAcquireRequest>(mine), 4), "AcquireReply ") << "it is free";
}

TEST_F(CallsTest, CancelTakesBackALockThatWasGranted) {
  const uint64_t mine = open(stream, "/lock", 1);
  const uint64_t theirs = open(other, "/lock", 1);
  EXPECT_EQ(answer(stream, of<api::AcquireRequest>(mine), 2), "AcquireReply ");
  api::CancelRequest cancel;
  cancel.set_cancelled(2);
  EXPECT_EQ(answer(stream, cancel), "CancelReply ");
  EXPECT_EQ(answer(other, of<api::TryAcquireRequest>(theirs), 2), "AcquireReply ");
  // ... but not one that was held before, nor one that was acquired since.
  EXPECT_EQ(answer(other, of<api::AcquireRequest>(theirs), 3), "AcquireReply ");
  cancel.set_cancelled(3);
  EXPECT_EQ(answer(other, cancel), "CancelReply ");
  EXPECT_EQ(answer(other, of<api::GetSequencerRequest>(theirs)), "GetSequencerReply ");
  EXPECT_EQ(answer(other, of<api::ReleaseRequest>(theirs), 4), "ReleaseReply ");
  EXPECT_EQ(answer(other, of<api::AcquireRequest>(theirs), 5), "AcquireReply ");
  cancel.set_cancelled(2);
  EXPECT_EQ(answer(other, cancel), "CancelReply ");
  EXPECT_EQ(answer(other, of<api::GetSequencerRequest>(theirs)), "GetSequencerReply ");
}

TEST_F(CallsTest, CancelClosesWhatWasOpened) {
  const uint64_t file = open(stream, "/file", 1);
  api::CancelRequest cancel;
  cancel.set_cancelled(1);
  EXPECT_EQ(answer(stream, cancel), "CancelReply ");
  EXPECT_EQ(answer(stream, of<api::GetStatRequest>(file)), "NOT_OPEN ");
}

TEST_F(CallsTest, InJeopardyCallsWait) {
  const uint64_t file = open(stream, "/file", 1);
  cell_sessions[0].fake->jeopardize();
  EXPECT_EQ(answer(stream, of<api::GetStatRequest>(file)), "");
  cell_sessions[0].fake->make_safe();
  settle();
  EXPECT_EQ(take_answers(), "GetStatReply ");
}

// Every code that the library may give has a name and a status of its own kind.
TEST(FailureTest, EveryCodeIsMapped) {
  for (int i = 0; i <= static_cast<int>(chubby::CallCode::wrong_cell); ++i) {
    const auto code = static_cast<chubby::CallCode>(i);
    if (code == chubby::CallCode::unknown) continue;
    EXPECT_NE(code_of(code), api::CODE_UNKNOWN) << to_string(code);
  }
  for (int i = 1; i < api::Code_ARRAYSIZE; ++i) {
    const auto code = static_cast<api::Code>(i);
    EXPECT_NE(status_of(code), RpcStatus::unknown) << name_of(code);
    const bool again = code == api::CELL_UNREACHABLE || code == api::STOPPING;
    EXPECT_EQ(status_of(code) == RpcStatus::unavailable, again) << name_of(code);
  }
  EXPECT_EQ(failure_of({.code = chubby::CallCode::no_node, .message = "/x"}).message, "no such node: /x");
}

}  // namespace
}  // namespace conclave::gateway
