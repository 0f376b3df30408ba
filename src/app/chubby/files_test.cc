// The commands on files, over the fake.
#include "app/chubby/files.h"

#include "client/chubby/testing_fake.h"

namespace conclave::app {
namespace {

using namespace chubby;
using testing::HasSubstr;

class FilesTest : public FakeTest, public Run {
 protected:
  LockService& service() override { return a; }
  env::Executor& executor() override { return FakeTest::executor; }
  bool json() const override { return json_; }
  void print(std::string_view text) override { out += text; }
  void complain(std::string_view text) override { errors += text; }
  void reached() override {}
  void finish(int code) override {
    EXPECT_EQ(code_, -1) << "finished twice";
    code_ = code;
  }

  // Runs one to its end.
  template <class Command>
  int run(Command command) {
    out.clear();
    errors.clear();
    code_ = -1;
    command();
    settle();
    return code_;
  }
  int put(std::string name, Bytes contents, PutOptions options = {}) {
    options.name = std::move(name);
    options.contents = std::move(contents);
    return run([&] { run_put(*this, options); });
  }
  int rm(RemoveOptions options) {
    return run([&] { run_rm(*this, options); });
  }

  std::string out, errors;
  bool json_ = false;

 private:
  int code_ = -1;
};

TEST_F(FilesTest, PutMakesAndWrites) {
  EXPECT_EQ(put("/f", "one"), 0);
  EXPECT_EQ(put("/f", "two"), 0);
  EXPECT_EQ(out, "");
  EXPECT_EQ(run([&] { run_cat(*this, "/f"); }), 0);
  EXPECT_EQ(out, "two");
  EXPECT_EQ(put("/f", "x", {.fresh = true}), kCellRefused);
  EXPECT_EQ(errors, "/f: the node exists");
  EXPECT_EQ(put("/none/f", "x"), kCellRefused);
}

TEST_F(FilesTest, PutOverOneGeneration) {
  put("/f", "one");
  const uint64_t generation = open(b, "/f", {})->stat.content_generation;
  EXPECT_EQ(put("/f", "two", {.generation = generation}), 0);
  EXPECT_EQ(put("/f", "three", {.generation = generation}), kCellRefused);
  EXPECT_EQ(cell.contents("/f"), "two");
  EXPECT_EQ(put("/none", "three", {.generation = generation}), kCellRefused) << "it makes nothing";
  EXPECT_EQ(cell.contents("/none"), std::nullopt);
}

TEST_F(FilesTest, PutMakesDirectories) {
  EXPECT_EQ(put("/d", "", {.directory = true}), 0);
  EXPECT_EQ(put("/d", "", {.directory = true}), 0) << "it is there already";
  EXPECT_EQ(put("/d/e/f/g", "deep", {.parents = true}), 0);
  EXPECT_EQ(cell.contents("/d/e/f/g"), "deep");
  EXPECT_EQ(put("/d/e/f/h", "", {.directory = true, .parents = true}), 0);
  EXPECT_EQ(put("/d", "text"), kCellRefused) << "a directory has no contents";
  EXPECT_EQ(put("/d/e/f/g/x", "", {.parents = true}), kCellRefused) << "a file is no parent";
}

TEST_F(FilesTest, Ls) {
  put("/d/sub", "", {.directory = true, .parents = true});
  put("/d/file", "12345");
  EXPECT_EQ(run([&] { run_ls(*this, "/d", false); }), 0);
  EXPECT_EQ(out, "file\nsub/\n");
  EXPECT_EQ(run([&] { run_ls(*this, "/d", true); }), 0);
  EXPECT_THAT(out, HasSubstr("file                       5 "));
  EXPECT_EQ(run([&] { run_ls(*this, "/d/file", false); }), kCellRefused);
  EXPECT_EQ(errors, "/d/file: not a directory");
  json_ = true;
  EXPECT_EQ(run([&] { run_ls(*this, "/d", false); }), 0);
  EXPECT_THAT(out, HasSubstr("[{\"name\":\"file\",\"directory\":false"));
}

TEST_F(FilesTest, Rm) {
  put("/d/e/f", "", {.parents = true});
  put("/d/g", "");
  EXPECT_EQ(rm({.name = "/d"}), kCellRefused);
  EXPECT_EQ(errors, "/d: the node has children");
  EXPECT_EQ(rm({.name = "/d", .recursive = true}), 0);
  EXPECT_EQ(open(b, "/d", {}).error().code, CallCode::no_node);
  EXPECT_EQ(rm({.name = "/d"}), kCellRefused);
  EXPECT_EQ(rm({.name = "/d", .missing_is_good = true}), 0);
}

TEST_F(FilesTest, StatAndAcl) {
  put("/f", "x");
  EXPECT_EQ(run([&] { run_stat(*this, "/f"); }), 0);
  EXPECT_THAT(out, HasSubstr("kind                file\nlength              1\n"));
  const AclChange all{.read = "r", .write = "w", .change_acl = "c"};
  EXPECT_EQ(run([&] { run_acl_set(*this, "/f", all); }), 0);
  EXPECT_EQ(run([&] { run_acl_set(*this, "/f", {.read = "q"}); }), 0) << "the others stay";
  json_ = true;
  EXPECT_EQ(run([&] { run_acl_get(*this, "/f"); }), 0);
  EXPECT_EQ(out, "{\"read\":\"q\",\"write\":\"w\",\"change_acl\":\"c\"}\n");
}

TEST_F(FilesTest, ALostSessionIsAnUnreachableCell) {
  a.expire();
  settle();
  EXPECT_EQ(put("/f", "x"), kCellUnreachable);
}

}  // namespace
}  // namespace conclave::app
