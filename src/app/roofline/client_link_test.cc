// The order of replies and what reads show, with a host that commits when told.
#include "app/roofline/client_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vector>

#include "app/bench/frames.h"
#include "env/testing_fakes.h"

namespace conclave::app::roofline {
namespace client_link_test {
namespace {

using testing::ElementsAre;

class RooflineClientLink : public testing::Test, protected ClientLink::Host {
 protected:
  RooflineClientLink() : link_(4, std::make_unique<env::FakeStream>(pipe_, env::Address{}), *this) {
    Bytes hello;
    bench::append_connect(&hello, 5000);
    send(hello);
    pipe_->received.clear();
  }

  void propose(uint32_t connection, BytesView frame) override {
    EXPECT_EQ(connection, 4U);
    proposed_.emplace_back(frame);
  }
  Store& store() override { return store_; }
  uint64_t zxid_applied() const override { return zxid_; }
  void gone(uint32_t) override { gone_ = true; }

  void send(BytesView bytes) {
    ASSERT_NE(pipe_->handler, nullptr);
    pipe_->handler->on_data(bytes);
  }
  // The next of the proposed writes is committed.
  void commit() {
    ASSERT_FALSE(proposed_.empty());
    const Bytes frame = proposed_.front();
    proposed_.erase(proposed_.begin());
    const auto write = parse_request(frame);
    const auto applied = store_.apply(*write, ++zxid_);
    link_.complete(*write, zxid_, applied);
  }
  // "xid:zxid" of the replies since the last call, with "=data" of reads and "!status" of refusals.
  std::vector<std::string> replies() {
    link_.flush();
    std::vector<std::string> all;
    for_each_frame(pipe_->received, [&](BytesView frame) {
      std::string text = std::to_string(load_big_endian<int32_t>(frame.data())) + ":" +
                         std::to_string(load_big_endian<uint64_t>(frame.data() + 4));
      if (const auto status = load_big_endian<int32_t>(frame.data() + 12); status != 0)
        text += "!" + std::to_string(status);
      if (frame.size() > 16 + 4 + kStatBytes)
        text += "=" + std::string(frame.substr(20, frame.size() - 20 - kStatBytes));
      all.push_back(text);
      return true;
    });
    pipe_->received.clear();
    return all;
  }

  std::shared_ptr<env::Pipe> pipe_ = std::make_shared<env::Pipe>();
  Store store_;
  uint64_t zxid_ = 0;
  std::vector<Bytes> proposed_;
  bool gone_ = false;
  ClientLink link_;
};

TEST_F(RooflineClientLink, AReadShowsTheWritesBeforeItAndNoneBehind) {
  Bytes bytes;
  bench::append_create(&bytes, 1, "/n", "a");
  bench::append_get_data(&bytes, 2, "/n");
  bench::append_set_data(&bytes, 3, "/n", "b");
  bench::append_get_data(&bytes, 4, "/n");
  send(bytes);
  EXPECT_THAT(replies(), ElementsAre()) << "nothing is committed";
  commit();
  commit();
  EXPECT_THAT(replies(), ElementsAre("1:1", "2:1=a", "3:2", "4:2=b")) << "also if both are committed in one turn";
}

TEST_F(RooflineClientLink, AReadWithNothingBeforeItIsAnsweredAtOnce) {
  Bytes bytes;
  bench::append_get_data(&bytes, 1, "/n");
  send(bytes);
  EXPECT_THAT(replies(), ElementsAre("1:0!-101"));
}

TEST_F(RooflineClientLink, WhatCannotBeDoneIsRefused) {
  Bytes bytes;
  bench::append_set_data(&bytes, 1, "/n", "a");
  bench::append_create(&bytes, 2, "/n", "a");
  bench::append_create(&bytes, 3, "/n", "b");
  send(bytes);
  for (int i = 0; i < 3; ++i) commit();
  EXPECT_THAT(replies(), ElementsAre("1:1!-101", "2:2", "3:3!-110"));
}

TEST_F(RooflineClientLink, TheSessionEndsBehindItsWrites) {
  Bytes bytes;
  bench::append_create(&bytes, 1, "/n", "a");
  bench::append_close_session(&bytes, 2);
  send(bytes);
  EXPECT_FALSE(pipe_->closed);
  commit();
  EXPECT_THAT(replies(), ElementsAre("1:1", "2:1"));
  EXPECT_TRUE(pipe_->closed);
}

TEST_F(RooflineClientLink, RequestsMayArriveInPieces) {
  Bytes bytes;
  bench::append_create(&bytes, 1, "/n", "abc");
  bench::append_get_data(&bytes, 2, "/n");
  for (const char byte : bytes) send(BytesView(&byte, 1));
  commit();
  EXPECT_THAT(replies(), ElementsAre("1:1", "2:1=abc"));
}

TEST_F(RooflineClientLink, ABrokenFrameEndsTheConnection) {
  send(BytesView("\x7f\xff\xff\xff", 4));
  EXPECT_TRUE(gone_);
}

TEST_F(RooflineClientLink, WhatATurnAnswersLeavesInOneWrite) {
  Bytes bytes;
  for (int xid = 1; xid <= 16; ++xid) bench::append_get_data(&bytes, xid, "/n");
  const size_t before = pipe_->writes;
  send(bytes);
  EXPECT_EQ(pipe_->writes - before, 1U);
}

}  // namespace
}  // namespace client_link_test
}  // namespace conclave::app::roofline
