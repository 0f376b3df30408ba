// Every record against the bytes that ZooKeeper 3.8.0's own classes write for the same values, in both directions.
#include "wire/zookeeper/records.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "wire/zookeeper/multi.h"
#include "wire/zookeeper/replies.h"
#include "wire/zookeeper/requests.h"

namespace conclave::wire::zookeeper {
namespace {

const SessionId kSession(0x1122334455667788);
const Bytes kPassword(16, '\0');
const std::vector<Acl> kAcl = {{31, {"world", "anyone"}}, {1, {"digest", "u:h"}}};
const Stat kStat = {.czxid = Zxid(Epoch(1), 1),
                    .mzxid = Zxid(Epoch(1), 2),
                    .ctime_ms = 3,
                    .mtime_ms = 4,
                    .version = 5,
                    .cversion = 6,
                    .aversion = 7,
                    .ephemeral_owner = INT64_MAX,
                    .data_length = 9,
                    .num_children = 10,
                    .pzxid = Zxid(Epoch(1), 11)};

Bytes hex(BytesView bytes) {
  Bytes out;
  for (const char c : bytes) {
    out += "0123456789abcdef"[static_cast<uint8_t>(c) >> 4];
    out += "0123456789abcdef"[static_cast<uint8_t>(c) & 15];
  }
  return out;
}

template <class T>
void check(const char* name, const T& value, const Bytes& expected) {
  SCOPED_TRACE(name);
  Bytes out;
  Writer(&out).put(value);
  EXPECT_EQ(hex(out), expected);
  Reader in(out);
  EXPECT_EQ(in.get<T>(), value);
  EXPECT_TRUE(in.done());
  for (size_t size = 0; size < out.size(); ++size) {
    Reader cut(BytesView(out).substr(0, size));
    cut.get<T>();
    EXPECT_FALSE(cut.ok()) << "cut at " << size;
  }
}

TEST(RecordsTest, EveryRecordIsByteExact) {
  check("RequestHeader", RequestHeader{.xid = kXidPing, .op = OpCode::ping}, "fffffffe0000000b");
  check("ReplyHeader", ReplyHeader{.xid = 5, .zxid = Zxid(Epoch(1), 1), .error = ErrorCode::no_node},
        "000000050000000100000001ffffff9b");
  check("CreateRequest",
        CreateRequest{.path = "/p", .data = "data", .acl = kAcl, .mode = CreateMode::ephemeral_sequential},
        "000000022f700000000464617461000000020000001f00000005776f726c6400000006616e796f6e6500000001000000"
        "0664696765737400000003753a6800000003");
  check("CreateTTLRequest", CreateTtlRequest{.path = "/p", .data = "data", .acl = kAcl, .ttl_ms = 1000},
        "000000022f700000000464617461000000020000001f00000005776f726c6400000006616e796f6e6500000001000000"
        "0664696765737400000003753a680000000500000000000003e8");
  check("DeleteRequest", DeleteRequest{.path = "/p"}, "000000022f70ffffffff");
  check("ExistsRequest", PathWatchRequest{.path = "/p", .watch = true}, "000000022f7001");
  check("GetDataRequest", PathWatchRequest{.path = "/p", .watch = false}, "000000022f7000");
  check("GetChildrenRequest", PathWatchRequest{.path = "/p", .watch = true}, "000000022f7001");
  check("GetChildren2Request", PathWatchRequest{.path = "/p", .watch = true}, "000000022f7001");
  check("GetACLRequest", PathRequest{.path = "/p"}, "000000022f70");
  check("SyncRequest", PathRequest{.path = "/p"}, "000000022f70");
  check("GetEphemeralsRequest", PathRequest{.path = "/p"}, "000000022f70");
  check("GetAllChildrenNumberRequest", PathRequest{.path = "/p"}, "000000022f70");
  check("SetDataRequest", SetDataRequest{.path = "/p", .data = "data", .version = 2},
        "000000022f70000000046461746100000002");
  check("SetDataRequest", SetDataRequest{.path = "/p", .data = std::nullopt, .version = 2},
        "000000022f70ffffffff00000002");
  check("SetACLRequest", SetAclRequest{.path = "/p", .acl = kAcl, .version = 2},
        "000000022f70000000020000001f00000005776f726c6400000006616e796f6e65000000010000000664696765737400"
        "000003753a6800000002");
  check("CheckVersionRequest", CheckVersionRequest{.path = "/p", .version = 2}, "000000022f7000000002");
  check("SetWatches", SetWatchesRequest{.relative_zxid = Zxid(7), .data = {"a", "bc"}, .exists = {}, .children = {"c"}},
        "000000000000000700000002000000016100000002626300000000000000010000000163");
  check("SetWatches2",
        SetWatches2Request{.relative_zxid = Zxid(7),
                           .data = {"a", "bc"},
                           .exists = {},
                           .children = {"c"},
                           .persistent = {"p"},
                           .persistent_recursive = {"r"}},
        "000000000000000700000002000000016100000002626300000000000000010000000163000000010000000170000000"
        "010000000172");
  check("AddWatchRequest", AddWatchRequest{.path = "/p", .mode = AddWatchMode::persistent_recursive},
        "000000022f7000000001");
  check("RemoveWatchesRequest", WatchesRequest{.path = "/p", .type = WatcherType::data}, "000000022f7000000002");
  check("CheckWatchesRequest", WatchesRequest{.path = "/p", .type = WatcherType::any}, "000000022f7000000003");
  check("AuthPacket", AuthPacket{.type = 0, .scheme = "digest", .auth = "data"},
        "00000000000000066469676573740000000464617461");
  check("GetSASLRequest", SaslRequest{.token = "data"}, "0000000464617461");
  check("SetSASLResponse", SaslResponse{.token = std::nullopt}, "ffffffff");
  check("ReconfigRequest",
        ReconfigRequest{
            .joining_servers = "j", .leaving_servers = std::nullopt, .new_members = "n", .current_config_id = -1},
        "000000016affffffff000000016effffffffffffffff");
  check("WatcherEvent", WatcherEvent{.type = EventType::node_data_changed, .path = "/p"},
        "0000000300000003000000022f70");
  check("CreateResponse", PathResponse{.path = "/p"}, "000000022f70");
  check("Create2Response", Create2Response{.path = "/p", .stat = kStat},
        "000000022f70000000010000000100000001000000020000000000000003000000000000000400000005000000060000"
        "00077fffffffffffffff000000090000000a000000010000000b");
  check("ExistsResponse", StatResponse{.stat = kStat},
        "00000001000000010000000100000002000000000000000300000000000000040000000500000006000000077fffffff"
        "ffffffff000000090000000a000000010000000b");
  check("SetDataResponse", StatResponse{.stat = kStat},
        "00000001000000010000000100000002000000000000000300000000000000040000000500000006000000077fffffff"
        "ffffffff000000090000000a000000010000000b");
  check("GetDataResponse", GetDataResponse{.data = "data", .stat = kStat},
        "000000046461746100000001000000010000000100000002000000000000000300000000000000040000000500000006"
        "000000077fffffffffffffff000000090000000a000000010000000b");
  check("GetChildrenResponse", GetChildrenResponse{.children = {"a", "bc"}}, "000000020000000161000000026263");
  check("GetChildren2Response", GetChildren2Response{.children = {"a", "bc"}, .stat = kStat},
        "000000020000000161000000026263000000010000000100000001000000020000000000000003000000000000000400"
        "00000500000006000000077fffffffffffffff000000090000000a000000010000000b");
  check("GetACLResponse", GetAclResponse{.acl = kAcl, .stat = kStat},
        "000000020000001f00000005776f726c6400000006616e796f6e65000000010000000664696765737400000003753a68"
        "00000001000000010000000100000002000000000000000300000000000000040000000500000006000000077fffffff"
        "ffffffff000000090000000a000000010000000b");
  check("GetAllChildrenNumberResponse", GetAllChildrenNumberResponse{.total = 9}, "00000009");
  check("GetEphemeralsResponse", GetEphemeralsResponse{.ephemerals = {"a", "bc"}}, "000000020000000161000000026263");
  check("ErrorResponse", ErrorResponse{.error = ErrorCode::connection_loss}, "fffffffc");
  check("WhoAmIResponse", WhoAmIResponse{.clients = {{.scheme = "ip", .user = "127.0.0.1"}}},
        "00000001000000026970000000093132372e302e302e31");
}

TEST(RecordsTest, ConnectHandshakeWithAndWithoutReadOnly) {
  ConnectRequest request{.last_zxid_seen = Zxid(Epoch(1), 1),
                         .timeout_ms = 30000,
                         .session = kSession,
                         .password = kPassword,
                         .read_only = std::nullopt};
  ConnectResponse response{.timeout_ms = 30000, .session = kSession, .password = kPassword, .read_only = std::nullopt};
  const Bytes request_hex = "0000000000000001000000010000753011223344556677880000001000000000000000000000000000000000";
  const Bytes response_hex = "000000000000753011223344556677880000001000000000000000000000000000000000";
  struct Case {
    std::optional<bool> read_only;
    const char* tail;
  };
  for (const Case& c : {Case{std::nullopt, ""}, Case{false, "00"}, Case{true, "01"}}) {
    Bytes out;
    Writer writer(&out);
    request.read_only = c.read_only;
    encode(request, &writer);
    EXPECT_EQ(hex(out), request_hex + c.tail);
    Reader in(out);
    EXPECT_EQ(decode_connect_request(&in), request);
    EXPECT_TRUE(in.done());

    out.clear();
    response.read_only = c.read_only;
    encode(response, &writer);
    EXPECT_EQ(hex(out), response_hex + c.tail);
    Reader back(out);
    EXPECT_EQ(decode_connect_response(&back), response);
    EXPECT_TRUE(back.done());
  }
  Reader cut(BytesView("too short"));
  decode_connect_request(&cut);
  EXPECT_FALSE(cut.ok());
  Reader cut_response(BytesView("too short"));
  decode_connect_response(&cut_response);
  EXPECT_FALSE(cut_response.ok());
}

TEST(RecordsTest, MultiRequestsAreByteExact) {
  const MultiRequest writes{{
      {OpCode::create, CreateRequest{.path = "/p", .data = "data", .acl = kAcl}},
      {OpCode::delete_node, DeleteRequest{.path = "/p", .version = 3}},
      {OpCode::set_data, SetDataRequest{.path = "/p", .data = "data", .version = 4}},
      {OpCode::check, CheckVersionRequest{.path = "/p", .version = 5}},
      {OpCode::create_ttl, CreateTtlRequest{.path = "/t", .data = "data", .acl = kAcl, .ttl_ms = 99}},
      {OpCode::create_container,
       CreateRequest{.path = "/c", .data = "data", .acl = kAcl, .mode = CreateMode::container}},
  }};
  const MultiRequest reads{
      {{OpCode::get_data, PathWatchRequest{.path = "/p"}}, {OpCode::get_children, PathWatchRequest{.path = "/q"}}}};
  Bytes out;
  Writer writer(&out);
  encode(writes, &writer);
  EXPECT_EQ(hex(out),
            "0000000100ffffffff000000022f700000000464617461000000020000001f00000005776f726c6400000006616e796f"
            "6e65000000010000000664696765737400000003753a68000000000000000200ffffffff000000022f70000000030000"
            "000500ffffffff000000022f700000000464617461000000040000000d00ffffffff000000022f700000000500000015"
            "00ffffffff000000022f740000000464617461000000020000001f00000005776f726c6400000006616e796f6e650000"
            "00010000000664696765737400000003753a680000000500000000000000630000001300ffffffff000000022f630000"
            "000464617461000000020000001f00000005776f726c6400000006616e796f6e65000000010000000664696765737400"
            "000003753a6800000004ffffffff01ffffffff");
  Reader in(out);
  EXPECT_EQ(decode_multi_request(&in, 6), writes);
  EXPECT_TRUE(in.done());
  Reader few(out);
  EXPECT_TRUE(decode_multi_request(&few, 5).ops.empty());
  EXPECT_FALSE(few.ok());
  for (size_t size = 0; size < out.size(); ++size) {
    Reader cut(BytesView(out).substr(0, size));
    decode_multi_request(&cut, 10);
    EXPECT_FALSE(cut.ok()) << "cut at " << size;
  }
  out.clear();
  encode(reads, &writer);
  EXPECT_EQ(hex(out), "0000000400ffffffff000000022f70000000000800ffffffff000000022f7100ffffffff01ffffffff");
  Reader back(out);
  EXPECT_EQ(decode_multi_request(&back, 2), reads);
}

TEST(RecordsTest, MultiRefusesMixturesAndForeignOpcodes) {
  for (const MultiRequest& bad : {MultiRequest{{{OpCode::get_data, PathWatchRequest{.path = "/p"}},
                                                {OpCode::delete_node, DeleteRequest{.path = "/p"}}}},
                                  MultiRequest{{{OpCode::check, CheckVersionRequest{.path = "/p"}},
                                                {OpCode::get_children, PathWatchRequest{.path = "/p"}}}},
                                  MultiRequest{{{OpCode::multi, DeleteRequest{.path = "/p"}}}},
                                  MultiRequest{{{OpCode::set_acl, DeleteRequest{.path = "/p"}}}}}) {
    Bytes out;
    Writer writer(&out);
    encode(bad, &writer);
    Reader in(out);
    EXPECT_TRUE(decode_multi_request(&in, 10).ops.empty());
    EXPECT_FALSE(in.ok());
  }
}

TEST(RecordsTest, MultiResponseIsByteExact) {
  const MultiResponse response{{
      {OpCode::create, PathResponse{"/p"}},
      {OpCode::create2, Create2Response{"/p", kStat}},
      {OpCode::delete_node, {}},
      {OpCode::set_data, StatResponse{kStat}},
      {OpCode::check, {}},
      {OpCode::get_data, GetDataResponse{"data", kStat}},
      {OpCode::get_children, GetChildrenResponse{{"a", "bc"}}},
      {OpCode::error, ErrorResponse{ErrorCode::no_node}},
  }};
  Bytes out;
  Writer writer(&out);
  encode(response, &writer);
  EXPECT_EQ(hex(out),
            "000000010000000000000000022f700000000f0000000000000000022f70000000010000000100000001000000020000"
            "00000000000300000000000000040000000500000006000000077fffffffffffffff000000090000000a000000010000"
            "000b00000002000000000000000005000000000000000001000000010000000100000002000000000000000300000000"
            "000000040000000500000006000000077fffffffffffffff000000090000000a000000010000000b0000000d00000000"
            "000000000400000000000000000464617461000000010000000100000001000000020000000000000003000000000000"
            "00040000000500000006000000077fffffffffffffff000000090000000a000000010000000b00000008000000000000"
            "0000020000000161000000026263ffffffff00ffffff9bffffff9bffffffff01ffffffff");
  Reader in(out);
  EXPECT_EQ(decode_multi_response(&in), response);
  EXPECT_TRUE(in.done());
  for (size_t size = 0; size < out.size(); ++size) {
    Reader cut(BytesView(out).substr(0, size));
    EXPECT_TRUE(decode_multi_response(&cut).results.empty());
    EXPECT_FALSE(cut.ok()) << "cut at " << size;
  }
  out.clear();
  writer.put(MultiHeader{.op = OpCode::multi});
  Reader foreign(out);
  decode_multi_response(&foreign);
  EXPECT_FALSE(foreign.ok());
}

TEST(RecordsTest, RandomBytesNeverCrashAnyDecoder) {
  Random random(11);
  for (int round = 0; round < 20000; ++round) {
    Bytes noise(random.below(80), '\0');
    for (char& c : noise) c = static_cast<char>(random.chance(3, 4) ? random.below(16) : random.below(256));
    Reader a(noise), b(noise), c(noise), d(noise), e(noise);
    decode_connect_request(&a);
    decode_connect_response(&b);
    EXPECT_LE(decode_multi_request(&c, 4).ops.size(), 4u);
    decode_multi_response(&d);
    e.get<WhoAmIResponse>();
  }
}

TEST(ProtocolTest, OpcodesComeFromTheWireOnlyIfKnown) {
  int known = 0;
  for (int32_t number = -200; number < 200; ++number) {
    const auto op = opcode_from_wire(number);
    if (!op) continue;
    ++known;
    EXPECT_EQ(static_cast<int32_t>(*op), number);
    EXPECT_NE(to_string(*op), "unknown");
  }
  EXPECT_EQ(known, 33);
  EXPECT_FALSE(opcode_from_wire(10));
  EXPECT_FALSE(opcode_from_wire(23));
  EXPECT_FALSE(opcode_from_wire(INT32_MIN));
}

TEST(ProtocolTest, NamesOfErrorsEventsAndStates) {
  int errors = 0;
  for (int32_t number = -200; number < 10; ++number)
    errors += to_string(static_cast<ErrorCode>(number)) != "unknown error";
  EXPECT_EQ(errors, 32);
  EXPECT_EQ(to_string(ErrorCode::no_node), "no node");
  int events = 0;
  int states = 0;
  for (int32_t number = -200; number < 10; ++number) {
    events += to_string(static_cast<EventType>(number)) != "unknown";
    states += to_string(static_cast<KeeperState>(number)) != "unknown";
  }
  EXPECT_EQ(events, 8);
  EXPECT_EQ(states, 9);
  EXPECT_EQ(to_string(EventType::persistent_watch_removed), "PersistentWatchRemoved");
  EXPECT_EQ(to_string(KeeperState::connected_read_only), "ConnectedReadOnly");
}

}  // namespace
}  // namespace conclave::wire::zookeeper
