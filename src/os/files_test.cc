// The contract of env::Files on a real directory.
#include "os/files.h"

#include <csignal>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "os/test_world.h"

namespace conclave::os {
namespace {

using Open = env::Files::Open;

template <class T>
std::string message(const Result<T>& result) {
  return result ? "ok" : result.error().message;
}

class FilesTest : public testing::Test {
 protected:
  std::string at(std::string_view name) const { return directory_.path() + "/" + std::string(name); }
  unsigned mode(const std::string& path) const {
    struct stat status{};
    EXPECT_EQ(stat(path.c_str(), &status), 0);
    return status.st_mode & 0777;
  }
  std::unique_ptr<env::File> create(std::string_view name) { return files_->open(name, Open::create_new).value(); }

  TemporaryDirectory directory_;
  std::unique_ptr<Files> files_ = Files::open_directory(directory_.path()).value();
};

TEST_F(FilesTest, WriteReadSyncResize) {
  auto file = create("f");
  const Bytes bulk(3 << 20, 'b');
  ASSERT_TRUE(file->write_at(4094, "abcdef").has_value());
  ASSERT_TRUE(file->write_at(1 << 20, bulk).has_value());
  ASSERT_TRUE(file->sync().has_value());
  EXPECT_EQ(file->size().value(), (1u << 20) + bulk.size());
  EXPECT_EQ(file->read_at(4090, 6).value(), (std::string("\0\0\0\0ab", 6)));
  EXPECT_EQ(file->read_at(1 << 20, 1 << 30).value(), bulk) << "fewer at the end";
  EXPECT_EQ(file->read_at(1 << 30, 10).value(), "");
  ASSERT_TRUE(file->resize(4095).has_value());
  ASSERT_TRUE(file->resize(1 << 20).has_value());
  EXPECT_EQ(file->read_at(4094, 3).value(), (std::string("a\0\0", 3)));
  struct stat status{};
  ASSERT_EQ(stat(at("f").c_str(), &status), 0);
  EXPECT_GE(status.st_blocks * 512, (1 << 20) - 8192) << "allocated, not a hole";
}

TEST_F(FilesTest, DirectoriesRenameRemoveList) {
  ASSERT_TRUE(files_->make_directory("journal").has_value());
  ASSERT_TRUE(files_->make_directory("journal").has_value()) << "fine if it is there";
  create("journal/b");
  create("journal/a");
  create("top");
  EXPECT_EQ(files_->list("journal").value(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(files_->list("").value(), (std::vector<std::string>{"journal", "top"}));
  ASSERT_TRUE(files_->rename("top", "journal/a").has_value());
  EXPECT_FALSE(files_->exists("top").value());
  EXPECT_TRUE(files_->exists("journal/a").value());
  EXPECT_FALSE(files_->exists("none/a").value());
  ASSERT_TRUE(files_->sync_directory("journal").has_value());
  ASSERT_TRUE(files_->sync_directory("").has_value());
  ASSERT_TRUE(files_->remove("journal/a").has_value());
  ASSERT_TRUE(files_->remove("journal/b").has_value());
  ASSERT_TRUE(files_->remove("journal").has_value());
  EXPECT_EQ(files_->list("").value(), std::vector<std::string>{});
}

TEST_F(FilesTest, OpenModes) {
  ASSERT_TRUE(create("f")->write_at(0, "content").has_value());
  EXPECT_EQ(files_->open("f", Open::create_new).error().kind, ErrorKind::already_exists);
  EXPECT_EQ(files_->open("none", Open::read_write).error().kind, ErrorKind::not_found);
  auto reading = files_->open("f", Open::read_only).value();
  EXPECT_EQ(reading->read_at(0, 100).value(), "content");
  EXPECT_EQ(message(reading->write_at(0, "x")), "write " + at("f") + ": Bad file descriptor");
  auto truncated = files_->open("f", Open::create_or_truncate).value();
  EXPECT_EQ(truncated->size().value(), 0u);
}

TEST_F(FilesTest, OnlyTheOwnerMayRead) {
  const mode_t old = umask(0);
  create("f");
  ASSERT_TRUE(files_->make_directory("d").has_value());
  auto deep = Files::open_directory(at("data/deep"));
  umask(old);
  ASSERT_TRUE(deep.has_value()) << deep.error().message;
  EXPECT_EQ(mode(at("f")), 0600u);
  EXPECT_EQ(mode(at("d")), 0700u);
  EXPECT_EQ(mode(at("data/deep")), 0700u);
}

TEST_F(FilesTest, NamesStayBelowTheDirectory) {
  for (const char* name : {"..", ".", "", "/etc/passwd", "../f", "a/../b", "a/b/c", "a/", "/"}) {
    EXPECT_EQ(files_->open(name, Open::read_only).error().kind, ErrorKind::invalid_argument) << name;
    EXPECT_EQ(files_->remove(name).error().kind, ErrorKind::invalid_argument) << name;
  }
  EXPECT_EQ(files_->rename("a", "../b").error().kind, ErrorKind::invalid_argument);
  EXPECT_EQ(files_->make_directory("..").error().kind, ErrorKind::invalid_argument);
  ASSERT_EQ(symlink("/etc/hostname", at("link").c_str()), 0);
  EXPECT_EQ(message(files_->open("link", Open::read_only)),
            "open " + at("link") + ": Too many levels of symbolic links");
}

TEST_F(FilesTest, ErrorsCarryTheSystemsWordsAndTheName) {
  EXPECT_EQ(message(files_->list("none")), "open directory " + at("none") + ": No such file or directory");
  EXPECT_EQ(message(files_->remove("none")), "remove " + at("none") + ": No such file or directory");
  EXPECT_EQ(message(files_->rename("none", "b")),
            "rename " + at("none") + " to " + at("b") + ": No such file or directory");
  EXPECT_EQ(message(files_->sync_directory("none")), "open directory " + at("none") + ": No such file or directory");
  create("f");
  EXPECT_EQ(message(files_->make_directory("f")), "make directory " + at("f") + ": File exists");
  ASSERT_TRUE(files_->make_directory("d").has_value());
  create("d/f");
  EXPECT_EQ(message(files_->remove("d")), "remove " + at("d") + ": Directory not empty");
  EXPECT_EQ(message(files_->open("d", Open::read_only)), "open " + at("d") + ": not a regular file");
  EXPECT_EQ(message(Files::open_directory(at("f"))), "open data directory " + at("f") + ": Not a directory");
  EXPECT_FALSE(Files::none()->open("f", Open::read_only).has_value());
  EXPECT_GT(files_->free_bytes().value(), 0u);
}

TEST_F(FilesTest, OneHolderOfTheLock) {
  ASSERT_TRUE(files_->lock().has_value());
  ASSERT_TRUE(files_->lock().has_value()) << "again by the same is fine";
  auto other = Files::open_directory(directory_.path()).value();
  const auto refused = other->lock();
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  EXPECT_NE(refused.error().message.find("pid " + std::to_string(getpid())), std::string::npos);
  files_.reset();
  EXPECT_TRUE(other->lock().has_value()) << "freed with its holder";
}

// A limit on the file's size stands in for a full disk: the calls fail in the middle.
TEST_F(FilesTest, FailedGrowthIsAnErrorNotASignal) {
  auto file = create("f");
  rlimit old{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto action = signal(SIGXFSZ, SIG_IGN);
  rlimit small = old;
  small.rlim_cur = 8192;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto written = file->write_at(4096, Bytes(65536, 'x'));
  const auto resized = file->resize(1 << 20);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
  signal(SIGXFSZ, action);
  EXPECT_EQ(message(written), "write " + at("f") + ": File too large");
  EXPECT_FALSE(resized.has_value());
}

}  // namespace
}  // namespace conclave::os
