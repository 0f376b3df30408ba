#include "sim/check/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/check/testing_history.h"

namespace conclave::sim::check::model_test {
namespace {

using namespace testing;  // NOLINT: the builders
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string judged(const Story& story) {
  return text_of(check_model(story.history));
}

TEST(Model, KeepsEveryVersionOfANode) {
  Story story;
  const ClientId c = story.client();
  const Zxid made = story.op(story.write(c, create("/a", "one"))).zxid;
  const Zxid changed = story.op(story.write(c, set("/a", "three"))).zxid;
  const Zxid parent = story.op(story.write(c, create("/a/b"))).zxid;
  const Zxid child_gone = story.op(story.write(c, remove("/a/b"))).zxid;
  const Zxid gone = story.op(story.write(c, remove("/a"))).zxid;
  const Zxid again = story.op(story.write(c, create("/a", "new"))).zxid;

  const Model model(story.history);
  EXPECT_THAT(model.violations(), IsEmpty());
  EXPECT_EQ(model.node("/a", Zxid(made.value - 1)), nullptr);
  EXPECT_EQ(model.node("/a", made)->data, "one");
  EXPECT_EQ(model.node("/a", made)->stat,
            (NodeStat{.czxid = made, .mzxid = made, .pzxid = made, .data_length = 3, .ephemeral_owner = {}}));
  EXPECT_EQ(model.node("/a", changed)->stat.version, 1);
  EXPECT_EQ(model.node("/a", changed)->stat.mzxid, changed);
  EXPECT_EQ(model.node("/a", changed)->stat.data_length, 5);
  EXPECT_EQ(model.node("/a", parent)->stat.num_children, 1);
  EXPECT_EQ(model.node("/a", parent)->stat.cversion, 1);
  EXPECT_EQ(model.node("/a", child_gone)->stat.cversion, 2) << "deletes count as well";
  EXPECT_EQ(model.node("/a", child_gone)->stat.pzxid, child_gone);
  EXPECT_EQ(model.node("/a", child_gone)->stat.mzxid, changed);
  EXPECT_EQ(model.node("/a", gone), nullptr);
  EXPECT_EQ(model.node("/a", again)->stat.version, 0);
  EXPECT_EQ(model.node("/a", again)->stat.cversion, 0);
  EXPECT_EQ(model.node("/a", again)->creates, 0);
}

TEST(Model, KeepsEveryListOfChildren) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a"));
  std::vector<Zxid> zxids;
  for (int i = 0; i < 100; ++i) {  // past several checkpoints
    zxids.push_back(story.op(story.write(c, create(fmt::format("/a/{:02}", i)))).zxid);
    if (i % 2 == 1) zxids.push_back(story.op(story.write(c, remove(fmt::format("/a/{:02}", i - 1)))).zxid);
  }
  const Model model(story.history);
  for (const Zxid zxid : zxids) {
    const size_t i = story.read_at(c, children("/a"), zxid);
    EXPECT_EQ(model.children("/a", zxid), story.op(i).answer.children) << zxid.value;
  }
  EXPECT_THAT(model.children("/", story.head()), ElementsAre("a", "zookeeper"));
  EXPECT_THAT(model.children("/none", story.head()), IsEmpty());
}

TEST(Model, TellsWhatFiresWatches) {
  Story story;
  const ClientId c = story.client();
  const Zxid made = story.op(story.write(c, create("/a"))).zxid;
  const Zxid child = story.op(story.write(c, create("/a/b"))).zxid;
  const Zxid changed = story.op(story.write(c, set("/a", "x"))).zxid;
  story.write(c, remove("/a/b"));
  const Zxid gone = story.op(story.write(c, remove("/a"))).zxid;
  const Model model(story.history);
  EXPECT_EQ(model.first_data_event("/a", Zxid())->at.zxid, made);
  EXPECT_EQ(model.first_data_event("/a", made)->at.zxid, changed);
  EXPECT_EQ(model.first_data_event("/a", changed)->kind, EventKind::deleted);
  EXPECT_EQ(model.first_data_event("/a", gone), std::nullopt);
  EXPECT_EQ(model.first_children_event("/a", made)->at.zxid, child);
  EXPECT_EQ(model.first_children_event("/a", child)->kind, EventKind::children_changed);
}

TEST(Model, AMultiIsSeveralPlacesInTheLog) {
  Story story;
  const ClientId c = story.client();
  const Zxid zxid = story.op(story.multi(c, {create("/a", "1"), set("/a", "2"), create("/a/b"), remove("/a/b")})).zxid;
  const Model model(story.history);
  EXPECT_EQ(model.node("/a", Position{zxid, 0})->data, "1");
  EXPECT_EQ(model.node("/a", Position{zxid, 1})->data, "2");
  EXPECT_EQ(model.node_before("/a", Position{zxid, 0}), nullptr);
  EXPECT_EQ(model.node_before("/a", Position{zxid, 1})->data, "1");
  EXPECT_EQ(model.node("/a", zxid)->stat.cversion, 2);
}

TEST(Model, EphemeralsGoWithTheirSession) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a"));
  story.write(c, ephemeral("/a/e"));
  story.expire(c);
  EXPECT_EQ(judged(story), "");
  EXPECT_EQ(Model(story.history).node("/a/e", story.head()), nullptr);
}

// --- what cannot be

TEST(Model, RejectsACreateOfWhatIsThere) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a"));
  story.history.log.push_back(story.last());
  story.last().zxid = Zxid(story.last().zxid.value + 1);
  story.last().index = story.last().index.next();
  EXPECT_THAT(judged(story), HasSubstr("creates /a, which is there"));
}

TEST(Model, RejectsACreateWithoutAParentOrBeneathAnEphemeral) {
  Story story;
  const ClientId c = story.client();
  story.write(c, ephemeral("/e"));
  story.write(c, create("/a"));
  std::get<Created>(story.last().changes.front()).path = "/none/a";
  EXPECT_THAT(judged(story), HasSubstr("creates /none/a, whose parent is not there"));
  std::get<Created>(story.last().changes.front()).path = "/e/a";
  EXPECT_THAT(judged(story), HasSubstr("creates /e/a beneath an ephemeral node"));
}

TEST(Model, RejectsADeleteOrASetOfWhatIsNotThere) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a"));
  story.write(c, remove("/a"));
  story.last().changes = {Removed{"/b"}};
  EXPECT_THAT(judged(story), HasSubstr("deletes /b, which is not there"));
  story.last().changes = {DataSet{"/b", ""}};
  EXPECT_THAT(judged(story), HasSubstr("sets /b, which is not there"));
  story.last().changes = {Checked{"/b"}};
  EXPECT_THAT(judged(story), HasSubstr("/b to hold, which is not there"));
}

TEST(Model, RejectsADeleteOfAParent) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a"));
  story.write(c, create("/a/b"));
  story.write(c, remove("/a/b"));
  story.last().changes = {Removed{"/a"}};
  EXPECT_THAT(judged(story), HasSubstr("deletes /a, which has 1 children"));
}

// B46
TEST(Model, RejectsACloseThatLeavesAnEphemeral) {
  Story story;
  const ClientId c = story.client();
  story.write(c, ephemeral("/e"));
  story.write(c, ephemeral("/f"));
  story.expire(c);
  std::get<SessionClosed>(story.last().changes.front()).ephemerals = {"/e"};
  EXPECT_THAT(judged(story), HasSubstr("removes [/e]; its ephemeral nodes are [/e /f]"));
}

// B46
TEST(Model, RejectsACloseThatTakesTheNodeOfAnother) {
  Story story;
  const ClientId c = story.client();
  const ClientId d = story.client();
  story.write(c, ephemeral("/e"));
  story.write(d, ephemeral("/f"));
  story.expire(c);
  std::get<SessionClosed>(story.last().changes.front()).ephemerals = {"/e", "/f"};
  EXPECT_THAT(judged(story), HasSubstr("removes [/e /f]; its ephemeral nodes are [/e]"));
}

TEST(Model, RejectsWorkOfASessionThatIsNotOpen) {
  Story story;
  const ClientId c = story.client();
  const ClientId d = story.client();
  story.expire(c);
  story.write(d, ephemeral("/e"));
  story.last().session = Story::session_of(c);
  EXPECT_THAT(judged(story), HasSubstr("asked for by session 0x101, which is not open"));
  std::get<Created>(story.last().changes.front()).owner = Story::session_of(c);
  EXPECT_THAT(judged(story), HasSubstr("creates the ephemeral node /e of session 0x101, which is not open"));
}

TEST(Model, RejectsASessionOpenedOrClosedTwice) {
  Story story;
  const ClientId c = story.client();
  story.append(SessionId(), {SessionOpened{Story::session_of(c), Duration::seconds(1)}});
  EXPECT_THAT(judged(story), HasSubstr("opens session 0x101 again"));
  story.expire(c);
  story.expire(c);
  EXPECT_THAT(judged(story), HasSubstr("closes session 0x101, which is not open"));
}

TEST(Model, AcceptsANewEpochAndRejectsBreaksInThePrimaryOrder) {
  Story story;
  const ClientId c = story.client();
  story.new_epoch();
  story.write(c, create("/a"));
  EXPECT_EQ(judged(story), "");
  const Zxid right = story.last().zxid;
  story.last().zxid = Zxid(right.epoch(), right.counter() + 1);
  EXPECT_THAT(judged(story), HasSubstr("against the primary order")) << "a gap";
  story.last().zxid = Zxid(Epoch(right.epoch().value + 1), 2);
  EXPECT_THAT(judged(story), HasSubstr("against the primary order")) << "not the first of its epoch";
  story.last().zxid = Zxid(Epoch(1), 9);
  EXPECT_THAT(judged(story), HasSubstr("against the primary order")) << "an epoch that was over";
  story.last().zxid = Zxid(Epoch(right.epoch().value + 1), 1);
  EXPECT_THAT(judged(story), HasSubstr("the first of an epoch, and no other, starts it"));
}

TEST(Model, RejectsALogOutOfItsOrder) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a"));
  story.last().first_applied = Instant{1};
  EXPECT_THAT(judged(story), HasSubstr("was first applied at 0.000 s"));
  story.last().index = Index(1);
  EXPECT_THAT(judged(story), HasSubstr("stands at index 1"));
}

}  // namespace
}  // namespace conclave::sim::check::model_test
