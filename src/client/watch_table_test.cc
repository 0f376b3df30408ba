#include "client/watch_table.h"

#include <gtest/gtest.h>

namespace conclave::client {
namespace {

using Kind = WatchTable::Kind;

struct Firing {
  Kind kind;
  EventType event;
  bool fires;
  bool stays;
};

// Which event reaches which watch on the same node, and whether the watch survives it.
TEST(WatchTable, KindsAndEvents) {
  using enum EventType;
  const Firing cases[] = {
      {Kind::data, node_data_changed, true, false},
      {Kind::data, node_deleted, true, false},
      {Kind::data, node_children_changed, false, true},
      {Kind::exists, node_created, true, false},
      {Kind::exists, node_data_changed, true, false},
      {Kind::exists, node_children_changed, false, true},
      {Kind::children, node_children_changed, true, false},
      {Kind::children, node_deleted, true, false},
      {Kind::children, node_data_changed, false, true},
      {Kind::persistent, node_created, true, true},
      {Kind::persistent, node_data_changed, true, true},
      {Kind::persistent, node_deleted, true, true},
      {Kind::persistent, node_children_changed, true, true},
      {Kind::recursive, node_created, true, true},
      {Kind::recursive, node_data_changed, true, true},
      {Kind::recursive, node_deleted, true, true},
      {Kind::recursive, node_children_changed, false, true},
      {Kind::persistent, persistent_watch_removed, false, true},
      {Kind::data, none, false, true},
  };
  for (const Firing& c : cases) {
    WatchTable table;
    table.add(c.kind, "/a", [](const WatchEvent&) {});
    EXPECT_EQ(table.take({.type = c.event, .path = "/a"}).size(), c.fires ? 1u : 0u)
        << static_cast<int>(c.kind) << " " << static_cast<int>(c.event);
    EXPECT_EQ(!table.empty(), c.stays) << static_cast<int>(c.kind) << " " << static_cast<int>(c.event);
  }
}

TEST(WatchTable, RecursiveHearsOfDescendantsOnly) {
  WatchTable table;
  table.add(Kind::recursive, "/a", [](const WatchEvent&) {});
  const auto hears = [&](const char* path) {
    return !table.take({.type = EventType::node_created, .path = path}).empty();
  };
  EXPECT_TRUE(hears("/a/b/c"));
  EXPECT_TRUE(hears("/a"));
  EXPECT_FALSE(hears("/ab"));
  EXPECT_FALSE(hears("/"));
  table.add(Kind::recursive, "/", [](const WatchEvent&) {});
  EXPECT_TRUE(hears("/ab"));
  EXPECT_TRUE(hears("/"));
}

TEST(WatchTable, APathThatIsNoneIsHeardByNobody) {
  WatchTable table;
  table.add(Kind::recursive, "/", [](const WatchEvent&) {});
  for (const char* path : {"a", "a/b", ""}) {
    EXPECT_TRUE(table.take({.type = EventType::node_created, .path = path}).empty()) << path;
  }
}

TEST(WatchTable, Remove) {
  const Kind kinds[] = {Kind::data, Kind::exists, Kind::children, Kind::persistent, Kind::recursive};
  const auto left_after = [&](WatcherType type) {
    WatchTable table;
    for (const Kind kind : kinds) table.add(kind, "/a", [](const WatchEvent&) {});
    table.remove("/a", type);
    size_t left = 0;
    for (const auto& r : table.for_new_server(Zxid(1), 1'000)) {
      left += r.data.size() + r.exists.size() + r.children.size() + r.persistent.size() + r.persistent_recursive.size();
    }
    return left;
  };
  EXPECT_EQ(left_after(WatcherType::any), 0u);
  EXPECT_EQ(left_after(WatcherType::data), 3u);
  EXPECT_EQ(left_after(WatcherType::children), 4u);
}

TEST(WatchTable, ManyWatchesAreToldInPieces) {
  WatchTable table;
  for (int i = 0; i < 100; ++i) table.add(Kind::data, "/node-" + std::to_string(1000 + i), [](const WatchEvent&) {});
  for (int i = 0; i < 10; ++i) table.add(Kind::children, "/kids-" + std::to_string(i), [](const WatchEvent&) {});
  const auto pieces = table.for_new_server(Zxid(9), 150);
  size_t data = 0;
  size_t children = 0;
  for (const auto& piece : pieces) {
    EXPECT_EQ(piece.relative_zxid, Zxid(9));
    size_t bytes = 0;
    for (const BytesView path : piece.data) bytes += path.size() + 4;
    for (const BytesView path : piece.children) bytes += path.size() + 4;
    EXPECT_LE(bytes, 154u);
    data += piece.data.size();
    children += piece.children.size();
  }
  EXPECT_EQ(data, 100u);
  EXPECT_EQ(children, 10u);
  EXPECT_TRUE(WatchTable().for_new_server(Zxid(1), 10).empty());
}

}  // namespace
}  // namespace conclave::client
