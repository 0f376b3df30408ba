// The tree alone: lookups, order, counts, and the walk that snapshots and counts rely on.
#include "state/tree/tree.h"

#include <gtest/gtest.h>
#include <set>
#include <vector>

#include "base/random.h"
#include "state/tree/node_digest.h"
#include "state/tree/path.h"

namespace conclave::state {
namespace {

std::vector<std::string> walk(const Tree& tree) {
  std::vector<std::string> paths;
  for (const Node* node = tree.root(); node != nullptr; node = Tree::next_in_order(node))
    paths.push_back(Tree::path_of(node));
  return paths;
}

TEST(Tree, FindsWhatWasInserted) {
  Tree tree;
  Node* a = tree.insert(tree.root(), "a");
  Node* b = tree.insert(a, "b");
  EXPECT_EQ(tree.find("/"), tree.root());
  EXPECT_EQ(tree.find(""), tree.root());
  EXPECT_EQ(tree.find("/a"), a);
  EXPECT_EQ(tree.find("/a/b"), b);
  EXPECT_EQ(b->parent, a);
  EXPECT_EQ(Tree::path_of(b), "/a/b");
  for (const auto* missing : {"a", "/b", "/a/", "//a", "/a//b", "/a/b/c", "/a/bb", "//"})
    EXPECT_EQ(tree.find(missing), nullptr) << missing;
}

TEST(Tree, WalksParentsFirstAndSiblingsByName) {
  Tree tree;
  Node* b = tree.insert(tree.root(), "b");
  tree.insert(tree.root(), "c");
  Node* a = tree.insert(tree.root(), "a");
  tree.insert(b, "y");
  tree.insert(b, "x");
  tree.insert(a, "z");
  EXPECT_EQ(walk(tree), (std::vector<std::string>{"/", "/a", "/a/z", "/b", "/b/x", "/b/y", "/c"}));
  std::vector<std::string> below;
  for (const Node* node = b; node != nullptr; node = Tree::next_in_order(node, b)) below.push_back(Tree::path_of(node));
  EXPECT_EQ(below, (std::vector<std::string>{"/b", "/b/x", "/b/y"}));
}

TEST(Tree, CountsNodesAndBytesAsASetOfPathsDoes) {
  Tree tree;
  std::set<std::string> model = {"/"};
  Random random(1);
  for (int i = 0; i < 5000; ++i) {
    auto it = model.begin();
    std::advance(it, static_cast<ptrdiff_t>(random.below(model.size())));
    Node* node = tree.find(*it);
    ASSERT_NE(node, nullptr);
    if (random.chance(1, 2)) {
      const std::string name(1 + random.below(2), static_cast<char>('a' + random.below(4)));
      if (tree.find_child(node, name) != nullptr) continue;
      tree.insert(node, name);
      model.insert((*it == "/" ? "" : *it) + "/" + name);
    } else if (node != tree.root() && node->child_count() == 0) {
      tree.erase(node);
      model.erase(it);
    }
  }
  uint64_t bytes = 0;
  for (const std::string& path : model) bytes += path.size();
  EXPECT_EQ(tree.node_count(), model.size());
  EXPECT_EQ(tree.data_bytes(), bytes);
  const auto paths = walk(tree);
  EXPECT_EQ(std::set<std::string>(paths.begin(), paths.end()), model);
  tree.clear();
  EXPECT_EQ(walk(tree), (std::vector<std::string>{"/"}));
  EXPECT_EQ(tree.data_bytes(), 1u);
}

TEST(Tree, DataGrowsAndShrinks) {
  Tree tree;
  Node* node = tree.insert(tree.root(), "a");
  EXPECT_EQ(node->data(), "");
  for (const size_t size : {size_t{3}, size_t{3}, size_t{1000}, size_t{0}, size_t{1}}) {
    tree.set_data(node, std::string(size, 'x'));
    EXPECT_EQ(node->data(), std::string(size, 'x'));
    EXPECT_EQ(tree.data_bytes(), 1 + 2 + size);
  }
}

TEST(Tree, DeepTreesNeedNoStack) {
  Tree tree;
  Node* node = tree.root();
  for (int i = 0; i < 10'000; ++i) node = tree.insert(node, "d");
  tree.clear();
  EXPECT_EQ(tree.node_count(), 1u);
}

TEST(Tree, ShownCversionCountsBothWaysAndWrapsIn32Bits) {  // DataNode.copyStat
  EXPECT_EQ(Node::shown_cversion(0, 1), -1);
  EXPECT_EQ(Node::shown_cversion(3, 1), 5);
  EXPECT_EQ(Node::shown_cversion(int64_t{1} << 31, 0), 0);
  EXPECT_EQ(Node::shown_cversion((int64_t{1} << 30), 0), std::numeric_limits<int32_t>::min());
}

TEST(Tree, ANodeIsSmall) {  // performance: at most 200 bytes per node beyond path and data
  EXPECT_LE(sizeof(Node), 112u);
}

TEST(NodeDigest, CoversEveryField) {
  Tree tree;
  Node* node = tree.insert(tree.root(), "a");
  const auto digest = [&](uint64_t acl = 1, const char* path = "/a") {
    return own_digest(*node, path_hash(path), acl) + children_digest(*node, path_hash(path));
  };
  std::set<uint64_t> seen = {digest()};
  const auto differs = [&](const char* what, uint64_t value) { EXPECT_TRUE(seen.insert(value).second) << what; };
  differs("acl", digest(2));
  differs("path", digest(1, "/b"));
  const auto change = [&](const char* what, auto apply) {
    apply();
    differs(what, digest());
  };
  change("czxid", [&] { node->czxid = Zxid(1); });
  change("mzxid", [&] { node->mzxid = Zxid(2); });
  change("pzxid", [&] { node->pzxid = Zxid(3); });
  change("ctime", [&] { node->ctime_ms = 4; });
  change("mtime", [&] { node->mtime_ms = 5; });
  change("owner", [&] { node->owner = 6; });
  change("creates", [&] { node->creates = 7; });
  change("version", [&] { node->version = 8; });
  change("aversion", [&] { node->aversion = 9; });
  change("lifetime", [&] { node->set_lifetime(Lifetime::ttl); });
  change("data", [&] { tree.set_data(node, "x"); });
  change("children", [&] { tree.insert(node, "c"); });
}

TEST(Path, Validity) {  // PathUtils.validatePath
  for (const auto* good :
       {"/", "/a", "/a/b", "/...", "/.a", "/a.", "/a/..b", "/ ", "/\xC2\xA0", "/\xE4\xB8\xAD", "/\xEF\xBF\xAF"})
    EXPECT_TRUE(valid_path(good)) << good;
  for (const std::string& bad : {std::string(),
                                 std::string("a"),
                                 std::string("a/b"),
                                 std::string("/a/"),
                                 std::string("//"),
                                 std::string("/a//b"),
                                 std::string("/."),
                                 std::string("/.."),
                                 std::string("/a/./b"),
                                 std::string("/a/../b"),
                                 std::string("/a/.."),
                                 std::string("/\x1F"),
                                 std::string("/\x7F"),
                                 std::string("/\xC2\x80"),
                                 std::string("/\xC2\x9F"),
                                 std::string("/\xED\xA0\x80"),
                                 std::string("/\xEE\x80\x80"),
                                 std::string("/\xEF\xA3\xBF"),
                                 std::string("/\xEF\xBF\xB0"),
                                 std::string("/\xEF\xBF\xBD"),
                                 std::string("/\xF0\x9F\x98\x80"),
                                 std::string("/\x80"),
                                 std::string("/\xC3"),
                                 std::string("/\xE4\xB8"),
                                 std::string("/\xC0\xAF"),
                                 std::string("/\xE0\x80\x80"),
                                 std::string("/\xFF"),
                                 std::string("/a\0b", 4)})
    EXPECT_FALSE(valid_path(bad)) << bad;
}

TEST(Path, Parts) {
  EXPECT_EQ(parent_path("/a"), "/");
  EXPECT_EQ(parent_path("/a/b"), "/a");
  EXPECT_EQ(name_of("/a/b"), "b");
  EXPECT_EQ(path_depth("/"), 0u);
  EXPECT_EQ(path_depth("/a/b"), 2u);
  EXPECT_TRUE(within("/a/b", "/a"));
  EXPECT_TRUE(within("/a", "/a"));
  EXPECT_TRUE(within("/a", "/"));
  EXPECT_FALSE(within("/ab", "/a"));
  EXPECT_FALSE(within("/", "/a"));
  for (const auto* special : {"/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"})
    EXPECT_TRUE(is_special_path(special));
  EXPECT_FALSE(is_special_path("/zookeeper/other"));
}

}  // namespace
}  // namespace conclave::state
