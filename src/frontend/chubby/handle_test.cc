// CH-30: what a new master believes of a handle that it did not make. And the table of handles.
#include "frontend/chubby/handle.h"

#include <gtest/gtest.h>

#include "frontend/chubby/handle_table.h"
#include "frontend/chubby/translate.h"

namespace conclave::frontend::chubby {
namespace {

const Bytes kSecret = "0123456789abcdef";
const SessionId kSession(7);

Handle sample() {
  return {.number = 3, .path = "/a", .instance = Zxid(Epoch(1), 9), .mode = 3, .events = 1, .epoch = Epoch(2)};
}

TEST(Handle, CH_30_SurvivesTheWire) {
  const wire::Handle shown = to_wire(sample(), kSession, kSecret);
  const Handle back = from_wire(shown);
  EXPECT_EQ(check_digits(kSecret, kSession, back), shown.check_digits());
  EXPECT_EQ(back.path, "/a");
  EXPECT_EQ(back.instance, Zxid(Epoch(1), 9));
}

TEST(Handle, CH_30_EveryFieldIsUnderTheDigits) {
  const uint64_t genuine = check_digits(kSecret, kSession, sample());
  const auto differs = [&](auto change) {
    Handle forged = sample();
    change(forged);
    return check_digits(kSecret, kSession, forged) != genuine;
  };
  EXPECT_TRUE(differs([](Handle& handle) { ++handle.number; }));
  EXPECT_TRUE(differs([](Handle& handle) { handle.path = "/b"; }));
  EXPECT_TRUE(differs([](Handle& handle) { handle.instance = Zxid(Epoch(1), 10); }));
  EXPECT_TRUE(differs([](Handle& handle) { handle.mode |= wire::MODE_CHANGE_ACL; }));
  EXPECT_TRUE(differs([](Handle& handle) { handle.events = 0; }));
  EXPECT_TRUE(differs([](Handle& handle) { ++handle.lock_delay_ms; }));
  EXPECT_TRUE(differs([](Handle& handle) { handle.epoch = Epoch(3); }));
  EXPECT_NE(check_digits(kSecret, SessionId(8), sample()), genuine) << "another session's";
  EXPECT_NE(check_digits("fedcba9876543210", kSession, sample()), genuine) << "another cell's";
}

TEST(HandleTable, FindsBySessionAndByNode) {
  HandleTable table;
  table.add(kSession, sample());
  Handle other = sample();
  other.number = 4;
  other.instance = Zxid(Epoch(1), 20);
  table.add(kSession, other);
  EXPECT_EQ(table.count(kSession), 2u);
  EXPECT_TRUE(table.is_open("/a", Zxid(Epoch(1), 9)));
  EXPECT_EQ(table.remove(kSession, 3)->number, 3u);
  EXPECT_FALSE(table.is_open("/a", Zxid(Epoch(1), 9)));
  EXPECT_TRUE(table.is_open("/a", Zxid(Epoch(1), 20)));
  EXPECT_FALSE(table.remove(kSession, 3));
  EXPECT_EQ(table.remove_all(kSession).size(), 1u);
  EXPECT_EQ(table.size(), 0u);
}

TEST(AclNames, CH_25_BecomeAListAndBack) {
  wire::AclNames names;
  names.set_read("");
  names.set_write("writers");
  names.set_change_acl("owners");
  const auto back = to_names(to_acl(names));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->write(), "writers");
  EXPECT_EQ(back->change_acl(), "owners");
  EXPECT_EQ(back->read(), "");
  EXPECT_TRUE(to_names({{state::kAllPermissions, "world", "anyone"}}));
  EXPECT_FALSE(to_names({{state::kAllPermissions, "digest", "a:b"}}));
  EXPECT_FALSE(to_names({{state::kRead, "world", "anyone"}})) << "a right that nobody has";
}

}  // namespace
}  // namespace conclave::frontend::chubby
