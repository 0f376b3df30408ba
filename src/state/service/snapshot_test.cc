// Snapshots: exact at their beginning whatever happens meanwhile (B45), and nothing damaged is ever believed.
#include <gtest/gtest.h>

#include "base/codec.h"
#include "state/service/snapshot_format.h"
#include "state/service/test_support.h"
#include "state/service/workload.h"

namespace conclave::state {
namespace {

using namespace testing;

struct Populated {
  Cell cell;
  Workload workload;
  explicit Populated(uint64_t seed, int steps) : workload(seed, cell.service) {
    for (int64_t id = 1; id <= 3; ++id) cell.open(SessionId(id));
    for (int i = 0; i < steps; ++i) step();
  }
  void step() {
    cell.now_ms = workload.next_time_ms();
    cell.origin = workload.next_origin();
    cell.run(workload.next());
  }
};

// Everything that the digest covers and what is derived from it.
void expect_equal(const Service& a, const Service& b) {
  EXPECT_EQ(a.digest(), b.digest());
  EXPECT_EQ(a.last_zxid(), b.last_zxid());
  EXPECT_EQ(a.last_time_ms(), b.last_time_ms());
  EXPECT_EQ(a.node_count(), b.node_count());
  EXPECT_EQ(a.ephemeral_count(), b.ephemeral_count());
  EXPECT_EQ(a.approximate_data_bytes(), b.approximate_data_bytes());
  EXPECT_EQ(a.sessions().size(), b.sessions().size());
  for (const SessionView& session : a.sessions()) {
    EXPECT_EQ(a.ephemerals(session.id), b.ephemerals(session.id));
    EXPECT_EQ(session.owner, b.session(session.id)->owner);
  }
  EXPECT_EQ(a.due_for_reaping(1'000'000'000), b.due_for_reaping(1'000'000'000));
}

TEST(Snapshot, ComesBackAsItWas) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Populated source(seed, 400);
    for (const size_t chunk : {size_t{1}, size_t{7}, size_t{1000}, size_t{1} << 20}) {
      const auto cursor = source.cell.service.begin_snapshot();
      const Bytes bytes = snapshot_of(*cursor, chunk);
      EXPECT_EQ(cursor->nodes_emitted(), cursor->nodes_total());
      Service loaded;
      const auto result = load(loaded, bytes, chunk);
      ASSERT_TRUE(result) << result.error().message;
      expect_equal(source.cell.service, loaded);
    }
  }
}

TEST(Snapshot, TellsNullDataFromEmptyData) {
  Cell cell;
  cell.open();
  cell.client(CreateRequest{.path = "/null", .acl = kOpen, .kind = NodeKind::ephemeral, .data_is_null = true});
  cell.client(CreateRequest{.path = "/empty", .acl = kOpen});
  Service loaded;
  ASSERT_TRUE(load(loaded, snapshot_of(*cell.service.begin_snapshot())));
  EXPECT_TRUE(loaded.get("/null", {})->data_is_null);
  EXPECT_FALSE(loaded.get("/empty", {})->data_is_null);
  EXPECT_EQ(loaded.ephemerals(kClient), std::vector<std::string>{"/null"});
}

TEST(Snapshot, ALoadedStateGoesOnAsTheOriginal) {
  Populated source(3, 500);
  Service loaded;
  const auto cursor = source.cell.service.begin_snapshot();
  ASSERT_TRUE(load(loaded, snapshot_of(*cursor)));
  for (int i = 0; i < 1500; ++i) {
    source.step();
    if (source.cell.refused) continue;
    const Applied applied = loaded.apply(source.cell.last_transaction);
    ASSERT_FALSE(applied.skipped);
    ASSERT_EQ(loaded.digest(), source.cell.service.digest());
  }
}

TEST(Snapshot, IsExactAtItsBeginningWhileTheStateChanges) {  // B45
  for (uint64_t seed = 0; seed < 40; ++seed) {
    Populated source(seed, 300);
    Random random(seed);
    for (int round = 0; round < 4; ++round) {  // several cursors one after another: marks of old ones must not matter
      const uint64_t digest = source.cell.service.digest();
      const uint64_t nodes = source.cell.service.node_count();
      auto cursor = source.cell.service.begin_snapshot();
      EXPECT_EQ(cursor->nodes_total(), nodes);
      Bytes bytes;
      // A few bytes at a time, with a burst of changes between, before the first and after the last byte.
      bool more = true;
      while (more) {
        for (uint64_t n = random.below(6); n > 0; --n) source.step();
        more = cursor->next(1 + random.below(200), &bytes);
      }
      for (int i = 0; i < 20; ++i) source.step();
      cursor.reset();
      Service loaded;
      const auto result = load(loaded, bytes);
      ASSERT_TRUE(result) << "seed " << seed << " round " << round << ": " << result.error().message;
      ASSERT_EQ(loaded.digest(), digest);
      ASSERT_EQ(loaded.node_count(), nodes);
    }
  }
}

TEST(Snapshot, BeganAtEveryPointOfAWorkload) {  // B45
  Populated source(77, 0);
  for (int i = 0; i < 400; ++i) {
    const uint64_t digest = source.cell.service.digest();
    auto cursor = source.cell.service.begin_snapshot();
    source.step();
    Bytes bytes;
    cursor->next(100, &bytes);
    source.step();
    bytes += snapshot_of(*cursor, 64);
    Service loaded;
    const auto result = load(loaded, bytes);
    ASSERT_TRUE(result) << result.error().message;
    ASSERT_EQ(loaded.digest(), digest) << "point " << i;
  }
}

TEST(Snapshot, SurvivesTheDeletionOfEverything) {
  Cell cell;
  cell.open();
  for (int i = 0; i < 50; ++i) cell.create("/e" + std::to_string(i), NodeKind::ephemeral, Bytes(100, 'x'));
  const uint64_t digest = cell.service.digest();
  auto cursor = cell.service.begin_snapshot();
  Bytes bytes;
  cursor->next(500, &bytes);
  cell.client(CloseSessionRequest{});
  ASSERT_EQ(cell.service.node_count(), 4u);
  bytes += snapshot_of(*cursor, 100);
  Service loaded;
  ASSERT_TRUE(load(loaded, bytes));
  EXPECT_EQ(loaded.digest(), digest);
  EXPECT_EQ(loaded.ephemerals(kClient).size(), 50u);
}

TEST(Snapshot, AnAbandonedCursorLeavesNoTrace) {
  Populated source(5, 200);
  {
    const auto cursor = source.cell.service.begin_snapshot();
    Bytes bytes;
    cursor->next(300, &bytes);
  }
  source.step();
  const auto cursor = source.cell.service.begin_snapshot();
  Service loaded;
  ASSERT_TRUE(load(loaded, snapshot_of(*cursor)));
  EXPECT_EQ(loaded.digest(), source.cell.service.digest());
}

TEST(Snapshot, OfALargeTreeIsCutIntoChunks) {
  Cell cell;
  cell.open();
  for (int i = 0; i < 2000; ++i) cell.create("/n" + std::to_string(i), NodeKind::persistent, Bytes(100, 'x'));
  const auto cursor = cell.service.begin_snapshot();
  size_t chunks = 0;
  Bytes chunk;
  while (cursor->next(4096, &chunk)) {
    ++chunks;
    EXPECT_LE(chunk.size(), 4096u);
    chunk.clear();
  }
  EXPECT_GT(chunks, 50u);
}

Bytes from_hex(std::string_view hex) {
  Bytes out;
  for (size_t i = 0; i < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, /*base=*/16));
  return out;
}

// A snapshot of the time when nodes had four kinds, and neither calls nor a secret were known: it loads, with the
// digest that it had, and is written again as it was.
TEST(Snapshot, OfAnEarlierBuildReadsTheSame) {
  const Bytes bytes = from_hex(
      "435653544154453101150700000001000000d00f0801036dfac0809764a0db021001011f05776f726c6406616e796f6e65021002"
      "010105776f726c6406616e796f6e6502200302010664696765737407616c6963653a781f05776f726c6406616e796f6e65031c01"
      "00000000000001c03e103031323334353637383961626364656601042400012f0001000000000000000000000000000000000600"
      "00000100000000000003000000042a0101610001030000000100000003000000010000000400000001000000d00fd00f00010000"
      "0464617461043002022f650101040000000100000004000000010000000400000001000000d00fd00f8280808080808080020000"
      "00017804260101630601050000000100000005000000010000000500000001000000d00fd00f0000000000042701017407030600"
      "00000100000006000000010000000600000001000000d00fd00fc60100000000042c01097a6f6f6b656570657200010000000000"
      "0000000000000000000000000000000000000000000000000000042a0a072f636f6e666967000200000000000000000000000000"
      "00000000000000000000000000000000010004280b0571756f746100010000000000000000000000000000000000000000000000"
      "00000000000000000618022f61070000000100000001010000000000000103010a00050108");
  Service loaded;
  const auto result = load(loaded, bytes);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(loaded.digest(), 0xdba0649780c0fa6d);
  EXPECT_EQ(loaded.ephemerals(kClient), std::vector<std::string>{"/a/e"});
  EXPECT_EQ(loaded.get("/c", {})->kind, NodeKind::container);
  EXPECT_TRUE(loaded.get("/c", {})->data_is_null);
  EXPECT_EQ(loaded.get("/t", {})->kind, NodeKind::ttl);
  EXPECT_EQ(loaded.cell_secret(), "");
  EXPECT_EQ(snapshot_of(*loaded.begin_snapshot()), bytes);
}

struct Damage : ::testing::Test {
  Populated source{11, 120};
  Bytes bytes = snapshot_of(*source.cell.service.begin_snapshot());
  Service target;

  std::string error_of(BytesView damaged) {
    const auto result = load(target, damaged);
    if (result) return "";
    EXPECT_EQ(result.error().kind, ErrorKind::corrupt);
    EXPECT_EQ(target.digest(), Service().digest()) << "a failed load leaves a fresh state";
    return result.error().message;
  }
};

TEST_F(Damage, EveryFlippedBitIsFound) {
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_NE(error_of(damaged), "") << "bit " << bit;
  }
}

TEST_F(Damage, EveryPrefixIsRefused) {
  for (size_t n = 0; n < bytes.size(); ++n) ASSERT_NE(error_of(BytesView(bytes).substr(0, n)), "") << n;
  EXPECT_EQ(error_of(bytes), "");
}

TEST_F(Damage, NamesWhatIsWrong) {
  using snapshot::Record;
  const auto record = [](Record type, auto write) {
    Bytes body;
    Encoder out(&body);
    write(out);
    Bytes whole;
    snapshot::put_record(type, body, &whole);
    return whole;
  };
  const auto header = [&](uint64_t nodes, uint64_t sessions, uint64_t acls) {
    return record(Record::header, [&](Encoder& out) {
      out.fixed(uint64_t{1});
      out.zigzag(1);
      out.varint(nodes);
      out.varint(sessions);
      out.varint(acls);
      out.fixed(uint64_t{0});
    });
  };
  const auto acl = [&](uint64_t id) {
    return record(Record::acl, [&](Encoder& out) {
      out.varint(id);
      out.varint(0);
    });
  };
  const auto session = [&](int64_t id) {
    return record(Record::session, [&](Encoder& out) {
      out.fixed(id);
      out.zigzag(1);
      out.bytes("");
      out.u8(1);
    });
  };
  const auto node = [&](std::string_view path, uint8_t kind = 0, uint64_t acl_id = 1, int64_t owner = 0,
                        size_t shared = 0, BytesView data = "") {
    return record(Record::node, [&](Encoder& out) {
      out.varint(shared);
      out.bytes(path);
      out.u8(kind);
      out.varint(acl_id);
      for (int i = 0; i < 3; ++i) out.fixed(uint64_t{0});
      out.zigzag(0);
      out.zigzag(0);
      out.zigzag(owner);
      out.varint(0);
      out.zigzag(0);
      out.zigzag(0);
      out.bytes(data);
    });
  };
  Bytes reply;
  encode(Outcome{}, &reply);
  const auto calls = [&](int64_t id, uint64_t highest, uint64_t answered_below, std::vector<uint64_t> numbers) {
    return record(Record::calls, [&](Encoder& out) {
      out.fixed(id);
      out.varint(highest);
      out.varint(answered_below);
      out.varint(numbers.size());
      for (const uint64_t number : numbers) {
        out.varint(number);
        out.fixed(uint64_t{1});
        out.bytes(reply);
      }
    });
  };
  const auto secret = [&](size_t size) {
    return record(Record::secret, [&](Encoder& out) { out.bytes(Bytes(size, 's')); });
  };
  const auto end = [&](uint64_t nodes) { return record(Record::end, [&](Encoder& out) { out.varint(nodes); }); };
  const Bytes magic(snapshot::kMagic);
  const Bytes start = magic + header(1, 0, 1) + acl(1);
  const Bytes huge = start + Bytes("\x04\xFF\xFF\xFF\xFF\xFF\x01", 7);
  const Bytes endless = start + Bytes("\x04\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 12);
  const Bytes tree = start + session(5) + node("/");
  const struct {
    Bytes bytes;
    const char* says;
  } cases[] = {
      {tree + calls(6, 1, 0, {1}), "calls of session 0x6, which is not open"},
      {tree + calls(5, 1, 0, {1}) + calls(5, 1, 0, {1}), "calls of session 0x5 twice"},
      {tree + calls(5, 0, 0, {}), "the calls of session 0x5 are malformed"},
      {tree + calls(5, 2, 3, {}), "the calls of session 0x5 are malformed"},
      {tree + calls(5, 2, 0, {1}), "the calls of session 0x5 are malformed"},
      {tree + calls(5, 2, 0, {2, 1}), "the calls of session 0x5 are malformed"},
      {tree + calls(5, 2, 2, {1, 2}), "the calls of session 0x5 are malformed"},
      {tree + calls(5, 2, 0, {2, 3}), "the calls of session 0x5 are malformed"},
      {tree + record(Record::calls, [](Encoder&) {}), "the calls of session 0x0 are malformed"},
      {tree + secret(16) + secret(16), "a second secret"},
      {tree + secret(15), "malformed secret"},
      {tree + record(Record::membership, [](Encoder& out) { out.bytes(""); }), "malformed membership"},
      {tree + record(Record::membership, [](Encoder& out) { out.bytes("a"); }) +
           record(Record::membership, [](Encoder& out) { out.bytes("b"); }),
       "a second membership"},
      {tree + secret(16) + calls(5, 1, 0, {1}), "record type 7 after type 8"},
      {"", "before its end"},
      {"CVSTATE9", "does not begin with CVSTATE1"},
      {magic + acl(1), "begin with a header"},
      {magic + header(1, 0, 1) + header(1, 0, 1), "a second header"},
      {start + node("/") + acl(2), "record type 2 after type 4"},
      {start + record(static_cast<Record>(10), [](Encoder&) {}), "unknown record type 10"},
      {start + acl(1), "ACL 1 twice"},
      {start + record(Record::acl, [](Encoder& out) { out.varint(3); }), "malformed ACL 3"},
      {start + session(5) + session(5), "session 0x5 twice"},
      {start + record(Record::session, [](Encoder&) {}), "malformed session"},
      {start + node("/a"), "the root must come first"},
      {start + node("/") + node("/"), "the root must come first and once"},
      {start + node("/") + node("/a/b"), "/a/b comes before its parent"},
      {start + node("/") + node("/a") + node("/a"), "/a twice"},
      {start + node("/") + node("/a/"), "comes before its parent"},
      {start + node("/") + node("//"), "has no name"},
      {start + node("x"), "'x' is no path"},
      {start + node("/") + node("a", 0, 1, 0, 7), "malformed path"},
      {start + node("/", 16), "unknown kind 16"},
      {start + node("/", 4, 1, 0, 0, "x"), "node / has null data of 1 bytes"},
      {start + node("/", 0, 2), "unknown ACL 2"},
      {start + node("/") + node("/e", 1, 1, 0x77), "session 0x77, which is not open"},
      {start + record(Record::node,
                      [](Encoder& out) {
                        out.varint(0);
                        out.bytes("/");
                      }),
       "node / is malformed"},
      {start + end(0), "0 nodes of 1"},
      {start + node("/"), "before its end"},
      {start + node("/") + end(1) + end(1), "bytes follow its end"},
      {start + session(5) + node("/") + end(1), "1 sessions of 0"},
      {magic + header(1, 0, 2) + acl(1) + node("/") + end(1), "1 ACLs of 2"},
      {start + node("/") + end(1), "its digest is 0000000000000000"},
      {magic + record(Record::header, [](Encoder&) {}), "malformed header"},
      {huge, "a record claims"},
      {endless, "malformed length"},
  };
  for (const auto& c : cases)
    EXPECT_NE(error_of(c.bytes).find(c.says), std::string::npos) << c.says << " / " << error_of(c.bytes);
}

TEST_F(Damage, AFailedLoaderStaysFailed) {
  auto loader = target.begin_load();
  EXPECT_FALSE(loader->feed("nonsense"));
  EXPECT_FALSE(loader->feed(bytes));
  EXPECT_FALSE(loader->finish());
}

TEST_F(Damage, AnUnfinishedLoaderLeavesAFreshState) {
  ASSERT_EQ(error_of(bytes), "");
  ASSERT_NE(target.digest(), Service().digest());
  {
    auto loader = target.begin_load();
    ASSERT_TRUE(loader->feed(BytesView(bytes).substr(0, 200)));
  }
  EXPECT_EQ(target.digest(), Service().digest());
}

}  // namespace
}  // namespace conclave::state
