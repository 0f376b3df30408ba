#include "app/inspect/inspect.h"

#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "app/inspect/payload.h"
#include "storage/journal_format.h"

namespace conclave::app {
namespace {

using testing::HasSubstr;

TEST(TransactionText, EveryFactInWords) {
  state::Transaction txn{
      .zxid = Zxid(0x100000002), .time_ms = 5, .session = SessionId(0x1f), .origin = {}, .multi = true, .facts = {}};
  txn.facts.push_back(state::CreateTxn{
      .path = "/a", .data = "123", .acl = {}, .kind = state::NodeKind::ephemeral, .owner = SessionId(0x1f)});
  txn.facts.push_back(
      state::CreateTxn{.path = "/t", .data = "", .acl = {}, .kind = state::NodeKind::ttl, .owner = {}, .ttl_ms = 9});
  txn.facts.push_back(state::CreateTxn{.path = "/c", .data = "", .acl = {}, .kind = state::NodeKind::container});
  txn.facts.push_back(state::CreateTxn{.path = "/p", .data = "", .acl = {}});
  txn.facts.push_back(state::DeleteTxn{.path = "/b"});
  txn.facts.push_back(state::SetDataTxn{.path = "/s", .data = "xy", .version = 4});
  txn.facts.push_back(state::SetAclTxn{.path = "/l", .acl = {{}}, .aversion = 2});
  txn.facts.push_back(state::CheckTxn{.path = "/k"});
  txn.facts.push_back(
      state::CreateSessionTxn{.id = SessionId(3), .password = "secret", .timeout_ms = 100, .owner = ReplicaId(1)});
  txn.facts.push_back(state::MoveSessionTxn{.id = SessionId(3), .owner = ReplicaId(2)});
  txn.facts.push_back(state::CloseSessionTxn{.id = SessionId(3), .ephemerals = {{.path = "/e"}}});
  txn.facts.push_back(state::EpochStartTxn{});
  for (const auto kind :
       {state::NodeKind::file, state::NodeKind::directory, state::NodeKind::open_file, state::NodeKind::open_directory})
    txn.facts.push_back(state::CreateTxn{.path = "/n", .data = "", .acl = {}, .kind = kind});
  EXPECT_EQ(transaction_text(txn),
            "zxid=0x100000002 session=0x1f time=5 multi: create /a (3 bytes, ephemeral of 0x1f); create /t (0 bytes, "
            "ttl 9 ms); create /c (0 bytes, container); create /p (0 bytes); delete /b; set /s (2 bytes, version 4); "
            "set acl /l (1 entries, version 2); check /k; create session 0x3 (100 ms, at replica 1); "
            "move session 0x3 to replica 2; close session 0x3 (1 ephemerals); epoch start; "
            "create /n (0 bytes, file); create /n (0 bytes, directory); create /n (0 bytes, file while open); "
            "create /n (0 bytes, directory while open)");
}

class Inspect : public testing::Test {
 protected:
  Inspect() {
    char pattern[] = "/tmp/conclave-inspect-XXXXXX";
    directory = mkdtemp(pattern);
    out = tmpfile();
  }
  ~Inspect() override {
    fclose(out);
    std::filesystem::remove_all(directory);
  }
  std::string printed() {
    std::string text(static_cast<size_t>(ftell(out)), '\0');
    rewind(out);
    text.resize(fread(text.data(), 1, text.size(), out));
    return text;
  }
  std::string directory;
  FILE* out = nullptr;
};

TEST_F(Inspect, MissingPaths) {
  EXPECT_EQ(inspect_journal_command({.path = directory + "/none"}, out, out), kUnreadable);
  EXPECT_EQ(inspect_snapshot_command({.path = directory + "/none"}, out, out), kUnreadable);
  EXPECT_THAT(printed(), HasSubstr("/none: there is no such file"));
}

TEST_F(Inspect, ASegmentIsShownWithTheEngineThatWroteIt) {
  std::filesystem::create_directory(directory + "/journal");
  FILE* file = fopen((directory + "/journal/segment-0000000000000001").c_str(), "w");
  const Bytes header = storage::encode_segment_header({.engine = EngineNumber::raft, .number = 1});
  ASSERT_EQ(fwrite(header.data(), 1, header.size(), file), header.size());
  fclose(file);
  inspect_journal_command({.path = directory}, out, out);
  EXPECT_THAT(printed(), HasSubstr("segment journal/segment-0000000000000001 number=1 size=4096 live engine=Raft\n"));
}

TEST_F(Inspect, AFileThatIsNoSnapshotIsDamage) {
  const std::string path = directory + "/snapshot-x";
  FILE* file = fopen(path.c_str(), "w");
  for (int i = 0; i < 1000; ++i) fputs("not a snapshot at all ", file);
  fclose(file);
  EXPECT_EQ(inspect_snapshot_command({.path = path}, out, out), kDamaged);
  EXPECT_THAT(printed(), HasSubstr("corrupt"));
}

}  // namespace
}  // namespace conclave::app
