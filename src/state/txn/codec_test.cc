// Codecs of requests and transactions: every value survives a round trip, every damaged input is refused with a named
// error and never crashes (reliability: garbage from a peer or a disk).
#include <gtest/gtest.h>

#include "base/random.h"
#include "state/txn/request.h"
#include "state/txn/transaction.h"

namespace conclave::state {
namespace {

Bytes random_bytes(Random& random, size_t size_max) {
  Bytes out(random.below(size_max + 1), '\0');
  for (char& c : out) c = static_cast<char>(random.u64());
  return out;
}
int64_t random_i64(Random& random) {
  return static_cast<int64_t>(random.u64() >> random.below(64)) * (random.chance(1, 2) ? 1 : -1);
}
int32_t random_i32(Random& random) {
  return static_cast<int32_t>(random.u64());
}
Acl random_acl(Random& random) {
  Acl acl(random.below(4));
  for (AclEntry& entry : acl)
    entry = {static_cast<uint32_t>(random.u64()), random_bytes(random, 8), random_bytes(random, 30)};
  return acl;
}
NodeKind random_kind(Random& random) {
  return static_cast<NodeKind>(random.below(8));
}
SessionId random_session(Random& random) {
  return SessionId(static_cast<int64_t>(random.u64()));
}

CreateRequest random_create(Random& r) {
  const bool null = r.chance(1, 4);
  const bool inherit = r.chance(1, 4);
  return {random_bytes(r, 40),
          random_bytes(r, null ? 0 : 100),
          inherit ? Acl() : random_acl(r),
          random_kind(r),
          r.chance(1, 2),
          random_i64(r),
          null,
          inherit};
}
SetDataRequest random_set_data(Random& r) {
  const bool null = r.chance(1, 4);
  return {random_bytes(r, 40), random_bytes(r, null ? 0 : 100), random_i32(r), null};
}
MultiRequest::Op random_op(Random& r) {
  switch (r.below(4)) {
    case 0:
      return random_create(r);
    case 1:
      return DeleteRequest{random_bytes(r, 40), random_i32(r)};
    case 2:
      return random_set_data(r);
    default:
      return CheckRequest{random_bytes(r, 40), random_i32(r)};
  }
}
MemberAddress random_address(Random& r) {
  const auto place = [&] { return HostPort{random_bytes(r, 20), static_cast<uint16_t>(r.u64())}; };
  MemberAddress address;
  for (uint64_t n = r.below(3); n > 0; --n) address.peers.push_back(place());
  address.election_port = static_cast<uint16_t>(r.u64());
  if (r.chance(1, 2)) address.client = place();
  if (r.chance(1, 2)) address.lock_service = place();
  return address;
}
RequestBody random_body(Random& r) {
  switch (r.below(16)) {
    case 0:
      return random_create(r);
    case 1:
      return DeleteRequest{random_bytes(r, 40), random_i32(r)};
    case 2:
      return random_set_data(r);
    case 3:
      return SetAclRequest{random_bytes(r, 40), random_acl(r), random_i32(r)};
    case 4:
      return CheckRequest{random_bytes(r, 40), random_i32(r)};
    case 5: {
      MultiRequest multi;
      for (uint64_t n = r.below(5); n > 0; --n) multi.ops.push_back(random_op(r));
      return multi;
    }
    case 6:
      return CreateSessionRequest{random_session(r), random_bytes(r, 16), random_i64(r), r.chance(1, 2)};
    case 7:
      return CloseSessionRequest{.expired = r.chance(1, 2)};
    case 8:
      return ReapRequest{random_bytes(r, 40)};
    case 9:
      return ResumeSessionRequest{random_bytes(r, 16)};
    case 10:
      return AcquireLockRequest{random_bytes(r, 40), Zxid(r.u64()), r.u64(), r.chance(1, 2), random_i64(r)};
    case 11:
      return ReleaseLockRequest{random_bytes(r, 40), Zxid(r.u64()), r.u64()};
    case 12:
      return EndLockDelayRequest{random_bytes(r, 40), random_session(r), r.u64()};
    case 13:
      return ReapUnopenedRequest{random_bytes(r, 40), Zxid(r.u64()), Epoch(static_cast<uint32_t>(r.u64()))};
    case 14: {
      ReconfigRequest reconfig{.whole = r.chance(1, 2), .version = random_i64(r), .config = random_bytes(r, 40)};
      for (uint64_t n = r.below(3); n > 0; --n) {
        reconfig.joining.push_back({ReplicaId(static_cast<uint8_t>(r.u64())), r.chance(1, 2), random_address(r)});
      }
      for (uint64_t n = r.below(3); n > 0; --n) reconfig.leaving.emplace_back(static_cast<uint8_t>(r.u64()));
      return reconfig;
    }
    default:
      return EpochStartRequest{random_bytes(r, 16)};
  }
}
CallNumber random_call(Random& r) {
  return {1 + (r.u64() >> (1 + r.below(63))), r.u64() >> r.below(64)};
}
Request random_request(Random& r) {
  Request request;
  request.session = random_session(r);
  for (uint64_t n = r.below(4); n > 0; --n) request.identities.push_back({random_bytes(r, 6), random_bytes(r, 20)});
  request.body = random_body(r);
  if (r.chance(1, 4)) request.guard = {random_bytes(r, 40), Zxid(r.u64()), Zxid(r.u64())};
  if (r.chance(1, 4)) request.call = random_call(r);
  return request;
}
ReplicaId random_replica(Random& r) {
  return ReplicaId(static_cast<uint8_t>(r.u64()));
}
FactBody random_fact(Random& r) {
  switch (r.below(11)) {
    case 0:
      return EpochStartTxn{random_bytes(r, 16)};
    case 1: {
      const bool null = r.chance(1, 4);
      return CreateTxn{random_bytes(r, 40),
                       random_bytes(r, null ? 0 : 100),
                       random_acl(r),
                       random_kind(r),
                       random_session(r),
                       random_i64(r),
                       random_i32(r),
                       random_i64(r),
                       null};
    }
    case 2:
      return DeleteTxn{random_bytes(r, 40), random_i32(r)};
    case 3:
      if (r.chance(1, 4)) return SetDataTxn{random_bytes(r, 40), "", random_i32(r), true};
      return SetDataTxn{random_bytes(r, 40), random_bytes(r, 100), random_i32(r)};
    case 4:
      return SetAclTxn{random_bytes(r, 40), random_acl(r), random_i32(r)};
    case 5:
      return CheckTxn{random_bytes(r, 40)};
    case 6:
      return CreateSessionTxn{random_session(r), random_bytes(r, 16), random_i64(r), random_replica(r), r.chance(1, 2)};
    case 7:
      return MoveSessionTxn{random_session(r), random_replica(r)};
    case 8:
      return AcquireLockTxn{random_bytes(r, 40), random_session(r), r.u64(), r.chance(1, 2), random_i64(r)};
    case 9:
      return ReleaseLockTxn{random_bytes(r, 40), random_session(r), r.u64()};
    default: {
      CloseSessionTxn close{random_session(r), {}, {}};
      for (uint64_t n = r.below(3); n > 0; --n) close.locks.push_back({random_bytes(r, 40), r.u64(), r.chance(1, 2)});
      for (uint64_t n = r.below(6); n > 0; --n) close.ephemerals.push_back({random_bytes(r, 40), random_i32(r)});
      return close;
    }
  }
}
Transaction random_transaction(Random& r) {
  Transaction txn;
  txn.zxid = Zxid(r.u64());
  txn.time_ms = random_i64(r);
  txn.session = random_session(r);
  txn.origin = {random_replica(r), r.u64(), r.u64() >> r.below(64)};
  if (r.chance(1, 4)) txn.call = random_call(r);
  txn.multi = r.chance(1, 3);
  for (uint64_t n = txn.multi ? r.below(5) : 1; n > 0; --n) txn.facts.push_back(random_fact(r));
  return txn;
}

Bytes bytes_of(const Request& request) {
  Bytes out;
  encode(request, &out);
  return out;
}
Bytes bytes_of(const Transaction& txn) {
  Bytes out;
  encode(txn, &out);
  return out;
}

TEST(RequestCodec, RandomValuesSurviveARoundTrip) {
  Random random(1);
  for (int i = 0; i < 3000; ++i) {
    const Bytes bytes = bytes_of(random_request(random));
    const auto decoded = decode_request(bytes);
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(bytes_of(*decoded), bytes);
  }
}

TEST(RequestCodec, KeepsEveryFieldOfACreate) {
  Request request{SessionId(-7),
                  {{"digest", "u:x"}, {"ip", "10.0.0.1"}},
                  CreateRequest{"/a", "data", {{5, "world", "anyone"}}, NodeKind::ttl, true, 99}};
  const auto decoded = decode_request(bytes_of(request));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->session, SessionId(-7));
  EXPECT_EQ(decoded->identities, request.identities);
  const auto& create = std::get<CreateRequest>(decoded->body);
  EXPECT_EQ(create.path, "/a");
  EXPECT_EQ(create.data, "data");
  EXPECT_EQ(create.acl, (Acl{{5, "world", "anyone"}}));
  EXPECT_EQ(create.kind, NodeKind::ttl);
  EXPECT_TRUE(create.sequential);
  EXPECT_EQ(create.ttl_ms, 99);
}

TEST(RequestCodec, TellsNullDataFromEmptyData) {
  for (const bool null : {false, true}) {
    MultiRequest multi;
    multi.ops.push_back(CreateRequest{.path = "/a", .data_is_null = null});
    multi.ops.push_back(SetDataRequest{.path = "/a", .data_is_null = null});
    Request request;
    request.body = multi;
    const auto decoded = decode_request(bytes_of(request));
    ASSERT_TRUE(decoded);
    const auto& ops = std::get<MultiRequest>(decoded->body).ops;
    EXPECT_EQ(std::get<CreateRequest>(ops[0]).data_is_null, null);
    EXPECT_EQ(std::get<SetDataRequest>(ops[1]).data_is_null, null);
  }
}

TEST(RequestCodec, CH_25_TellsAnInheritedListFromAnEmptyOne) {
  for (const bool inherit : {false, true}) {
    for (const bool null : {false, true}) {
      Request request;
      request.body = CreateRequest{.path = "/a", .data_is_null = null, .inherit_acl = inherit};
      const auto decoded = decode_request(bytes_of(request));
      ASSERT_TRUE(decoded);
      EXPECT_EQ(std::get<CreateRequest>(decoded->body).inherit_acl, inherit);
      EXPECT_EQ(std::get<CreateRequest>(decoded->body).data_is_null, null);
    }
  }
}

TEST(RequestCodec, AGuardSurvivesAndNothingElseChangesItsBytes) {
  Request request{SessionId(7), {}, DeleteRequest{"/a"}};
  const Bytes plain = bytes_of(request);
  EXPECT_EQ(plain[0], 1) << "what has no new part is written as it always was";
  request.guard = {"/a", Zxid(Epoch(2), 3), Zxid(Epoch(4), 5)};
  Bytes guarded = bytes_of(request);
  EXPECT_EQ(guarded[0], 2);
  const auto decoded = decode_request(guarded);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->guard, request.guard);
  request.call = {5, 4};
  ASSERT_TRUE(decode_request(bytes_of(request)));
  EXPECT_EQ(decode_request(bytes_of(request))->call, request.call);
  const size_t parts = 1 + 8 + 1;  // behind version, session and an empty list of identities
  for (const char unknown : {char{0}, static_cast<char>(0x80)}) {
    guarded[parts] = unknown;
    EXPECT_FALSE(decode_request(guarded)) << "no part, or one that this build does not know";
  }
}

TEST(RequestCodec, EveryPrefixIsRefused) {
  Random random(2);
  for (int i = 0; i < 300; ++i) {
    const Bytes bytes = bytes_of(random_request(random));
    for (size_t n = 0; n < bytes.size(); ++n) {
      const auto decoded = decode_request(BytesView(bytes).substr(0, n));
      ASSERT_FALSE(decoded) << "prefix " << n << " of " << bytes.size();
      EXPECT_EQ(decoded.error().kind, ErrorKind::corrupt);
    }
    EXPECT_FALSE(decode_request(bytes + "x"));
  }
}

TEST(RequestCodec, GarbageNeverCrashes) {
  Random random(3);
  for (int i = 0; i < 20000; ++i) {
    Bytes bytes = random_bytes(random, 60);
    if (!bytes.empty()) bytes[0] = static_cast<char>(1 + random.below(2));
    (void)decode_request(bytes);
    Bytes damaged = bytes_of(random_request(random));
    damaged[random.below(damaged.size())] = static_cast<char>(random.u64());
    const auto decoded = decode_request(damaged);
    if (decoded) (void)bytes_of(*decoded);
  }
}

TEST(RequestCodec, NamesAnUnknownVersion) {
  Bytes bytes = bytes_of(Request{});
  bytes[0] = 9;
  const auto decoded = decode_request(bytes);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().kind, ErrorKind::unsupported);
  EXPECT_NE(decoded.error().message.find("version 9"), std::string::npos);
}

TEST(TransactionCodec, RandomValuesSurviveARoundTrip) {
  Random random(4);
  for (int i = 0; i < 3000; ++i) {
    const Bytes bytes = bytes_of(random_transaction(random));
    const auto decoded = decode_transaction(bytes);
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(bytes_of(*decoded), bytes);
  }
}

TEST(TransactionCodec, RP_02_ACallNumberSurvivesAndNothingElseChangesItsBytes) {
  Transaction txn;
  txn.facts = {CheckTxn{"/a"}};
  const Bytes plain = bytes_of(txn);
  EXPECT_EQ(plain[0], 1) << "what has no number is written as it always was";
  txn.call = {300, 299};
  Bytes numbered = bytes_of(txn);
  EXPECT_EQ(numbered[0], 2);
  ASSERT_TRUE(decode_transaction(numbered));
  EXPECT_EQ(decode_transaction(numbered)->call, txn.call);
  txn.call = {1, 0};
  numbered = bytes_of(txn);
  const size_t number = 1 + 8 + 1 + 8 + 1 + 8 + 1;  // behind version, zxid, time, session and origin
  ASSERT_EQ(numbered[number], 1);
  numbered[number] = 0;
  EXPECT_FALSE(decode_transaction(numbered)) << "the number 0 is no number";
}

TEST(TransactionCodec, TellsNullDataFromEmptyData) {
  for (const bool null : {false, true}) {
    Transaction txn;
    txn.multi = true;
    txn.facts = {CreateTxn{.path = "/a", .data_is_null = null}, SetDataTxn{.path = "/a", .data_is_null = null}};
    const auto decoded = decode_transaction(bytes_of(txn));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(std::get<CreateTxn>(decoded->facts[0]).data_is_null, null);
    EXPECT_EQ(std::get<SetDataTxn>(decoded->facts[1]).data_is_null, null);
  }
}

TEST(TransactionCodec, AnEpochStartWithoutASecretIsWhatItAlwaysWas) {
  Transaction txn;
  txn.facts = {EpochStartTxn{}};
  const Bytes plain = bytes_of(txn);
  EXPECT_EQ(plain.back(), 1) << "the tag alone";
  txn.facts = {EpochStartTxn{"0123456789abcdef"}};
  Bytes bytes = bytes_of(txn);
  EXPECT_EQ(bytes.size(), plain.size() + 17);
  EXPECT_EQ(std::get<EpochStartTxn>(decode_transaction(bytes)->facts[0]).secret, "0123456789abcdef");
  bytes.resize(plain.size());
  EXPECT_FALSE(decode_transaction(bytes + Bytes(1, 0))) << "no secret of no bytes";
}

TEST(TransactionCodec, EveryPrefixIsRefused) {
  Random random(5);
  for (int i = 0; i < 300; ++i) {
    const Bytes bytes = bytes_of(random_transaction(random));
    for (size_t n = 0; n < bytes.size(); ++n) {
      const auto decoded = decode_transaction(BytesView(bytes).substr(0, n));
      ASSERT_FALSE(decoded) << "prefix " << n << " of " << bytes.size();
      EXPECT_EQ(decoded.error().kind, ErrorKind::corrupt);
    }
    EXPECT_FALSE(decode_transaction(bytes + "x"));
  }
}

TEST(TransactionCodec, GarbageNeverCrashes) {
  Random random(6);
  for (int i = 0; i < 20000; ++i) {
    Bytes bytes = random_bytes(random, 80);
    if (!bytes.empty()) bytes[0] = static_cast<char>(1 + random.below(2));
    (void)decode_transaction(bytes);
    Bytes damaged = bytes_of(random_transaction(random));
    damaged[random.below(damaged.size())] = static_cast<char>(random.u64());
    const auto decoded = decode_transaction(damaged);
    if (decoded) (void)bytes_of(*decoded);
  }
}

TEST(TransactionCodec, APlainTransactionHasExactlyOneFact) {
  Transaction txn;
  txn.facts = {CheckTxn{"/a"}, CheckTxn{"/b"}};
  EXPECT_FALSE(decode_transaction(bytes_of(txn)));
  txn.multi = true;
  EXPECT_TRUE(decode_transaction(bytes_of(txn)));
}

TEST(TransactionCodec, NamesAnUnknownVersion) {
  Transaction txn;
  txn.facts = {EpochStartTxn{}};
  Bytes bytes = bytes_of(txn);
  bytes[0] = 3;
  const auto decoded = decode_transaction(bytes);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().kind, ErrorKind::unsupported);
}

}  // namespace
}  // namespace conclave::state
