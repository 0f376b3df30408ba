#include "storage/identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/testing_files.h"

namespace conclave::storage {
namespace {

using consensus::DiskId;
using ::testing::HasSubstr;
using testing::MemoryFiles;

const Identity kFresh{// 0xD15D: a drawn name is odd
                      .cell = CellId(7),
                      .replica = ReplicaId(2),
                      .disk = DiskId(0xD15D),
                      .founders = {}};
Identity founder() {
  Identity identity = kFresh;
  identity.listed = true;
  identity.founders = {{ReplicaId(1), true, DiskId(11)}, {ReplicaId(2), true, DiskId(0xD15D)}, {ReplicaId(3), false}};
  return identity;
}
class FixedEntropy final : public env::Entropy {
 public:
  explicit FixedEntropy(uint64_t value = kFresh.disk.value) : value_(value) {}
  Bytes bytes(size_t size) override { return Bytes(size, '\0'); }
  uint64_t u64() override { return value_; }

 private:
  uint64_t value_;
};
Result<Identity> open(MemoryFiles& files, uint64_t drawn = kFresh.disk.value) {
  FixedEntropy entropy(drawn);
  return open_identity(files, "journal", kFresh.cell, kFresh.replica, entropy);
}
std::string refusal(const Result<Identity>& opened) {
  return opened ? "it was opened" : opened.error().message;
}
void put(MemoryFiles& files, const std::string& name, BytesView bytes) {
  ASSERT_TRUE(files.open(name, env::Files::Open::create_or_truncate).value()->write_at(0, bytes));
}

TEST(Identity, IsDrawnOnceAndReadBackFromThenOn) {
  MemoryFiles files;
  EXPECT_EQ(open(files).value(), kFresh);
  EXPECT_EQ(open(files, 99).value(), kFresh) << "the disk keeps its name";
  ASSERT_TRUE(save_identity(files, "journal", founder()));
  put(files, "journal/segment-0000000000000001", "");
  EXPECT_EQ(open(files).value(), founder());
}

TEST(Identity, OneDamagedCopyIsEnoughTwoAreNot) {
  const Bytes whole = encode_identity(founder());
  for (size_t at = 0; at < whole.size(); ++at) {
    Bytes damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    EXPECT_EQ(decode_identity(damaged).value(), founder()) << at;
  }
  Bytes damaged = whole;
  damaged[9] = damaged[4096 + 30] = '\x7f';
  EXPECT_EQ(decode_identity(damaged).error().kind, ErrorKind::corrupt);
  for (size_t size = 0; size < 60; ++size) EXPECT_FALSE(decode_identity(BytesView(whole).substr(0, size))) << size;
}

TEST(Identity, WithoutTheJournalThatItBelongsToItIsRefused) {  // B34, B38
  MemoryFiles files;
  ASSERT_TRUE(files.make_directory("journal"));
  ASSERT_TRUE(save_identity(files, "journal", founder()));
  EXPECT_THAT(refusal(open(files)), HasSubstr("segments of its journal are missing"));
  Identity member = kFresh;
  member.listed = true;
  ASSERT_TRUE(save_identity(files, "journal", member));
  EXPECT_THAT(refusal(open(files)), HasSubstr("segments of its journal are missing"));
  put(files, "journal/segment-0000000000000001", "");
  EXPECT_TRUE(open(files));
  ASSERT_TRUE(files.remove("journal/identity"));
  EXPECT_THAT(refusal(open(files)), HasSubstr("journal/identity: missing"));
}

TEST(Identity, OfAnotherReplicaOrCellIsRefused) {
  MemoryFiles files;
  ASSERT_TRUE(open(files));
  FixedEntropy entropy;
  EXPECT_EQ(open_identity(files, "journal", kFresh.cell, ReplicaId(3), entropy).error().kind,
            ErrorKind::invalid_argument);
  EXPECT_EQ(open_identity(files, "journal", CellId(8), kFresh.replica, entropy).error().kind,
            ErrorKind::invalid_argument);
}

// A crash at any moment leaves the old identity or the new one.
TEST(Identity, SurvivesACrashAtEveryStepOfItsReplacement) {
  for (uint64_t step = 1;; ++step) {
    MemoryFiles files;
    ASSERT_TRUE(open(files));
    put(files, "journal/segment-0000000000000001", "");
    ASSERT_TRUE(files.sync_directory("journal"));
    files.fail_at(files.operations() + step, ErrorKind::io, true);
    const bool saved = save_identity(files, "journal", founder()).has_value();
    files.crash(MemoryFiles::Lost::everything_unsynced);
    files.clear_faults();
    const auto found = open(files);
    ASSERT_TRUE(found) << step;
    if (saved) {
      EXPECT_EQ(*found, founder());
      break;
    }
    EXPECT_TRUE(*found == kFresh || *found == founder()) << step;
  }
}

}  // namespace
}  // namespace conclave::storage
