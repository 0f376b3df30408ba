// What a stranger can send to the Chubby port of a master: bytes in pieces, and messages of every kind with any numbers
// in them, on several connections, over fail-overs and expiries. Nothing crashes, what comes back is well-formed, and a
// bystander keeps its session, its lock and its file.
#include <deque>
#include <google/protobuf/stubs/logging.h>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/byte_order.h"
#include "env/testing_fakes.h"
#include "frontend/chubby/server.h"
#include "input.h"
#include "replica/testing_gateway.h"
#include "secrets.h"

namespace conclave::fuzz {
namespace {

namespace fc = frontend::chubby;
namespace wc = wire::chubby;

// One client as the master sees it: a connection at a time, and the session that it had.
struct Stranger {
  std::shared_ptr<env::Pipe> pipe;
  int64_t session = 0;
  std::string password;
  uint64_t epoch = 0;
  uint64_t told = 0;
  bool leased = false;  // since it asked last
  uint64_t keep_alives = 0;
  uint64_t calls = 0;
  std::deque<wc::Handle> handles;
};

class World {
 public:
  explicit World(uint8_t shape) {
    fc::Settings settings{.listen = {{"0.0.0.0", 7000}}, .cell = "c"};
    if ((shape & 1) != 0) {
      settings.limits = {.connections_max = 4,
                         .calls_max = 3,
                         .handles_max = 4,
                         .cached_max = 2,
                         .notices_max = 2,
                         .unsent_bytes_max = 4'000,
                         .hello_timeout = Duration::seconds(1)};
    }
    gateway_.peers = {{.id = ReplicaId(2), .lock_service_address = {"two", 7002}}};
    server_ = std::make_unique<fc::Server>(clock_, executor_, secrets_, gateway_, std::move(settings));
    require(server_->listen(network_).has_value(), "the fake network lets it listen");
    lead();
    gateway_.apply(state::CreateRequest{.path = "/d", .acl = kOpen, .kind = state::NodeKind::directory});
    gateway_.apply(state::CreateRequest{.path = "/acl", .acl = kOpen, .kind = state::NodeKind::directory});
    gateway_.apply(state::CreateRequest{.path = "/acl/l", .acl = kOpen, .kind = state::NodeKind::file});
    gateway_.apply(state::CreateRequest{.path = "/z", .acl = kOpen});
    gateway_.apply(state::CreateRequest{
        .path = "/mine", .data = Bytes(kMine), .acl = {{31, "digest", "bystander:x"}}, .kind = state::NodeKind::file});
    attend();
    gateway_.apply(state::AcquireLockRequest{.path = "/mine", .handle = 1}, SessionId(bystander_.session),
                   {{"super", ""}});
  }

  void run(Input& in) {
    for (int steps = 0; steps < 100 && !in.empty(); ++steps) {
      step(in);
      for (Stranger& stranger : strangers_) read(stranger);
      attend();
    }
    check();
  }

 private:
  static constexpr BytesView kMine = "only mine";
  inline static const state::Acl kOpen = {{31, "world", "anyone"}};

  void lead() {
    gateway_.begin_mastership(Epoch(++epoch_));
    gateway_.start_epoch();
    executor_.run();
  }
  void connect(Stranger& stranger) {
    hang_up(stranger);
    stranger.pipe = network_.connect({"10.0.0.1", ++port_});
    stranger.keep_alives = 0;
    executor_.run();
  }
  void hang_up(Stranger& stranger) {
    if (stranger.pipe == nullptr) return;
    if (stranger.pipe->handler != nullptr) stranger.pipe->handler->on_closed({ErrorKind::closed, "end of stream"});
    executor_.run();
  }
  void give(Stranger& stranger, BytesView bytes, size_t cut = 0) {
    if (stranger.pipe == nullptr) connect(stranger);
    cut = std::min(cut, bytes.size());
    if (stranger.pipe->handler != nullptr && cut > 0) stranger.pipe->handler->on_data(bytes.substr(0, cut));
    if (stranger.pipe->handler != nullptr) stranger.pipe->handler->on_data(bytes.substr(cut));
    executor_.run();
  }
  void give(Stranger& stranger, const wc::ClientMessage& message, size_t cut = 0) {
    Bytes frame;
    wc::put_frame(message, &frame);
    give(stranger, frame, cut);
  }
  void ask_for_lease(Stranger& stranger, uint64_t epoch, uint64_t acknowledged) {
    wc::ClientMessage message;
    message.mutable_keep_alive()->set_number(++stranger.keep_alives);
    message.mutable_keep_alive()->set_epoch(epoch);
    message.mutable_keep_alive()->set_acknowledged(acknowledged);
    give(stranger, message);
  }
  // The bystander does as a client should, so that the others' changes need not wait for it.
  void attend() {
    if (bystander_.pipe == nullptr || bystander_.pipe->closed) {
      connect(bystander_);
      wc::Hello again;
      again.set_session(bystander_.session);
      again.set_password(bystander_.password);
      hello(bystander_, std::move(again));
      bystander_.leased = true;
    }
    for (read(bystander_); std::exchange(bystander_.leased, false); read(bystander_)) {
      ask_for_lease(bystander_, bystander_.epoch, bystander_.told);
    }
  }
  void hello(Stranger& stranger, wc::Hello hello) {
    wc::ClientMessage message;
    if (hello.protocol() == 0) hello.set_protocol(wc::kProtocol);
    *message.mutable_hello() = std::move(hello);
    give(stranger, message);
  }

  void step(Input& in) {
    const uint8_t what = in.byte();
    Stranger& stranger = strangers_[what % std::size(strangers_)];
    switch (what / 4 % 16) {
      case 0:
        return give(stranger, in.bytes(), what >= 128 ? 3 : 0);
      case 1: {  // a frame of its right length
        Bytes out;
        FrameWriter frame(&out);
        out.append(in.bytes());
        frame.finish();
        return give(stranger, out, what >= 128 ? 7 : 0);
      }
      case 2:
        return connect(stranger);
      case 3:
        return hello_of(stranger, in);
      case 4:
      case 5:
        if (what < 192) return ask_for_lease(stranger, stranger.epoch, stranger.told);
        return ask_for_lease(stranger, in.flag() ? stranger.epoch : in.number(), in.number());
      case 6: {
        wc::ClientMessage message;
        message.mutable_cancel()->set_number(in.number());
        return give(stranger, message);
      }
      case 7:
        return happen(in);
      default: {
        wc::ClientMessage message;
        *message.mutable_call() = call_of(stranger, in);
        return give(stranger, message);
      }
    }
  }

  void hello_of(Stranger& stranger, Input& in) {
    connect(stranger);
    wc::Hello message;
    const uint8_t how = in.byte();
    if ((how & 1) != 0) {
      message.set_session(stranger.session);
      message.set_password(stranger.password);
    }
    if ((how & 14) == 2) message.set_session(bystander_.session);
    if ((how & 14) == 4) message.set_session(static_cast<int64_t>(in.number()));
    if ((how & 14) == 6) message.set_password(std::string(in.bytes()));
    if ((how & 14) == 8) message.set_protocol(static_cast<uint32_t>(in.number()));
    if ((how & 16) != 0) {
      message.add_credentials()->set_scheme("digest");
      message.mutable_credentials(0)->set_secret(std::string(in.bytes()));
    }
    hello(stranger, std::move(message));
  }

  // What is no client's doing.
  void happen(Input& in) {
    const uint8_t what = in.byte();
    switch (what % 10) {
      case 0:
        gateway_.end_mastership(ReplicaId(2));
        executor_.run();
        return lead();
      case 1: {
        const Stranger& lost = strangers_[in.below(std::size(strangers_))];
        gateway_.apply(state::CloseSessionRequest{.expired = true}, SessionId(lost.session));
        return executor_.run();
      }
      case 2:
        gateway_.hold_syncs = !gateway_.hold_syncs;
        gateway_.complete_syncs(what < 128 ? state::Code::ok : state::Code::connection_loss);
        return executor_.run();
      case 3:
        gateway_.hold_log = !gateway_.hold_log;
        gateway_.apply_log();
        return executor_.run();
      case 4: {  // by ZooKeeper
        gateway_.submit({.session = SessionId(),
                         .identities = {{"super", ""}},
                         .body = state::SetDataRequest{.path = shared_path(in), .data = Bytes(in.bytes())},
                         .guard = std::nullopt,
                         .call = {}},
                        [](const replica::Reply&) {});
        return executor_.run();
      }
      case 5:
        gateway_.apply(state::DeleteRequest{.path = shared_path(in)}, {}, {{"super", ""}});
        return executor_.run();
      case 6:
        gateway_.apply(state::CreateRequest{.path = shared_path(in), .acl = kOpen}, {}, {{"super", ""}});
        return executor_.run();
      case 7: {
        const auto lost = gateway_.state().locks_lost();
        if (lost.empty()) return;
        gateway_.apply(state::EndLockDelayRequest{lost[0].path, lost[0].holder.session, lost[0].holder.handle}, {},
                       {{"super", ""}});
        return executor_.run();
      }
      case 8: {
        Stranger& stranger = strangers_[in.below(std::size(strangers_))];
        if (stranger.pipe != nullptr) stranger.pipe->stuck = !stranger.pipe->stuck;
        return;
      }
      default:
        executor_.advance(Duration::millis(what * 300));
    }
  }

  static std::string shared_path(Input& in) {
    static constexpr const char* kPaths[] = {"/d/a", "/d/b", "/d/e", "/d/e/x", "/acl/l", "/z", "/z/a", "/d"};
    return kPaths[in.byte() % std::size(kPaths)];
  }
  static std::string path_of(Input& in) {
    const uint8_t which = in.byte();
    if (which < 240) return shared_path(in);
    return which < 248 ? "/mine" : std::string(in.bytes());
  }

  wc::Call call_of(Stranger& stranger, Input& in) {
    wc::Call call;
    const uint8_t how = in.byte();
    call.set_number((how & 0xC0) == 0xC0 ? in.number() : ++stranger.calls);
    call.set_epoch((how & 0xF0) == 0x30 ? in.number() : stranger.epoch);
    call.set_answered_below((how & 0xF0) == 0x20 ? in.number() : 1);
    const auto handle = [&]() -> uint64_t { return 1 + in.below(6); };
    switch (how % 16) {
      case 0:
      case 1:
      case 2: {
        wc::Open& open = *call.mutable_open();
        const uint8_t bits = in.byte();
        open.set_handle(handle());
        open.set_path(path_of(in));
        open.set_mode(bits == 255 ? static_cast<uint32_t>(in.number()) : 7u);
        open.set_events(15);
        open.set_lock_delay_ms((bits & 1) != 0 ? static_cast<uint32_t>(in.number()) : 0);
        open.set_creation(static_cast<wc::Open::Creation>(bits / 2 % 4));
        open.set_ephemeral((bits & 8) != 0);
        open.set_directory((bits & 16) != 0);
        if ((bits & 32) != 0) open.set_contents(std::string(in.bytes()));
        if ((bits & 64) != 0) open.mutable_acl()->set_read((bits & 1) != 0 ? "l" : std::string(in.bytes()));
        if ((bits & 128) != 0) open.set_parent_instance(in.number());
        break;
      }
      case 3:
        for (const wc::Handle& known : stranger.handles) *call.mutable_reopen()->add_handles() = known;
        call.mutable_reopen();
        if (wc::Reopen& reopen = *call.mutable_reopen(); in.flag() && reopen.handles_size() > 0) {
          reopen.mutable_handles(0)->set_mode(static_cast<uint32_t>(in.number()));
        }
        break;
      case 4:
        call.mutable_close()->set_handle(in.flag() ? handle() : in.number());
        break;
      case 5:
        call.mutable_get_contents()->set_handle(handle());
        break;
      case 6:
        call.mutable_get_stat()->set_handle(handle());
        break;
      case 7:
        call.mutable_read_directory()->set_handle(handle());
        break;
      case 8:
        call.mutable_set_contents()->set_handle(handle());
        call.mutable_set_contents()->set_contents(std::string(in.bytes()));
        call.mutable_set_contents()->set_generation(in.flag() ? in.number() : 0);
        break;
      case 9:
        call.mutable_set_acl()->set_handle(handle());
        call.mutable_set_acl()->mutable_acl()->set_read(in.flag() ? "l" : std::string(in.bytes()));
        call.mutable_set_acl()->set_conditional(in.flag());
        call.mutable_set_acl()->set_generation(in.number());
        break;
      case 10:
        call.mutable_delete_()->set_handle(handle());
        break;
      case 11:
        call.mutable_acquire()->set_handle(handle());
        call.mutable_acquire()->set_shared(in.flag());
        break;
      case 12:
        call.mutable_await_lock()->set_handle(handle());
        call.mutable_await_lock()->set_shared(in.flag());
        break;
      case 13:
        call.mutable_release()->set_handle(handle());
        break;
      case 14:
        call.mutable_check_sequencer()->set_sequencer("conclave-lock/1 " + std::string(in.bytes()));
        break;
      default:
        if (in.flag()) {
          call.mutable_list_locks();
        } else if (in.flag()) {
          call.mutable_list_sessions();
        } else {
          call.mutable_end_session();
        }
    }
    return call;
  }

  // What came back is well-formed, and the stranger remembers what a client would.
  void read(Stranger& stranger) {
    if (stranger.pipe == nullptr) return;
    BytesView in = stranger.pipe->received;
    while (in.size() >= kFrameLengthBytes) {
      int32_t length = 0;
      std::memcpy(&length, in.data(), sizeof(length));
      length = big_endian(length);
      require(length > 0 && static_cast<size_t>(length) + kFrameLengthBytes <= in.size(), "frames leave whole");
      const auto message = wc::decode_server_message(in.substr(kFrameLengthBytes, static_cast<size_t>(length)));
      require(message.has_value(), "messages to a client are well-formed");
      on_message(stranger, *message);
      in.remove_prefix(kFrameLengthBytes + static_cast<size_t>(length));
    }
    require(in.empty(), "frames leave whole");
    stranger.pipe->received.clear();
  }
  void on_message(Stranger& stranger, const wc::ServerMessage& message) {
    if (message.has_welcome()) {
      if (stranger.epoch != message.welcome().epoch()) stranger.told = 0;
      if (stranger.session != message.welcome().session()) stranger.handles.clear();
      stranger.session = message.welcome().session();
      stranger.password = message.welcome().password();
      stranger.epoch = message.welcome().epoch();
      require(&stranger == &bystander_ || stranger.session != bystander_.session, "a session has one owner");
    } else if (message.has_keep_alive()) {
      stranger.leased = true;
      uint64_t next = 0;
      for (const wc::Notice& notice : message.keep_alive().notices()) {
        require(next == 0 || notice.sequence() == next, "notices come without a gap");
        next = notice.sequence() + 1;
        stranger.told = std::max(stranger.told, notice.sequence());
      }
    } else if (message.has_reply() && message.reply().has_opened()) {
      stranger.handles.push_back(message.reply().opened().handle());
      if (stranger.handles.size() > 4) stranger.handles.pop_front();
    }
  }

  // When everything has come to rest.
  void check() {
    gateway_.hold_syncs = gateway_.hold_log = false;
    gateway_.complete_syncs();
    gateway_.apply_log();
    executor_.run();
    const state::Identities super = {{"super", ""}};
    const auto mine = gateway_.state().get("/mine", super);
    require(mine && mine->data == kMine, "nobody changes the bystander's file");
    require(gateway_.state().locks_held(SessionId(bystander_.session)).size() == 1, "or takes its lock");
    for (Stranger& stranger : strangers_) {
      hang_up(stranger);
      if (stranger.session != 0)
        gateway_.apply(state::CloseSessionRequest{.expired = true}, SessionId(stranger.session));
    }
    for (const state::SessionView& session : gateway_.state().sessions()) {
      gateway_.apply(state::CloseSessionRequest{.expired = true}, session.id);
    }
    executor_.advance(Duration::seconds(130));
    const fc::MasterFigures figures = server_->figures().master;
    require(figures.sessions == 0 && figures.handles == 0 && figures.cached_names == 0 && figures.closed_names == 0 &&
                figures.held_changes == 0 && figures.lock_waiters == 0,
            "with the last session all that is known of them goes");
    require(gateway_.held_by_gate() == 0, "nothing waits for nobody");
    for (const auto& [path, instance] : gateway_.state().nodes_that_live_while_open()) {
      require(gateway_.state().count_descendants(path, super).value_or(0) > 0, "what nobody has open has gone");
    }
  }

  env::FakeClock clock_;
  env::FakeExecutor executor_{&clock_};
  Secrets secrets_;
  env::FakeNetwork network_;
  replica::FakeGateway gateway_{&executor_};
  std::unique_ptr<fc::Server> server_;
  Stranger bystander_;
  Stranger strangers_[4];
  uint32_t epoch_ = 1;
  uint16_t port_ = 40'000;
};

}  // namespace
}  // namespace conclave::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace conclave::fuzz;
  const google::protobuf::LogSilencer quiet;
  Input in(data, size);
  World world(in.byte());
  world.run(in);
  return 0;
}
