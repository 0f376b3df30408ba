#include "wire/chubby/datagram.h"

#include <gtest/gtest.h>

namespace conclave::wire::chubby {
namespace {

constexpr BytesView kKey = "0123456789abcdef";

LeaseRequest request() {
  LeaseRequest out;
  out.set_session(-7);
  out.set_epoch(3);
  out.set_number(12);
  return out;
}

TEST(Datagram, CH_98_ComesAsItWasSealed) {
  const Bytes bytes = seal(request(), kKey);
  const auto came = open_request(bytes);
  ASSERT_TRUE(came);
  EXPECT_TRUE(is_genuine(*came, kKey));
  EXPECT_EQ(came->message.session(), -7);
  EXPECT_EQ(came->message.epoch(), 3u);
  EXPECT_EQ(came->message.number(), 12u);

  LeaseAnswer answer;
  answer.set_number(12);
  answer.set_lease_us(5);
  const Bytes back = seal(answer, kKey);
  const auto heard = open_answer(back);
  ASSERT_TRUE(heard);
  EXPECT_TRUE(is_genuine(*heard, kKey));
  EXPECT_EQ(heard->message.lease_us(), 5u);
}

TEST(Datagram, WhoLacksTheKeyIsNotBelieved) {
  const Bytes bytes = seal(request(), "another password");
  const auto came = open_request(bytes);
  ASSERT_TRUE(came);
  EXPECT_FALSE(is_genuine(*came, kKey));
  EXPECT_FALSE(is_genuine(*came, ""));
}

TEST(Datagram, ARequestIsNoAnswer) {
  const Bytes bytes = seal(request(), kKey);
  const auto came = open_answer(bytes);
  ASSERT_TRUE(came) << "the fields are alike";
  EXPECT_FALSE(is_genuine(*came, kKey)) << "sent back by somebody who has no key";
}

TEST(Datagram, NoAlteredByteIsBelieved) {
  const Bytes bytes = seal(request(), kKey);
  for (size_t i = 0; i < bytes.size() * 8; ++i) {
    Bytes altered = bytes;
    altered[i / 8] = static_cast<char>(altered[i / 8] ^ (1 << i % 8));
    const auto came = open_request(altered);
    EXPECT_FALSE(came && is_genuine(*came, kKey)) << "bit " << i;
  }
  for (size_t size = 0; size < bytes.size(); ++size) {
    const auto came = open_request(BytesView(bytes).substr(0, size));
    EXPECT_FALSE(came && is_genuine(*came, kKey)) << size << " bytes";
  }
}

}  // namespace
}  // namespace conclave::wire::chubby
