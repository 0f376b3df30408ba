// What a hostile or broken server can send to our own client: bytes, frames, replies of any kind to any xid, watch
// events, lost connections. The client keeps its promises to its user: nothing crashes, every completion is called at
// most once and in order, and the states that end a session are final.
#include <deque>

#include "client/client.h"
#include "client/fake_world.h"
#include "input.h"
#include "wire/zookeeper/replies.h"

namespace conclave::fuzz {
namespace {

namespace wz = wire::zookeeper;
using client::SessionState;

template <class... Parts>
Bytes frame_of(const Parts&... parts) {
  Bytes out;
  FrameWriter frame(&out);
  wz::Writer writer(&out);
  (writer.put(parts), ...);
  frame.finish();
  return out;
}

class Server {
 public:
  explicit Server(Input& in) : in_(in) {
    client::Options options{.servers = {{"a", 1}, {"b", 2}}, .frame_bytes_max = 4'096};
    client_ = std::make_unique<client::Client>(loop_, loop_, network_, options);
    client_->start([this](SessionState state) {
      require(!over_, "nothing follows the end of a session");
      over_ = state == SessionState::expired || state == SessionState::closed || state == SessionState::auth_failed;
    });
  }

  void run() {
    accept();
    welcome(true);
    for (int steps = 0; steps < 120 && !in_.empty(); ++steps) step();
  }

 private:
  void accept() {
    loop_.drain();
    if (!network_.attempts.empty()) connection_ = network_.accept();
  }
  void send(BytesView bytes) {
    if (connection_ && connection_->handler != nullptr) connection_->receive(bytes);
    loop_.drain();
  }
  void welcome(bool honest) {
    wz::ConnectResponse response{.timeout_ms = 9'000, .session = SessionId(77), .password = "0123456789abcdef"};
    if (!honest) {
      response.timeout_ms = static_cast<int32_t>(in_.number());
      response.session = SessionId(static_cast<int64_t>(in_.number()));
      response.password = in_.bytes();
      if (in_.flag()) response.read_only = in_.flag();
    }
    Bytes out;
    FrameWriter frame(&out);
    wz::Writer writer(&out);
    encode(response, &writer);
    frame.finish();
    send(out);
  }

  void step() {
    switch (in_.below(12)) {
      case 0:
        return send(in_.bytes());
      case 1:
      case 2:
        return ask();
      case 3:
      case 4:
        return send(reply());
      case 5:
        return send(frame_of(wz::ReplyHeader{.xid = wz::kXidNotification, .zxid = wz::kNotificationZxid},
                             wz::WatcherEvent{.type = static_cast<wz::EventType>(in_.number()),
                                              .state = static_cast<wz::KeeperState>(in_.number()),
                                              .path = path()}));
      case 6:
        return send(frame_of(wz::ReplyHeader{
            .xid = -static_cast<int32_t>(in_.below(10)), .zxid = Zxid(in_.number()), .error = error()}));
      case 7:
        return loop_.advance(Duration::millis(static_cast<int64_t>(in_.byte()) * 100));
      case 8:
        if (connection_) connection_->close("gone");
        return loop_.drain();
      case 9:
        return accept();
      case 10:
        return welcome(in_.below(4) != 0);
      default:
        if (!network_.attempts.empty()) network_.refuse("refused");
    }
  }

  // One request of the user, whose completion must come once, in its turn.
  template <class T>
  client::Completion<T> turn() {
    return [this, number = asked_++](auto&&...) {
      require(number == answered_, "completions come in order, each once (C1)");
      ++answered_;
    };
  }
  void ask() {
    if (over_) return;
    const auto watch = [](const auto&...) {};
    const std::string at(path());
    switch (in_.below(12)) {
      case 0:
        return client_->create(at, in_.bytes(), {}, turn<client::Created>());
      case 1:
        return client_->remove(at, -1, turn<void>());
      case 2:
        return client_->exists(at, watch, turn<client::Stat>());
      case 3:
        return client_->get(at, watch, turn<client::NodeData>());
      case 4:
        return client_->children(at, watch, turn<client::Children>());
      case 5:
        return client_->set(at, in_.bytes(), -1, turn<client::Stat>());
      case 6:
        return client_->get_acl(at, turn<client::NodeAcl>());
      case 7:
        return client_->sync(at, turn<void>());
      case 8:
        return client_->who_am_i(turn<std::vector<client::Identity>>());
      case 9:
        return client_->add_watch(at, client::AddWatchMode::persistent_recursive, watch, turn<void>());
      case 10:
        return client_->ephemerals(at, turn<std::vector<std::string>>());
      default:
        return client_->count_descendants(at, turn<int32_t>());
    }
  }
  BytesView path() {
    static constexpr BytesView kPaths[] = {"/", "/a", "/a/b", "/a/b/c", ""};
    return kPaths[in_.below(5)];
  }
  wz::ErrorCode error() {
    return in_.flag() ? wz::ErrorCode::ok : static_cast<wz::ErrorCode>(-static_cast<int32_t>(in_.byte()));
  }

  // Mostly to the next request in order, with a body that may fit.
  Bytes reply() {
    wz::ReplyHeader header{.xid = ++xid_, .zxid = Zxid(++zxid_), .error = error()};
    if (in_.below(8) == 7) header.xid = static_cast<int32_t>(in_.number());
    const wz::Stat stat{.czxid = Zxid(in_.number()), .version = static_cast<int32_t>(in_.number())};
    const std::vector<BytesView> names(in_.below(4), "name");
    switch (in_.below(9)) {
      case 0:
        return frame_of(header, wz::PathResponse{path()});
      case 1:
        return frame_of(header, wz::Create2Response{path(), stat});
      case 2:
        return frame_of(header, wz::StatResponse{stat});
      case 3:
        return frame_of(header, wz::GetDataResponse{in_.bytes(), stat});
      case 4:
        return frame_of(header, wz::GetChildren2Response{names, stat});
      case 5:
        return frame_of(header, wz::GetAclResponse{{{31, {"world", "anyone"}}}, stat});
      case 6:
        return frame_of(header, wz::GetEphemeralsResponse{names});
      case 7:
        return frame_of(header);
      default: {
        Bytes out;
        FrameWriter frame(&out);
        wz::Writer(&out).put(header);
        out.append(in_.bytes());
        frame.finish();
        return out;
      }
    }
  }

  Input& in_;
  client::FakeLoop loop_;
  client::FakeNetwork network_{loop_};
  std::shared_ptr<client::FakeConnection> connection_;
  std::unique_ptr<client::Client> client_;
  bool over_ = false;
  uint64_t asked_ = 0;
  uint64_t answered_ = 0;
  int32_t xid_ = 0;
  uint64_t zxid_ = 0;
};

}  // namespace
}  // namespace conclave::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  conclave::fuzz::Input in(data, size);
  conclave::fuzz::Server(in).run();
  return 0;
}
