// The virtual disk: the contract of env::Files, and what a crash keeps and loses (B30, B36).
#include "sim/world/files.h"

#include <gtest/gtest.h>

#include "sim/world/world.h"

namespace conclave::sim::files_test {
namespace {

using Open = env::Files::Open;

class FilesTest : public testing::Test {
 protected:
  env::Files& files() { return world_.host(1).env().files; }
  void write(std::string_view name, BytesView bytes, bool sync) {
    auto file = files().open(name, Open::create_or_truncate);
    ASSERT_TRUE(file.has_value()) << file.error().message;
    ASSERT_TRUE((*file)->write_at(0, bytes).has_value());
    if (!sync) return;
    ASSERT_TRUE((*file)->sync().has_value());
  }
  std::string read(std::string_view name) {
    auto file = files().open(name, Open::read_only);
    return file ? (*file)->read_at(0, 1 << 20).value() : "(" + file.error().message + ")";
  }
  void restart(Crash how) {
    world_.host(1).crash(how);
    world_.host(1).restart();
  }

  World world_{1};
};

TEST_F(FilesTest, PowerCutLosesUnsyncedWritesAndEntries) {
  write("kept", "synced", /*sync=*/true);
  ASSERT_TRUE(files().sync_directory("").has_value());
  write("data-only", "synced, but its name is not", /*sync=*/true);
  {
    auto file = files().open("kept", Open::read_write).value();
    ASSERT_TRUE(file->write_at(6, " and more").has_value());
  }
  EXPECT_EQ(read("kept"), "synced and more");
  restart(Crash::power_cut);
  EXPECT_EQ(read("kept"), "synced");
  EXPECT_EQ(read("data-only"), "(open data-only: No such file or directory)");
}

TEST_F(FilesTest, SyncsOfFilesAreCounted) {
  write("a", "1", /*sync=*/true);
  write("b", "2", /*sync=*/false);
  write("c", "3", /*sync=*/true);
  ASSERT_TRUE(files().sync_directory("").has_value());
  EXPECT_EQ(world_.host(1).disk().file_syncs(), 2u);
  restart(Crash::kill);
  write("d", "4", /*sync=*/true);
  EXPECT_EQ(world_.host(1).disk().file_syncs(), 3u) << "over all lives";
  EXPECT_EQ(world_.host(2).disk().file_syncs(), 0u);
}

TEST_F(FilesTest, KillLosesNothingThatWasWritten) {
  write("a", "in the page cache", /*sync=*/false);
  restart(Crash::kill);
  EXPECT_EQ(read("a"), "in the page cache");
}

TEST_F(FilesTest, RenameAndRemoveComeBackWithoutDirectorySync) {
  write("old", "1", true);
  write("gone", "2", true);
  ASSERT_TRUE(files().sync_directory("").has_value());
  ASSERT_TRUE(files().rename("old", "new").has_value());
  ASSERT_TRUE(files().remove("gone").has_value());
  EXPECT_EQ(files().list("").value(), (std::vector<std::string>{"new"}));
  restart(Crash::power_cut);
  EXPECT_EQ(files().list("").value(), (std::vector<std::string>{"gone", "old"}));
  ASSERT_TRUE(files().rename("old", "gone").has_value());
  ASSERT_TRUE(files().sync_directory("").has_value());
  restart(Crash::power_cut);
  EXPECT_EQ(files().list("").value(), (std::vector<std::string>{"gone"}));
  EXPECT_EQ(read("gone"), "1");
}

TEST_F(FilesTest, DirectoriesAreDurableByTheirParent) {
  ASSERT_TRUE(files().make_directory("journal").has_value());
  ASSERT_TRUE(files().make_directory("journal").has_value()) << "fine if it is there";
  write("journal/1", "x", true);
  ASSERT_TRUE(files().sync_directory("journal").has_value());
  restart(Crash::power_cut);
  EXPECT_FALSE(files().exists("journal").value()) << "its own entry was never synced";
  EXPECT_FALSE(files().exists("journal/1").value());
}

TEST_F(FilesTest, SurvivorsAreChosenBySeedAndTornBySector) {
  const auto crash_content = [](uint64_t seed) {
    World world(seed, {.disk = {.survive_percent = 50, .torn_writes = true}});
    {
      auto env = world.host(1).env();
      auto file = env.files.open("f", Open::create_new).value();
      EXPECT_TRUE(file->write_at(0, Bytes(4096, 'a')).has_value());
      EXPECT_TRUE(file->sync().has_value());
      EXPECT_TRUE(env.files.sync_directory("").has_value());
      EXPECT_TRUE(file->write_at(0, Bytes(4096, 'b')).has_value());
    }
    world.host(1).crash();
    world.host(1).restart();
    return world.host(1).env().files.open("f", Open::read_only).value()->read_at(0, 8192).value();
  };
  bool saw_old = false, saw_new = false, saw_torn = false;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    const Bytes content = crash_content(seed);
    ASSERT_EQ(content.size(), 4096u);
    const auto fresh = std::count(content.begin(), content.end(), 'b');
    EXPECT_EQ(fresh % 512, 0);
    (fresh == 0 ? saw_old : fresh == 4096 ? saw_new : saw_torn) = true;
  }
  EXPECT_TRUE(saw_old);
  EXPECT_TRUE(saw_new);
  EXPECT_TRUE(saw_torn);
  EXPECT_EQ(crash_content(3), crash_content(3));
}

TEST_F(FilesTest, ResizeZeroFillsAndCuts) {
  auto file = files().open("f", Open::create_new).value();
  ASSERT_TRUE(file->write_at(4094, "abcdef").has_value());
  EXPECT_EQ(file->size().value(), 4100u);
  EXPECT_EQ(file->read_at(4090, 6).value(), (std::string("\0\0\0\0ab", 6)));
  ASSERT_TRUE(file->resize(4095).has_value());
  ASSERT_TRUE(file->resize(1 << 20).has_value());
  EXPECT_EQ(file->read_at(4094, 3).value(), (std::string("a\0\0", 3)));
  EXPECT_EQ(file->read_at((1 << 20) - 2, 10).value(), (std::string("\0\0", 2)));
  EXPECT_EQ(file->read_at(1 << 21, 10).value(), "");
}

TEST_F(FilesTest, ErrorsNameTheFile) {
  const auto message = [](const auto& result) { return result ? std::string("ok") : result.error().message; };
  EXPECT_EQ(message(files().open("none", Open::read_write)), "open none: No such file or directory");
  write("f", "x", false);
  EXPECT_EQ(message(files().open("f", Open::create_new)), "create f: File exists");
  EXPECT_EQ(files().open("f", Open::create_new).error().kind, ErrorKind::already_exists);
  EXPECT_EQ(files().open("a/b/c", Open::read_only).error().kind, ErrorKind::invalid_argument);
  EXPECT_EQ(files().open("../f", Open::read_only).error().kind, ErrorKind::not_found);
  EXPECT_EQ(files().open("..", Open::read_only).error().kind, ErrorKind::invalid_argument);
  EXPECT_EQ(message(files().open("f/g", Open::read_only)), "open directory f: Not a directory");
  EXPECT_EQ(message(files().remove("none")), "remove none: No such file or directory");
  EXPECT_EQ(message(files().rename("none", "f")), "rename none: No such file or directory");
  EXPECT_EQ(message(files().list("none")), "open directory none: No such file or directory");
  EXPECT_EQ(files().make_directory("f").error().kind, ErrorKind::already_exists);
  ASSERT_TRUE(files().make_directory("d").has_value());
  write("d/f", "x", false);
  EXPECT_EQ(message(files().remove("d")), "remove d: Directory not empty");
  EXPECT_EQ(message(files().open("d", Open::read_only)), "open d: Is a directory");
  EXPECT_EQ(message(files().rename("f", "d")), "rename onto d: Is a directory");
  auto file = files().open("f", Open::read_only).value();
  EXPECT_EQ(message(file->write_at(0, "y")), "write f: Bad file descriptor");
}

TEST_F(FilesTest, FullDiskRefusesGrowthOnly) {
  world_.host(1).disk().options().capacity_bytes = 1000;
  auto file = files().open("f", Open::create_new).value();
  ASSERT_TRUE(file->resize(900).has_value());
  EXPECT_EQ(files().free_bytes().value(), 100u);
  EXPECT_EQ(file->resize(1001).error().kind, ErrorKind::no_space);
  EXPECT_EQ(file->write_at(990, "0123456789a").error().message, "write f: No space left on device");
  EXPECT_TRUE(file->write_at(0, "in place").has_value());
}

TEST_F(FilesTest, HandlesOfADeadLifeAnswerWithAnError) {
  auto& old_files = files();
  auto file = old_files.open("f", Open::create_new).value();
  ASSERT_TRUE(old_files.lock().has_value());
  restart(Crash::kill);
  EXPECT_EQ(file->write_at(0, "late").error().kind, ErrorKind::closed);
  EXPECT_EQ(file->sync().error().kind, ErrorKind::closed);
  EXPECT_EQ(old_files.lock().error().kind, ErrorKind::closed);
  EXPECT_EQ(old_files.open("f", Open::read_only).error().kind, ErrorKind::closed);
  EXPECT_TRUE(files().lock().has_value()) << "the lock died with its holder";
  EXPECT_EQ(read("f"), "");
}

}  // namespace
}  // namespace conclave::sim::files_test
