// Sessions of ZooKeeper clients, driven by a script that the input is: requests of every opcode, pipelined or not,
// damaged frames among them, sessions closed, resumed and taken over, slow writes, failing writes, time passing. The
// judge of each client is session_client.h; besides, a refused write leaves the state as it was, and a bystander keeps
// its data and its connection.
#include <array>

#include "session_client.h"

namespace conclave::fuzz {
namespace {

using wz::OpCode;

class Script {
 public:
  Script(Input& in, uint8_t shape)
      : in_(in),
        world_(settings_of(shape)),
        clients_{SessionClient(world_), SessionClient(world_), SessionClient(world_)} {}

  void run() {
    for (int steps = 0; steps < 150 && !in_.empty(); ++steps) {
      SessionClient& client = clients_[in_.below(clients_.size())];
      if (!client.connected()) {
        connect(client);
      } else {
        step(client);
      }
      for (SessionClient& each : clients_) each.read();
    }
    settle();
  }

 private:
  void connect(SessionClient& client) {
    wz::ConnectRequest request{.timeout_ms = 10'000, .password = ClientWorld::kNoPassword, .read_only = in_.flag()};
    const SessionClient& other = clients_[in_.below(clients_.size())];
    const Bytes password = other.password();
    if (in_.below(4) == 3 && other.session() != SessionId()) {  // its own session again, or another's
      request.session = other.session();
      request.password = password;
      for (SessionClient& each : clients_) {
        if (each.session() == request.session) each.may_close();
      }
    }
    client.connect(request);
  }

  void step(SessionClient& client) {
    const size_t what = in_.below(32);
    if (what < 24) return request(client, what);
    switch (what) {
      case 24:
        return client.leave();
      case 25:
        return world_.advance(Duration::millis(in_.byte() * 20));
      case 26:
        world_.gateway.hold = !world_.gateway.hold;
        return release();
      case 27:
        world_.gateway.let_go(1 + in_.below(3));
        return world_.executor.run();
      case 28:
        return fail_held();
      case 29:
        client.may_close();  // it may turn out to read too slowly
        return client.toggle_stuck();
      case 30:
        return client.damage_next(1 + in_.below(40));
      default:
        return client.give_raw(in_.bytes());
    }
  }

  // A replica that cannot know the outcome says so, in any order; whose request it was is cut.
  void fail_held() {
    if (world_.gateway.held() == 0) return;
    for (SessionClient& each : clients_) {
      if (!each.established() || each.waiting() > 0) each.may_close();
    }
    static constexpr std::array kCodes = {state::Code::connection_loss, state::Code::request_timeout, state::Code::ok};
    world_.gateway.fail_held(in_.below(world_.gateway.held()), kCodes[in_.below(2)]);
    world_.executor.run();
  }
  void release() {
    if (world_.gateway.hold) return;
    world_.gateway.let_go();
    world_.executor.run();
  }

  void request(SessionClient& client, size_t what) {
    if (!client.established()) return client.give_raw(in_.bytes());
    const bool alone = client.waiting() == 0 && !world_.gateway.hold;
    const uint64_t before = world_.gateway.state().digest();
    const size_t sessions = world_.gateway.state().session_count();
    const bool write = ask(client, what);
    client.read();
    if (!write || !alone || client.waiting() > 0 || client.last_error() == wz::ErrorCode::ok) return;
    if (world_.gateway.state().session_count() != sessions) return;  // a local session became a global one first
    require(world_.gateway.state().digest() == before, "a refused write leaves the state as it was");
  }

  // True: a write, other than a multi.
  bool ask(SessionClient& client, size_t what) {
    const std::string at = path();
    switch (what) {
      case 0:
      case 1: {
        static constexpr std::array kOps = {OpCode::create, OpCode::create2, OpCode::create_container};
        return client.ask(kOps[in_.below(3)], create(at)), true;
      }
      case 2:
        return client.ask(OpCode::create_ttl, wz::CreateTtlRequest{at, in_.bytes(), acl(), mode(), ttl()}), true;
      case 3:
        return client.ask(OpCode::delete_node, wz::DeleteRequest{at, version()}), true;
      case 4:
        return client.ask(OpCode::set_data, set(at)), true;
      case 5:
        return client.ask(OpCode::set_acl, wz::SetAclRequest{at, acl(), version()}), true;
      case 6:
        return client.ask(OpCode::check, wz::CheckVersionRequest{at, version()}), true;
      case 7:
      case 8:
        return client.ask_multi(OpCode::multi, multi()), false;
      case 9:
        return client.ask_multi(OpCode::multi_read, multi_read()), false;
      case 10:
        return client.ask(OpCode::exists, wz::PathWatchRequest{at, in_.flag()}), false;
      case 11:
        return client.ask(OpCode::get_data, wz::PathWatchRequest{at, in_.flag()}), false;
      case 12:
        return client.ask(in_.flag() ? OpCode::get_children : OpCode::get_children2,
                          wz::PathWatchRequest{at, in_.flag()}),
               false;
      case 13: {
        static constexpr std::array kOps = {OpCode::get_acl, OpCode::get_ephemerals, OpCode::get_all_children_number};
        return client.ask(kOps[in_.below(3)], wz::PathRequest{at}), false;
      }
      case 14:
        return client.ask(OpCode::sync, wz::PathRequest{at}), false;
      case 15:
        return client.ask(OpCode::add_watch, wz::AddWatchRequest{at, static_cast<wz::AddWatchMode>(in_.below(3))}),
               false;
      case 16:
        return client.ask(in_.flag() ? OpCode::remove_watches : OpCode::check_watches,
                          wz::WatchesRequest{at, static_cast<wz::WatcherType>(in_.below(5))}),
               false;
      case 17:
        return client.ask(
                   OpCode::set_watches2,
                   wz::SetWatches2Request{
                       Zxid(in_.number()), {path_view()}, {path_view()}, {path_view()}, {path_view()}, {path_view()}}),
               false;
      case 18:
        return client.authenticate(in_.below(4) == 3 ? "sasl" : "digest", in_.flag() ? "alice:secret" : in_.bytes()),
               false;
      case 19:
        return client.ask(in_.flag() ? OpCode::ping : OpCode::who_am_i), false;
      case 20:
        if (in_.below(4) == 3) client.ask(OpCode::close_session);
        return false;
      case 21:
        return client.ask(OpCode::reconfig, wz::ReconfigRequest{at, {}, {}, -1}), false;
      case 22:
        if (in_.below(4) == 3) {
          client.may_close();
          client.ask(static_cast<OpCode>(in_.byte()), wz::PathRequest{at});
        }
        return false;
      default:
        return client.ask(OpCode::set_watches,
                          wz::SetWatchesRequest{Zxid(in_.number()), {path_view()}, {path_view()}, {path_view()}}),
               false;
    }
  }

  BytesView path_view() {
    static constexpr std::array<BytesView, 16> kPaths = {"/",
                                                         "/a",
                                                         "/a/b",
                                                         "/a/b/c",
                                                         "/b",
                                                         "/b/a",
                                                         "/mine",
                                                         "/mine/child",
                                                         "/mine/x",
                                                         "/zookeeper/config",
                                                         "/zookeeper/quota",
                                                         "/zookeeper/quota/a",
                                                         "",
                                                         "a",
                                                         "/a/",
                                                         "/a//b"};
    return kPaths[in_.below(kPaths.size())];
  }
  std::string path() { return in_.below(16) == 15 ? std::string(in_.bytes()) : std::string(path_view()); }
  int32_t version() { return in_.flag() ? wz::kAnyVersion : static_cast<int32_t>(in_.number()); }
  wz::CreateMode mode() { return static_cast<wz::CreateMode>(in_.below(8)); }
  int64_t ttl() { return static_cast<int64_t>(in_.number()); }
  std::vector<wz::Acl> acl() {
    switch (in_.below(8)) {
      case 0:
        return {};
      case 1:
        return {{31, {"auth", ""}}};
      case 2:
        return {{1, {"world", "anyone"}}};
      case 3:
        return {{static_cast<int32_t>(in_.number()), {in_.bytes(), in_.bytes()}}};
      default:
        return {{31, {"world", "anyone"}}};
    }
  }
  std::optional<BytesView> content() { return in_.below(8) == 7 ? std::nullopt : std::optional(in_.bytes()); }
  wz::CreateRequest create(BytesView at) { return {at, content(), acl(), mode()}; }
  wz::SetDataRequest set(BytesView at) { return {at, content(), version()}; }

  wz::MultiRequest multi() {
    wz::MultiRequest out;
    for (size_t n = in_.below(6); n > 0; --n) {
      const BytesView at = path_view();
      switch (in_.below(5)) {
        case 0:
          out.ops.push_back({OpCode::delete_node, wz::DeleteRequest{at, version()}});
          break;
        case 1:
          out.ops.push_back({OpCode::set_data, set(at)});
          break;
        case 2:
          out.ops.push_back({OpCode::check, wz::CheckVersionRequest{at, version()}});
          break;
        case 3:
          out.ops.push_back({OpCode::create_ttl, wz::CreateTtlRequest{at, in_.bytes(), acl(), mode(), ttl()}});
          break;
        default:
          out.ops.push_back({in_.flag() ? OpCode::create : OpCode::create2, create(at)});
      }
    }
    return out;
  }
  wz::MultiRequest multi_read() {
    wz::MultiRequest out;
    for (size_t n = in_.below(5); n > 0; --n) {
      out.ops.push_back(
          {in_.flag() ? OpCode::get_data : OpCode::get_children, wz::PathWatchRequest{path_view(), in_.flag()}});
    }
    return out;
  }

  // In the end everybody who is still there gets every answer.
  void settle() {
    world_.gateway.hold = false;
    release();
    world_.advance(Duration::millis(20));
    for (SessionClient& client : clients_) {
      client.read();
      require(!client.connected() || client.waiting() == 0 || client.entitled_to_close(), "every request is answered");
    }
    world_.check_bystander();
  }

  Input& in_;
  ClientWorld world_;
  std::array<SessionClient, 3> clients_;
};

}  // namespace
}  // namespace conclave::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  conclave::fuzz::Input in(data, size);
  const uint8_t shape = in.byte();
  conclave::fuzz::Script(in, shape).run();
  return 0;
}
