// Every way in which a disk fails, and what is left on it afterwards.
#include "sim/world/disk_faults.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>
#include <string>

#include "sim/world/world.h"

namespace conclave::sim {
namespace {

using Open = env::Files::Open;

class DiskFaultsTest : public testing::Test {
 protected:
  Disk& disk() { return world_.host(1).disk(); }
  env::Files& files() { return world_.host(1).env().files; }
  std::unique_ptr<env::File> make(std::string_view name, BytesView content) {
    auto file = files().open(name, Open::create_new).value();
    EXPECT_TRUE(file->write_at(0, content).has_value());
    EXPECT_TRUE(file->sync().has_value());
    EXPECT_TRUE(files().sync_directory("").has_value());
    return file;
  }
  std::string read(std::string_view name) {
    auto file = files().open(name, Open::read_only);
    return file ? (*file)->read_at(0, 1 << 20).value() : "(" + file.error().message + ")";
  }
  void power_cut() {
    world_.host(1).crash(Crash::power_cut);
    world_.host(1).restart();
  }
  template <class R>
  static std::string outcome(const R& result) {
    return result ? "ok" : result.error().message;
  }

  World world_{1};
};

TEST_F(DiskFaultsTest, TheNthCallOfAFileFailsOnce) {
  const auto other = make("other", "x");
  const auto file = make("journal-1", "x");
  disk().inject({.on = {DiskOperation::write}, .effect = DiskEffect::no_space, .prefix = "journal", .nth = 2});
  EXPECT_EQ(outcome(file->write_at(0, "a")), "ok");
  EXPECT_EQ(outcome(other->write_at(0, "a")), "ok");
  EXPECT_EQ(outcome(file->sync()), "ok");
  const auto failed = file->write_at(0, "a");
  EXPECT_EQ(outcome(failed), "write journal-1: No space left on device");
  EXPECT_EQ(failed.error().kind, ErrorKind::no_space);
  EXPECT_EQ(outcome(file->write_at(0, "a")), "ok");
}

TEST_F(DiskFaultsTest, EveryKindOfCallCanFail) {
  const auto file = make("f", "x");
  ASSERT_TRUE(files().make_directory("d").has_value());
  const auto fails = [&](DiskOperation operation, auto call) {
    const auto id = disk().inject({.on = {operation}, .per_million = 1'000'000});
    const auto failed = call();
    disk().remove_fault(id);
    return outcome(failed) + (call() ? ", then ok" : ", then not");
  };
  EXPECT_EQ(fails(DiskOperation::open, [&] { return files().open("f", Open::read_only); }),
            "open f: Input/output error, then ok");
  EXPECT_EQ(fails(DiskOperation::create, [&] { return files().open("g", Open::create_new); }),
            "create g: Input/output error, then ok");
  EXPECT_EQ(fails(DiskOperation::read, [&] { return file->read_at(0, 1); }), "read f: Input/output error, then ok");
  EXPECT_EQ(fails(DiskOperation::resize, [&] { return file->resize(9); }), "resize f: Input/output error, then ok");
  EXPECT_EQ(fails(DiskOperation::sync, [&] { return file->sync(); }), "sync f: Input/output error, then ok");
  EXPECT_EQ(fails(DiskOperation::rename, [&] { return files().rename("g", "h"); }),
            "rename g: Input/output error, then ok");
  EXPECT_EQ(fails(DiskOperation::remove, [&] { return files().remove("h"); }), "remove h: Input/output error, then ok");
  EXPECT_EQ(fails(DiskOperation::make_directory, [&] { return files().make_directory("e"); }),
            "make directory e: Input/output error, then ok");
  EXPECT_EQ(fails(DiskOperation::list, [&] { return files().list("d"); }), "list d: Input/output error, then ok");
  EXPECT_EQ(fails(DiskOperation::sync_directory, [&] { return files().sync_directory("d"); }),
            "sync directory d: Input/output error, then ok");
}

TEST_F(DiskFaultsTest, ByChance) {
  const auto file = make("f", "x");
  disk().inject({.on = {DiskOperation::read}, .per_million = 250'000});
  int failed = 0;
  for (int i = 0; i < 1000; ++i) failed += file->read_at(0, 1).has_value() ? 0 : 1;
  EXPECT_GT(failed, 200);
  EXPECT_LT(failed, 300);
}

TEST_F(DiskFaultsTest, AnUnreadableSectorIsOneOfItsFile) {
  const auto file = make("f", Bytes(4096, 'x'));
  disk().inject({.on = {DiskOperation::read}, .from = 512, .to = 1024, .per_million = 1'000'000});
  EXPECT_TRUE(file->read_at(0, 512).has_value());
  EXPECT_FALSE(file->read_at(0, 513).has_value());
  EXPECT_FALSE(file->read_at(1000, 1000).has_value());
  EXPECT_TRUE(file->read_at(1024, 1000).has_value());
}

// B36: the next sync succeeds although nothing reached the disk.
TEST_F(DiskFaultsTest, AFailedSyncLeavesPagesCleanThatWereNeverWritten) {
  bool lost = false;
  for (int i = 0; i < 20 && !lost; ++i) {
    const std::string name = "f" + std::to_string(i);
    const auto file = make(name, "old");
    ASSERT_TRUE(file->write_at(0, "new").has_value());
    disk().inject({.on = {DiskOperation::sync}, .nth = 1});
    EXPECT_FALSE(file->sync().has_value());
    EXPECT_TRUE(file->sync().has_value());
    EXPECT_EQ(read(name), "new") << "still in the page cache";
    power_cut();
    lost = read(name) == "old";
  }
  EXPECT_TRUE(lost);
}

TEST_F(DiskFaultsTest, ALyingSyncReportsSuccess) {
  const auto file = make("f", "old");
  ASSERT_TRUE(file->write_at(0, "new").has_value());
  disk().inject({.on = {DiskOperation::sync, DiskOperation::sync_directory},
                 .effect = DiskEffect::lie,
                 .per_million = 1'000'000});
  EXPECT_TRUE(file->sync().has_value());
  EXPECT_TRUE(files().open("g", Open::create_new).has_value());
  EXPECT_TRUE(files().sync_directory("").has_value());
  power_cut();
  EXPECT_EQ(read("f"), "old");
  EXPECT_FALSE(files().exists("g").value());
}

TEST_F(DiskFaultsTest, ALostWriteReportsSuccess) {
  const auto file = make("f", "old");
  disk().inject({.on = {DiskOperation::write}, .effect = DiskEffect::lie, .per_million = 1'000'000});
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(file->write_at(0, "new").has_value());
  EXPECT_EQ(read("f"), "old");
}

TEST_F(DiskFaultsTest, AFailedWriteMayBeDoneInPart) {
  std::set<int64_t> written;
  for (int i = 0; i < 60; ++i) {
    const auto file = make("f" + std::to_string(i), Bytes(1024, 'a'));
    disk().inject({.on = {DiskOperation::write}, .nth = 1});
    EXPECT_FALSE(file->write_at(0, Bytes(1024, 'b')).has_value());
    const Bytes now = file->read_at(0, 1024).value();
    written.insert(std::ranges::count(now, 'b'));
  }
  EXPECT_EQ(written, (std::set<int64_t>{0, 512, 1024}));
}

// The very last write before a crash cannot be told from one that was never made; a later one bears witness to it.
TEST_F(DiskFaultsTest, AMisdirectedWriteStaysLostOnceALaterOneIsSynced) {
  const auto file = make("f", std::string(4096, '.'));
  const auto write_and_kill = [&](bool witness) {
    disk().inject({.on = {DiskOperation::write}, .effect = DiskEffect::misdirect, .nth = 1});
    EXPECT_TRUE(file->write_at(0, "lost").has_value());
    EXPECT_TRUE(file->sync().has_value());
    if (witness) {
      EXPECT_TRUE(file->write_at(512, "later").has_value());
      EXPECT_TRUE(file->sync().has_value());
    }
    disk().process_ended(Crash::kill);
    return read("f").substr(0, 4);
  };
  EXPECT_EQ(write_and_kill(false), "lost");
  EXPECT_TRUE(file->write_at(0, "....").has_value());
  EXPECT_EQ(write_and_kill(true), "....");
}
// A snapshot says nothing of the journal.
TEST_F(DiskFaultsTest, WhatIsWrittenInAnotherDirectoryBearsNoWitnessToAMisdirectedWrite) {
  const auto file = make("f", std::string(4096, '.'));
  ASSERT_TRUE(files().make_directory("other").has_value());
  const auto other = make("other/g", "");
  disk().inject({.on = {DiskOperation::write}, .effect = DiskEffect::misdirect, .nth = 1});
  EXPECT_TRUE(file->write_at(0, "lost").has_value());
  EXPECT_TRUE(other->write_at(0, "later").has_value());
  EXPECT_TRUE(other->sync().has_value());
  disk().process_ended(Crash::kill);
  EXPECT_EQ(read("f").substr(0, 4), "lost");
}

TEST_F(DiskFaultsTest, WhatAFailedSyncOfADirectoryWasForIsLeftToTheNextOne) {
  (void)files().open("f", Open::create_new).value();
  disk().inject({.on = {DiskOperation::sync_directory}, .effect = DiskEffect::io_error, .nth = 1});
  EXPECT_EQ(outcome(files().sync_directory("")), "sync directory : Input/output error");
  EXPECT_EQ(outcome(files().sync_directory("")), "ok");
  power_cut();
  EXPECT_EQ(read("f"), "");
}

TEST_F(DiskFaultsTest, MisdirectedWritesLandElsewhereAndMisdirectedReadsComeFromThere) {
  const auto a = make("a", Bytes(2048, 'a'));
  const auto b = make("b", Bytes(2048, 'b'));
  disk().inject({.on = {DiskOperation::write}, .effect = DiskEffect::misdirect, .nth = 1});
  ASSERT_TRUE(a->write_at(512, Bytes(512, '!')).has_value());
  EXPECT_EQ(read("a").substr(512, 512), Bytes(512, 'a')) << "not where it belongs";
  const std::string all = read("a") + read("b");
  EXPECT_EQ(all.size(), 4096u) << "no file grows";
  EXPECT_EQ(std::ranges::count(all, '!'), 512);
  EXPECT_EQ(all.find('!') % 512, 0u);
  disk().inject({.on = {DiskOperation::read}, .effect = DiskEffect::misdirect, .per_million = 1'000'000});
  bool from_other = false;
  for (int i = 0; i < 20; ++i) from_other |= a->read_at(0, 512).value() == Bytes(512, 'b');
  EXPECT_TRUE(from_other);
}

TEST_F(DiskFaultsTest, RotIsSeenAtOnceAndStays) {
  const auto file = make("f", "abc");
  ASSERT_TRUE(file->write_at(3, "def").has_value());
  EXPECT_TRUE(disk().corrupt("f", 1, 0x20));
  EXPECT_TRUE(disk().corrupt("f", 4, 0x20));
  EXPECT_FALSE(disk().corrupt("f", 6, 1));
  EXPECT_FALSE(disk().corrupt("none", 0, 1));
  EXPECT_FALSE(disk().corrupt("none/f", 0, 1));
  EXPECT_EQ(file->read_at(0, 6).value(), "aBcdEf");
  ASSERT_TRUE(file->sync().has_value());
  power_cut();
  EXPECT_EQ(read("f"), "aBcdEf");
  EXPECT_TRUE(disk().corrupt("f", 0, 0x20));
  power_cut();
  EXPECT_EQ(read("f"), "ABcdEf");
}

TEST_F(DiskFaultsTest, WhatWasWrittenLastRotsOnce) {
  EXPECT_FALSE(disk().corrupt_last_write(0, 1)) << "nothing was written";
  const auto file = make("f", "abc");
  ASSERT_TRUE(file->write_at(3, "def").has_value());
  EXPECT_TRUE(disk().corrupt_last_write(4, 0x20));
  EXPECT_EQ(file->read_at(0, 6).value(), "abcdEf");
  EXPECT_FALSE(disk().corrupt_last_write(0, 0x20));
  ASSERT_TRUE(file->write_at(0, "x").has_value());
  EXPECT_TRUE(disk().corrupt_last_write(7, 0x20));
  EXPECT_EQ(file->read_at(0, 6).value(), "XbcdEf");
}

TEST_F(DiskFaultsTest, FilesAreListedWithTheirSizes) {
  make("z", "12345");
  ASSERT_TRUE(files().make_directory("d").has_value());
  make("d/a", "1");
  const auto found = disk().files();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].name, "d/a");
  EXPECT_EQ(found[1].name, "z");
  EXPECT_EQ(found[1].size, 5u);
}

TEST_F(DiskFaultsTest, AnImageIsWhatWasDurableAndCanBePutBackTwice) {
  ASSERT_TRUE(files().make_directory("d").has_value());
  ASSERT_TRUE(files().sync_directory("").has_value());
  const auto file = make("f", "one");
  ASSERT_TRUE(files().open("d/unsynced", Open::create_new).has_value());
  ASSERT_TRUE(file->write_at(0, "two").has_value());
  const DiskImage image = disk().image();
  ASSERT_TRUE(file->sync().has_value());
  for (int i = 0; i < 2; ++i) {
    world_.host(1).crash(Crash::kill);
    disk().restore(image);
    world_.host(1).restart();
    EXPECT_EQ(read("f"), "one");
    EXPECT_EQ(files().list("d").value().size(), 0u);
    ASSERT_TRUE(files().open("f", Open::read_write).value()->write_at(0, "three").has_value());
  }
  world_.host(1).crash(Crash::kill);
  disk().wipe();
  world_.host(1).restart();
  EXPECT_EQ(disk().files().size(), 0u);
  EXPECT_EQ(read("f"), "(open f: No such file or directory)");
}

TEST_F(DiskFaultsTest, StallsTakeTime) {
  const auto run = [&] {
    const Instant start = world_.now();
    bool done = false;
    auto env = world_.host(1).env();
    env.journal_worker.submit(
        [&] {
          auto file = files().open("f", Open::create_or_truncate).value();
          EXPECT_TRUE(file->write_at(0, "x").has_value());
          EXPECT_TRUE(file->sync().has_value());
        },
        [&] { done = true; });
    EXPECT_TRUE(world_.run_until([&] { return done; }, Duration::seconds(100)));
    return world_.now() - start;
  };
  EXPECT_LT(run(), Duration::millis(1));
  disk().inject({.on = {DiskOperation::sync}, .effect = DiskEffect::stall, .nth = 1, .time = Duration::seconds(3)});
  disk().inject({.on = {DiskOperation::write}, .effect = DiskEffect::stall, .nth = 1, .time = Duration::seconds(2)});
  const Duration stalled = run();
  EXPECT_GE(stalled, Duration::seconds(5));
  EXPECT_LT(stalled, Duration::millis(5001));
}

TEST_F(DiskFaultsTest, AStalledDiskBeginsAndReportsNothing) {
  auto env = world_.host(1).env();
  std::string order;
  const auto submit = [&](char c) { env.journal_worker.submit([&, c] { order += c; }, [&] { order += '.'; }); };
  submit('a');
  world_.run_until([&] { return order == "a"; }, Duration::millis(1));
  disk().stall();
  submit('b');
  bool ticked = false;
  env.executor.schedule(Duration::seconds(1), [&] { ticked = true; });
  world_.run_for(Duration::seconds(9));
  EXPECT_EQ(order, "a");
  EXPECT_TRUE(ticked) << "the loop goes on";
  disk().release();
  world_.run_for(Duration::millis(1));
  EXPECT_EQ(order, "a.b.");
}

TEST_F(DiskFaultsTest, SectorsOfATornWriteBeginAtMultiplesOfTheirSize) {
  for (const uint64_t sector : {uint64_t{512}, uint64_t{4096}}) {
    std::set<uint64_t> edges;
    for (uint64_t seed = 1; seed <= 60; ++seed) {
      World world(seed, {.disk = {.survive_percent = 100, .torn_writes = true, .sector_bytes = sector}});
      auto file = world.host(1).env().files.open("f", Open::create_new).value();
      ASSERT_TRUE(file->resize(16384).has_value());
      ASSERT_TRUE(file->sync().has_value());
      ASSERT_TRUE(world.host(1).env().files.sync_directory("").has_value());
      ASSERT_TRUE(file->write_at(100, Bytes(12'000, 'x')).has_value());
      world.host(1).crash();
      world.host(1).restart();
      const Bytes now = world.host(1).env().files.open("f", Open::read_only).value()->read_at(0, 16384).value();
      for (uint64_t i = 1; i < now.size(); ++i) {
        if (now[i] != now[i - 1] && i != 100 && i != 12'100) edges.insert(i);
      }
    }
    EXPECT_GE(edges.size(), 2u);
    for (const uint64_t edge : edges) EXPECT_EQ(edge % sector, 0u);
  }
}

TEST_F(DiskFaultsTest, AFaultIsInTheTrace) {
  const auto run = [](bool faulty) {
    World world(1);
    auto file = world.host(1).env().files.open("f", Open::create_new).value();
    if (faulty) {
      world.host(1).disk().inject({.on = {DiskOperation::write}, .effect = DiskEffect::lie, .nth = 1});
    }
    EXPECT_TRUE(file->write_at(0, "x").has_value());
    return world.trace_hash();
  };
  EXPECT_NE(run(true), run(false));
  EXPECT_EQ(run(true), run(true));
}

}  // namespace
}  // namespace conclave::sim
