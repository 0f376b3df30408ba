#include "app/etcd_load/lane.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace conclave::app::etcd_load {
namespace {

using testing::HasSubstr;

std::string value_of(uint64_t stamp) {
  std::string value(16, 'x');
  std::memcpy(value.data(), &stamp, sizeof(stamp));
  return value;
}

class EtcdLane : public testing::Test {
 protected:
  void put(size_t key, uint64_t stamp, int64_t revision) {
    lane_.begin_put(key, stamp, 0);
    ASSERT_TRUE(lane_.check_put(revision).has_value());
  }
  std::string breach(const Result<>& checked) { return checked ? "none" : checked.error().message; }
  Lane lane_{3, {{.name = "/a"}, {.name = "/b"}}};
};

TEST_F(EtcdLane, ReadsBackWhatItWroteAtThatRevision) {
  put(0, 7, 10);
  put(1, 8, 11);
  lane_.begin_read(0);
  EXPECT_EQ(breach(lane_.check_read(10, value_of(7), 16)), "none");
  EXPECT_THAT(breach(lane_.check_read(11, value_of(7), 16)), HasSubstr("read at revision 11, written at 10"));
  EXPECT_THAT(breach(lane_.check_read(10, value_of(8), 16)), HasSubstr("another write"));
  EXPECT_THAT(breach(lane_.check_read(10, "", 16)), HasSubstr("0 bytes"));
  EXPECT_THAT(breach(lane_.check_read(10, "", 16)), HasSubstr("connection 3, key /a"));
}

TEST_F(EtcdLane, APutIsBehindAllThatWasAnsweredBefore) {
  put(0, 7, 10);
  lane_.begin_put(0, 8, 0);
  EXPECT_THAT(breach(lane_.check_put(10)), HasSubstr("put at revision 10, sent when 10 was known"));
  lane_.begin_put(1, 8, 12);
  EXPECT_THAT(breach(lane_.check_put(12)), HasSubstr("sent when 12 was known"));
  EXPECT_EQ(breach(lane_.check_put(13)), "none");
}

}  // namespace
}  // namespace conclave::app::etcd_load
