// ACLs that name files of principals: at the master by the state as it will be, in reads by what is applied (CH-25,
// CH-26).
#include <gtest/gtest.h>

#include "state/service/test_support.h"

namespace conclave::state {
namespace {

using namespace testing;

const Identities kBob = {{"digest", "bob:h"}};
const Acl kByFile = {{kAllPermissions, "aclfile", "friends"}};

struct AclFilesInUse : ::testing::Test {
  Cell cell;
  AclFilesInUse() {
    cell.open();
    cell.create("/acl", NodeKind::directory);
    cell.create("/acl/friends", NodeKind::file, "digest:bob:h\n");
    cell.client(CreateRequest{.path = "/x", .data = "data", .acl = kByFile});
  }
  Code write(const Identities& who) { return cell.client(SetDataRequest{"/x", "data"}, who).code; }
};

TEST_F(AclFilesInUse, CH_26_DecideWritesAndReads) {
  EXPECT_EQ(write(kBob), Code::ok);
  EXPECT_EQ(write({}), Code::no_auth);
  EXPECT_TRUE(cell.service.get("/x", kBob));
  EXPECT_EQ(cell.service.get("/x", {}).error(), Code::no_auth);
  EXPECT_EQ(cell.service.children("/x", {}).error(), Code::no_auth);
  EXPECT_EQ(cell.service.acl("/x", {}).error(), Code::no_auth);
  EXPECT_EQ(*cell.service.acl("/x", kBob), kByFile);
  EXPECT_TRUE(cell.service.permitted(kByFile, kRead, kBob));
  EXPECT_FALSE(cell.service.permitted(kByFile, kRead, {}));
}

TEST_F(AclFilesInUse, CH_26_AChangeOfTheFileChangesWhoIsLetIn) {
  cell.client(SetDataRequest{"/acl/friends", "world:anyone"});
  EXPECT_EQ(write({}), Code::ok);
  EXPECT_TRUE(cell.service.get("/x", {}));
  cell.client(DeleteRequest{"/acl/friends"});
  EXPECT_EQ(write(kBob), Code::no_auth) << "a missing file lets nobody in";
  EXPECT_EQ(cell.service.get("/x", kBob).error(), Code::no_auth);
  EXPECT_EQ(write({{"super", ""}}), Code::ok);
}

TEST_F(AclFilesInUse, AListMayNameAFileThatIsNotThereYet) {
  const Acl later = {{kAllPermissions, "aclfile", "later"}};
  EXPECT_EQ(cell.client(CreateRequest{.path = "/y", .acl = later}).code, Code::ok);
  EXPECT_EQ(cell.client(SetDataRequest{"/y", "1"}, kBob).code, Code::no_auth);
  cell.create("/acl/later", NodeKind::file, "digest:bob:h");
  EXPECT_EQ(cell.client(SetDataRequest{"/y", "1"}, kBob).code, Code::ok);
  EXPECT_EQ(cell.client(CreateRequest{.path = "/z", .acl = {{kRead, "aclfile", "a/b"}}}).code, Code::invalid_acl);
}

TEST_F(AclFilesInUse, CH_25_AreDecidedOnWhatIsUnderWay) {
  for (const bool enforce_quota : {false, true}) {
    Cell lagging(EvaluatorSettings{.enforce_quota = enforce_quota}, /*lag=*/100);
    const auto refused = [&](const Identities& who) {
      lagging.client(SetDataRequest{"/x", "1"}, who);
      return lagging.refused;
    };
    lagging.open();
    lagging.create("/acl", NodeKind::directory);
    lagging.client(CreateRequest{.path = "/x", .acl = kByFile});
    EXPECT_TRUE(refused(kBob));
    lagging.create("/acl/friends", NodeKind::file, "digest:bob:h");
    EXPECT_FALSE(refused(kBob));
    EXPECT_TRUE(refused({}));
    lagging.client(SetDataRequest{"/acl/friends", "world:anyone"});
    EXPECT_FALSE(refused({}));
    lagging.apply_all();
    lagging.client(SetAclRequest{"/acl/friends", kOpen});  // touched, and its content is that which is applied
    EXPECT_FALSE(refused({}));
    lagging.client(DeleteRequest{"/acl/friends"});
    EXPECT_TRUE(refused(kBob));
  }
}

}  // namespace
}  // namespace conclave::state
