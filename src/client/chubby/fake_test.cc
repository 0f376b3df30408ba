// The fake answers as a cell does.
#include "client/chubby/fake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/chubby/testing_fake.h"

namespace conclave::chubby {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(FakeTest, FilesAndDirectories) {  // CH-21, CH-45 ... CH-49
  const HandleId directory = open(a, "/d", {.creation = Creation::must, .directory = true}).value().handle;
  EXPECT_TRUE(open(a, "/d/f", {.creation = Creation::if_missing, .contents = "one"})->created);
  EXPECT_EQ(open(a, "/ls/local/d/f", {.creation = Creation::must}).error().code, CallCode::node_exists);
  EXPECT_EQ(open(a, "/x", {}).error().code, CallCode::no_node);
  EXPECT_EQ(open(a, "/x/y", {.creation = Creation::must}).error().code, CallCode::no_node);
  EXPECT_EQ(open(a, "/d/f/g", {.creation = Creation::must}).error().code, CallCode::not_a_directory);
  const HandleId file = open(b, "/d/f", {.mode = kReadWrite}).value().handle;
  const Stat stat = get([&](auto done) { b.get_stat(file, std::move(done)); }, Stat()).value();
  const auto swap = [&](uint64_t generation) {
    return get([&](auto done) { b.set_contents(file, "two", generation, std::move(done)); }, Stat());
  };
  EXPECT_TRUE(swap(stat.content_generation));
  EXPECT_EQ(swap(stat.content_generation).error().code, CallCode::generation_mismatch);
  EXPECT_EQ(cell.contents("/d/f"), "two");
  EXPECT_EQ(get([&](auto done) { a.read_directory(directory, std::move(done)); }, Directory()).value()[0].name, "f");
  b.remove(file, record<void>("remove"));
  b.get_stat(file, record<Stat>("stat"));
  settle();
  EXPECT_THAT(log, ElementsAre("remove: ok", "stat: the handle's node is gone"));  // CH-31
}

TEST_F(FakeTest, Events) {  // CH-40
  open(a, "/d", {.events = {.children = true}, .creation = Creation::must, .directory = true, .on_event = hear("d")});
  open(a, "/d/f", {.events = {.contents = true}, .creation = Creation::must, .on_event = hear("f")});
  const HandleId file = open(b, "/d/f", {.mode = kReadWrite}).value().handle;
  b.set_contents(file, "x", {}, nullptr);
  b.remove(file, nullptr);
  settle();
  EXPECT_THAT(log, ElementsAre("d: child added f", "f: contents changed", "d: child changed f", "f: handle invalid",
                               "d: child removed f"));
}

TEST_F(FakeTest, LocksAndSequencers) {  // CH-35, CH-37, CH-50
  const OpenOptions options{.mode = kReadWrite, .creation = Creation::if_missing};
  const HandleId mine = open(a, "/l", options).value().handle;
  const HandleId theirs = open(b, "/l", options).value().handle;
  a.acquire(mine, LockMode::exclusive, record<Acquired>("a"));
  b.try_acquire(theirs, LockMode::exclusive, record<Acquired>("b"));
  b.acquire(theirs, LockMode::shared, record<Acquired>("b"));
  settle();
  EXPECT_EQ(log.size(), 2u);
  EXPECT_EQ(log[1], "b: the lock is held");
  const std::string sequencer = a.get_sequencer(mine).value();
  b.check_sequencer(sequencer, record<bool>("valid"));
  a.release(mine, nullptr);
  b.check_sequencer(sequencer, record<bool>("valid"));
  settle();
  EXPECT_THAT(std::vector(log.begin() + 2, log.end()),
              ElementsAre("valid: yes", testing::StartsWith("b: conclave-lock/1 s "), "valid: no"));
}

TEST_F(FakeTest, ExpiryLosesLocksAndEphemeralFiles) {  // CH-23, CH-73
  const HandleId file =
      open(a, "/e", {.mode = kReadWrite, .creation = Creation::must, .ephemeral = true}).value().handle;
  const HandleId lock = open(a, "/l", {.mode = kReadWrite, .creation = Creation::must}).value().handle;
  a.acquire(lock, LockMode::exclusive, nullptr);
  b.acquire(open(b, "/l", {.mode = kReadWrite}).value().handle, LockMode::exclusive, record<Acquired>("b"));
  settle();
  EXPECT_THAT(log, IsEmpty());
  a.expire();
  a.get_stat(file, record<Stat>("stat"));
  settle();
  EXPECT_EQ(log.size(), 3u);
  EXPECT_EQ(log[0], "a: expired");
  EXPECT_EQ(cell.contents("/e"), std::nullopt);
  EXPECT_EQ(log[2], "stat: session expired");
  a.restart();
  EXPECT_TRUE(open(a, "/l", {}));
}

TEST_F(FakeTest, JeopardyBlocks) {  // CH-71
  const HandleId file = open(a, "/f", {.creation = Creation::must, .contents = "text"}).value().handle;
  a.jeopardize();
  a.get_contents(file, record<Contents>("get"));
  const CallId cancelled = a.get_contents(file, record<Contents>("cancelled"));
  EXPECT_TRUE(a.cancel(cancelled));
  settle();
  EXPECT_THAT(log, ElementsAre("a: jeopardy", "cancelled: cancelled"));
  a.make_safe();
  settle();
  EXPECT_THAT(std::vector(log.begin() + 2, log.end()), ElementsAre("a: safe", "get: text"));
}

TEST_F(FakeTest, CancelPoisonAndClose) {  // CH-46, CH-98
  const OpenOptions options{.mode = kReadWrite, .creation = Creation::if_missing};
  a.acquire(open(a, "/l", options).value().handle, LockMode::exclusive, nullptr);
  const HandleId theirs = open(b, "/l", options).value().handle;
  const CallId wait = b.acquire(theirs, LockMode::exclusive, record<Acquired>("one"));
  EXPECT_TRUE(b.cancel(wait));
  b.acquire(theirs, LockMode::exclusive, record<Acquired>("two"));
  b.poison(theirs);
  b.get_stat(theirs, record<Stat>("stat"));
  b.close(theirs, record<void>("close"));
  settle();
  EXPECT_THAT(
      log, ElementsAre("one: cancelled", "two: the handle is poisoned", "stat: the handle is poisoned", "close: ok"));
}

}  // namespace
}  // namespace conclave::chubby
