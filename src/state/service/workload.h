// A random mixed workload on a small name space, so that operations meet: creates of every kind, sequences, versions,
// ACLs, multis, sessions that come and go, locks, quotas, reaping, guards, numbered
// requests, files of principals. Test code only.
#pragma once

#include <algorithm>
#include <array>
#include <string>

#include "base/random.h"
#include "state/service/test_support.h"

namespace conclave::state::testing {

class Workload {
 public:
  // Guards name instances that `seen` has at the moment. The state is only looked at.
  Workload(uint64_t seed, const Service& seen) : random_(seed), seen_(seen) {}

  Request next() {
    Request request = unguarded();
    if (random_.chance(1, 6)) request.guard = guard();
    if (random_.chance(1, 3)) request.call = call(request.session);
    return request;
  }
  // Mostly one replica, so that most requests come from the owner of their session.
  RequestTag next_origin() { return {ReplicaId(random_.chance(1, 8) ? 2 : 1), 7, 1}; }
  int64_t next_time_ms() { return now_ms_ += int64_t(random_.below(30)); }

 private:
  Request unguarded() {
    Request request{session(), identities(), EpochStartRequest{}};
    switch (random_.below(28)) {
      case 9:
      case 0:
        return {SessionId(),
                {},
                CreateSessionRequest{session(), kPassword, 1000 + int64_t(random_.below(9)), random_.chance(1, 4)}};
      case 1:
        if (random_.chance(1, 3))
          request.body = CloseSessionRequest{.expired = random_.chance(1, 2)};
        else
          request.body = ResumeSessionRequest{random_.chance(1, 8) ? Bytes("wrong") : kPassword};
        break;
      case 2:
        if (random_.chance(1, 2)) return {SessionId(), {}, ReapRequest{path()}};
        return {SessionId(), {}, reap_unopened()};
      case 3:
      case 4:
        request.body = set_acl();
        break;
      case 5:
      case 6:
      case 7:
        request.body = multi();
        break;
      case 8:
        request.body = quota();
        break;
      case 10:
      case 11:
      case 12:
        std::visit([&](auto op) { request.body = std::move(op); }, remove());
        break;
      case 13:
      case 14:
      case 15:
        std::visit([&](auto op) { request.body = std::move(op); }, set_data());
        break;
      case 16:
      case 17:
        request.body = AcquireLockRequest{.path = path(),
                                          .handle = random_.below(2),
                                          .exclusive = random_.chance(1, 2),
                                          .delay_ms = int64_t(random_.below(2)) * 1000};
        break;
      case 18:
        request.body = ReleaseLockRequest{.path = path(), .handle = random_.below(2)};
        break;
      case 20:
        request.body = acl_file();
        break;
      case 19:
        return {SessionId(), {}, EndLockDelayRequest{path(), session(), random_.below(2)}};
      default:
        request.body = create();
        break;
    }
    return request;
  }
  ReapUnopenedRequest reap_unopened() {
    const Guard node = guard();
    return {node.path, node.instance, Epoch(random_.chance(1, 8) ? 2 : 1)};
  }
  Guard guard() {
    Guard guard{path(), Zxid(Epoch(1), 1), Zxid()};
    if (const auto stat = seen_.stat(guard.path, {}); stat && random_.chance(5, 6)) {
      guard.instance = stat->czxid;
      if (random_.chance(1, 2)) guard.content = random_.chance(1, 2) ? stat->mzxid : stat->czxid;
    }
    return guard;
  }
  // Mostly the next one of the session, sometimes one of the last again, sometimes one left out.
  CallNumber call(SessionId id) {
    uint64_t& last = last_number_[static_cast<size_t>(id.value)];
    CallNumber call{random_.chance(1, 5) ? last - std::min(last, random_.below(6)) : ++last, 0};
    last += random_.below(12) / 11;
    call.answered_below = call.number - std::min(call.number, random_.below(8));
    if (random_.chance(1, 20)) ++call.answered_below;
    return call;
  }
  SessionId session() { return SessionId(1 + int64_t(random_.below(3))); }
  Identities identities() {
    switch (random_.below(4)) {
      case 0:
        return {{"ip", "127.0.0.1"}, {"digest", "alice:x"}};
      case 1:
        return {{"super", ""}};
      default:
        return {{"ip", "127.0.0.1"}};
    }
  }
  std::string path() {
    std::string out;
    for (uint64_t depth = 1 + random_.below(3); depth > 0; --depth)
      out += {'/', static_cast<char>('a' + random_.below(3))};
    return random_.chance(1, 60) ? out + "/" : out;
  }
  Bytes data() { return Bytes(random_.below(random_.chance(1, 8) ? 300 : 10), 'd'); }
  int32_t version() { return random_.chance(3, 4) ? kAnyVersion : static_cast<int32_t>(random_.below(3)); }
  Acl acl() {
    switch (random_.below(24)) {
      case 0:
        return {{kRead | kCreate | kDelete, "world", "anyone"}};
      case 1:
        return {{kAllPermissions, "auth", ""}};
      case 2:
        return {{kAllPermissions, "digest", "alice:x"}, {kRead, "world", "anyone"}};
      case 3:
        return {{kAllPermissions, "ip", "127.0.0.0/8"}};
      case 4:
        return {{kAllPermissions, "aclfile", random_.chance(1, 2) ? "a" : "b"}, {kRead | kCreate, "world", "anyone"}};
      default:
        return kOpen;
    }
  }
  CreateRequest create() {
    CreateRequest request{.path = path(), .data = data(), .acl = acl(), .sequential = random_.chance(1, 6)};
    request.kind = static_cast<NodeKind>(random_.below(6) < 3 ? 0 : random_.below(8));
    request.inherit_acl = random_.chance(1, 6);
    if (request.data.empty()) request.data_is_null = random_.chance(1, 2);
    if (request.kind == NodeKind::ttl) request.ttl_ms = 1 + int64_t(random_.below(200));
    return request;
  }
  SetAclRequest set_acl() { return {path(), acl(), version()}; }
  MultiRequest::Op remove() { return DeleteRequest{path(), version()}; }
  MultiRequest::Op set_data() {
    SetDataRequest request{path(), data(), version()};
    if (request.data.empty()) request.data_is_null = random_.chance(1, 2);
    return request;
  }
  MultiRequest multi() {
    MultiRequest request;
    for (uint64_t n = 1 + random_.below(4); n > 0; --n) {
      switch (random_.below(5)) {
        case 0:
          request.ops.push_back(remove());
          break;
        case 1:
          request.ops.push_back(set_data());
          break;
        case 2:
          request.ops.push_back(CheckRequest{path(), version()});
          break;
        default:
          request.ops.push_back(create());
          break;
      }
    }
    return request;
  }
  // Makes, changes and removes the files that some ACLs name.
  RequestBody acl_file() {
    static constexpr const char* kContents[] = {"world:anyone", "# nobody", "digest:alice:x\nip:10.0.0.0/8",
                                                "aclfile:a\nip:127.0.0.1", ""};
    const Bytes content = kContents[random_.below(5)];
    const std::string file = random_.chance(1, 2) ? "/acl/a" : "/acl/b";
    switch (random_.below(5)) {
      case 0:
        return DeleteRequest{file};
      case 1:
        return CreateRequest{.path = "/acl", .acl = kOpen, .kind = NodeKind::directory};
      case 2:
        return SetDataRequest{file, content};
      default:
        return CreateRequest{.path = file, .data = content, .acl = kOpen, .kind = NodeKind::file};
    }
  }
  // Builds up and takes down quotas on single letters and pairs of them.
  RequestBody quota() {
    std::string at = "/zookeeper/quota/" + std::string(1, static_cast<char>('a' + random_.below(3)));
    if (random_.chance(1, 3)) at += "/a";
    const uint64_t what = random_.below(6);
    if (what == 0) return CreateRequest{.path = at, .acl = kOpen};
    const std::string node = at + (random_.chance(1, 2) ? "/zookeeper_limits" : "/zookeeper_stats");
    const Bytes limits =
        random_.chance(1, 2) ? "count=2,bytes=50" : "count=-1,bytes=-1=;byteHardLimit=200;countHardLimit=4";
    if (what == 1) return DeleteRequest{node};
    if (what == 2) return SetDataRequest{at + "/zookeeper_limits", limits};
    MultiRequest both;
    both.ops.push_back(CreateRequest{.path = at + "/zookeeper_limits", .data = limits, .acl = kOpen});
    both.ops.push_back(CreateRequest{.path = at + "/zookeeper_stats", .data = "count=-1,bytes=-1", .acl = kOpen});
    return both;
  }

  Random random_;
  const Service& seen_;
  int64_t now_ms_ = 1000;
  std::array<uint64_t, 4> last_number_{};  // by session
};

}  // namespace conclave::state::testing
