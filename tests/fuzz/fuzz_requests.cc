// The state under any sequence of requests: as a client asks them, and as bytes that a peer forwards. The master
// evaluates, two replicas apply; the facts cross the wire in between. Equal digests, refusals that change nothing, and
// a snapshot that gives the same state back (B45, B51).
#include <algorithm>

#include "input.h"
#include "state/service/evaluator.h"

namespace conclave::fuzz {
namespace {

using namespace state;

class Replicas {
 public:
  explicit Replicas(const EvaluatorSettings& settings) : evaluator_(master_, Epoch(1), settings) {
    run({SessionId(), {}, EpochStartRequest{}}, ReplicaId(1));
    run({SessionId(), {}, CreateSessionRequest{SessionId(1), Bytes(16, 'p'), 4'000}}, ReplicaId(1));
  }

  void run(const Request& request, ReplicaId from) {
    now_ms_ += 7;
    const uint64_t before = master_.digest();
    auto result = evaluator_.evaluate(request, {now_ms_, RequestTag{from, 7, 1}});
    require(master_.digest() == before, "evaluating changes nothing");
    if (std::holds_alternative<Refusal>(result)) return;
    const auto& txn = std::get<Transaction>(result);
    Bytes bytes;
    encode(txn, &bytes);
    const auto copy = decode_transaction(bytes);
    require(copy.has_value(), "an encoded transaction decodes");
    Bytes again;
    encode(*copy, &again);
    require(again == bytes, "a transaction survives its encoding");
    master_.apply(txn);
    evaluator_.on_applied(txn.zxid);
    follower_.apply(*copy);
    require(master_.digest() == follower_.digest(), "replicas that applied the same have the same digest (S1)");
  }

  void check_snapshot() {
    Bytes bytes;
    auto cursor = master_.begin_snapshot();
    while (cursor->next(512, &bytes)) {
    }
    auto loader = follower_.begin_load();
    require(loader->feed(bytes).has_value() && loader->finish().has_value(), "a snapshot of the state loads");
    require(master_.digest() == follower_.digest(), "a snapshot gives the same state back");
  }

 private:
  int64_t now_ms_ = 1'000;
  Service master_, follower_;
  Evaluator evaluator_;
};

// Requests on few names, so that they meet.
class Requests {
 public:
  explicit Requests(Input& in) : in_(in) {}

  Request next() {
    Request out{SessionId(static_cast<int64_t>(in_.below(3))), identities(), EpochStartRequest{}};
    switch (in_.below(14)) {
      case 0:
      case 1:
        out.body = create();
        break;
      case 2:
        out.body = DeleteRequest{path(), version()};
        break;
      case 3:
        out.body = set_data();
        break;
      case 4:
        out.body = SetAclRequest{path(), acl(), version()};
        break;
      case 5:
        out.body = CheckRequest{path(), version()};
        break;
      case 6:
        out.body = multi();
        break;
      case 7:
        out.body = CreateSessionRequest{SessionId(static_cast<int64_t>(in_.below(4))), Bytes(16, 'p'),
                                        static_cast<int64_t>(in_.number())};
        break;
      case 8:
        out.body = CloseSessionRequest{.expired = in_.flag()};
        if (in_.flag()) out.body = ResumeSessionRequest{Bytes(16, in_.flag() ? 'q' : 'p')};
        break;
      case 9:
        out = {SessionId(), {}, ReapRequest{path()}};
        if (in_.flag()) out.body = ReapUnopenedRequest{path(), zxid(), Epoch(in_.flag() ? 2 : 1)};
        break;
      case 10:
        lock(&out);
        break;
      case 11:
        out.body = SetDataRequest{path(), data(), kAnyVersion};
        out.guard = {path(), zxid(), in_.flag() ? zxid() : Zxid()};
        break;
      case 12:
        out.body = create();
        out.call = {in_.below(8), in_.below(4)};
        break;
      default: {
        auto decoded = decode_request(in_.bytes());
        if (decoded) check_codec(*decoded);
        return decoded ? *decoded : out;
      }
    }
    check_codec(out);
    return out;
  }

 private:
  static void check_codec(const Request& request) {
    Bytes bytes;
    encode(request, &bytes);
    const auto decoded = decode_request(bytes);
    require(decoded.has_value(), "an encoded request decodes");
    Bytes again;
    encode(*decoded, &again);
    require(again == bytes, "a request survives its encoding");
  }

  void lock(Request* out) {
    const std::string at = path();
    const uint64_t handle = in_.below(2);
    switch (in_.below(3)) {
      case 0:
        out->body = AcquireLockRequest{.path = at,
                                       .handle = handle,
                                       .exclusive = in_.flag(),
                                       .delay_ms = static_cast<int64_t>(in_.below(3)) * 30'001};
        break;
      case 1:
        out->body = ReleaseLockRequest{.path = at, .handle = handle};
        break;
      default:
        *out = {SessionId(), {}, EndLockDelayRequest{at, SessionId(static_cast<int64_t>(in_.below(3))), handle}};
    }
  }

  Identities identities() {
    static const Identities kWho[] = {{}, {{"ip", "127.0.0.1"}}, {{"digest", "alice:x"}}, {{"super", ""}}};
    return kWho[in_.below(4)];
  }
  std::string path() {
    static constexpr std::string_view kPaths[] = {"/",
                                                  "/a",
                                                  "/a/b",
                                                  "/a/b/c",
                                                  "/b",
                                                  "/acl",
                                                  "/acl/f",
                                                  "/zookeeper",
                                                  "/zookeeper/quota",
                                                  "/zookeeper/quota/a",
                                                  "/zookeeper/quota/a/zookeeper_limits",
                                                  "/zookeeper/quota/a/zookeeper_stats",
                                                  "/zookeeper/config"};
    const size_t choice = in_.below(16);
    if (choice < std::size(kPaths)) return std::string(kPaths[choice]);
    if (choice == 15) return std::string(in_.bytes());
    return std::string(kPaths[choice - 11]) + "/" + std::string(in_.bytes().substr(0, 3));
  }
  // One of those that the run may have come to.
  Zxid zxid() { return {Epoch(1), static_cast<uint32_t>(in_.below(64))}; }
  Bytes data() { return Bytes(in_.bytes()); }
  int32_t version() { return in_.flag() ? kAnyVersion : static_cast<int32_t>(in_.number()); }
  Acl acl() {
    static const Acl kAcls[] = {{{kAllPermissions, "world", "anyone"}},
                                {{kRead, "world", "anyone"}},
                                {{kAllPermissions, "auth", ""}},
                                {{kAllPermissions, "digest", "alice:x"}, {kRead, "aclfile", "f"}},
                                {}};
    const size_t choice = in_.below(6);
    if (choice < std::size(kAcls)) return kAcls[choice];
    return {{static_cast<uint32_t>(in_.number()), std::string(in_.bytes()), std::string(in_.bytes())}};
  }
  CreateRequest create() {
    CreateRequest out{.path = path(), .data = data(), .acl = acl()};
    const uint8_t mode = in_.byte();
    out.kind = static_cast<NodeKind>(mode % 4 + ((mode & 0x40) != 0 ? 4 : 0));
    out.inherit_acl = (mode & 0x80) != 0;
    out.sequential = (mode & 0x10) != 0;
    out.data_is_null = (mode & 0x20) != 0 && out.data.empty();
    if (out.kind == NodeKind::ttl) out.ttl_ms = static_cast<int64_t>(in_.number());
    return out;
  }
  SetDataRequest set_data() {
    SetDataRequest out{.path = path(), .data = data(), .version = version()};
    out.data_is_null = out.data.empty() && in_.flag();
    return out;
  }
  MultiRequest multi() {
    MultiRequest out;
    for (size_t n = in_.below(5); n > 0; --n) {
      switch (in_.below(4)) {
        case 0:
          out.ops.push_back(create());
          break;
        case 1:
          out.ops.push_back(DeleteRequest{path(), version()});
          break;
        case 2:
          out.ops.push_back(set_data());
          break;
        default:
          out.ops.push_back(CheckRequest{path(), version()});
      }
    }
    return out;
  }

  Input& in_;
};

}  // namespace
}  // namespace conclave::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace conclave;
  fuzz::Input in(data, size);
  const uint8_t switches = in.byte();
  fuzz::Replicas replicas({.transaction_bytes_max = 512,
                           .multi_ops_max = 3,
                           .path_bytes_max = 64,
                           .path_depth_max = 5,
                           .enforce_quota = (switches & 1) != 0,
                           .extended_types = (switches & 2) == 0,
                           .skip_acl = (switches & 4) != 0});
  fuzz::Requests requests(in);
  ReplicaId from(1);  // where the clients are; sessions that were left elsewhere have moved
  for (int steps = 0; steps < 60 && !in.empty(); ++steps) {
    const state::Request request = requests.next();
    if (std::holds_alternative<state::ResumeSessionRequest>(request.body) && in.flag()) {
      from = ReplicaId(3 - from.value);
    }
    replicas.run(request, from);
  }
  if ((switches & 0x18) == 0x18) replicas.check_snapshot();
  return 0;
}
