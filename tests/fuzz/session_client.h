// One client of fuzz_client_session: what it asked, and the judge of what comes back. Every request is answered once,
// in order, with its xid and a body of the right form (ZK-12); zxids never go back; a connection is cut only for a
// reason.
#pragma once

#include <cstring>
#include <deque>
#include <memory>
#include <utility>

#include "client_world.h"
#include "wire/zookeeper/multi.h"

namespace conclave::fuzz {

class SessionClient {
 public:
  explicit SessionClient(ClientWorld& world) : world_(world) {}

  bool connected() const { return pipe_ != nullptr && !pipe_->closed; }
  bool established() const { return connected() && greeted_; }
  SessionId session() const { return session_; }
  const Bytes& password() const { return password_; }
  wz::ErrorCode last_error() const { return last_error_; }
  size_t waiting() const { return asked_.size(); }

  void connect(wz::ConnectRequest request) {
    leave();
    pipe_ = world_.open();
    greeted_ = may_close_ = raw_ = false;
    resumes_ = request.session != SessionId();
    last_zxid_ = Zxid();
    world_.give(*pipe_, connect_frame(request));
  }
  void leave() {
    if (pipe_ != nullptr) world_.hang_up(*pipe_);
    pipe_ = nullptr;
    asked_.clear();
    at_once_ = 0;
  }
  void toggle_stuck() {
    if (pipe_ == nullptr) return;
    pipe_->stuck = !pipe_->stuck;
    if (!pipe_->stuck) pipe_->unsent = 0;
  }
  // From here on the server may cut this connection: the harness did something that entitles it to.
  void may_close() { may_close_ = true; }
  // Also when it was silent for as long as the shortest time-out of a connection.
  bool entitled_to_close() const { return may_close_ || world_.clock.now() - given_at_ >= Duration::seconds(4); }

  template <class... Body>
  void ask(wz::OpCode op, const Body&... body) {
    ask_frame(op, frame_of(wz::RequestHeader{++xid_, op}, body...));
  }
  void ask_multi(wz::OpCode op, const wz::MultiRequest& body) {
    Bytes out;
    FrameWriter frame(&out);
    wz::Writer writer(&out);
    writer.put(wz::RequestHeader{++xid_, op});
    encode(body, &writer);
    frame.finish();
    ask_frame(op, std::move(out));
  }
  // The last `cut` bytes of the next request are left off, though its length is right.
  void damage_next(size_t cut) { cut_ = cut; }

  // auth: answered at once, before what waits.
  void authenticate(BytesView scheme, BytesView credentials) {
    ++at_once_;
    give(frame_of(wz::RequestHeader{wz::kXidAuth, wz::OpCode::auth}, wz::AuthPacket{0, scheme, credentials}));
  }
  // Bytes that may be requests of their own: their replies cannot be told from ours any more.
  void give_raw(BytesView bytes) {
    raw_ = may_close_ = true;
    give(bytes);
  }
  void give(BytesView bytes) {
    given_at_ = world_.clock.now();
    if (connected()) world_.give(*pipe_, bytes);
  }

  // Judges what has come back.
  void read() {
    if (pipe_ == nullptr) return;
    BytesView in = pipe_->received;
    while (in.size() >= kFrameLengthBytes) {
      int32_t length = 0;
      std::memcpy(&length, in.data(), sizeof(length));
      length = big_endian(length);
      require(length >= 0 && static_cast<size_t>(length) + 4 <= in.size(), "frames leave whole");
      on_message(in.substr(4, static_cast<size_t>(length)));
      in.remove_prefix(4 + static_cast<size_t>(length));
    }
    require(in.empty(), "frames leave whole");
    pipe_->received.clear();
    require(!pipe_->closed || entitled_to_close() || !greeted_, "a connection is cut only for a reason");
  }

 private:
  struct Asked {
    int32_t xid = 0;
    wz::OpCode op = wz::OpCode::error;
  };

  void ask_frame(wz::OpCode op, Bytes frame) {
    if (const size_t cut = std::exchange(cut_, 0); cut > 0) {
      frame.resize(std::max(frame.size() - std::min(cut, frame.size()), kFrameLengthBytes));
      const int32_t length = big_endian(static_cast<int32_t>(frame.size() - kFrameLengthBytes));
      std::memcpy(frame.data(), &length, sizeof(length));
      if (frame.size() < 12 || op == wz::OpCode::sasl) may_close();
    }
    asked_.push_back({xid_, op});
    give(frame);
  }

  void on_message(BytesView message) {
    wz::Reader in(message);
    if (!greeted_) return on_greeting(&in);
    const auto header = in.get<wz::ReplyHeader>();
    require(in.ok(), "a reply has a header");
    last_error_ = header.error;
    if (header.xid == wz::kXidNotification) {
      require(header.zxid == wz::kNotificationZxid, "a watch event has zxid -1");
      in.get<wz::WatcherEvent>();
      return require(in.done(), "a watch event is well-formed");
    }
    if (header.xid == wz::kXidAuth) {
      require(raw_ || at_once_-- > 0, "an answer to authentication was asked for");
      if (header.error != wz::ErrorCode::ok) may_close();
      return;
    }
    if (raw_) {
      asked_.clear();
      return;
    }
    require(!asked_.empty(), "a reply answers a request");
    const Asked asked = asked_.front();
    asked_.pop_front();
    require(header.xid == asked.xid, "replies come in the order of requests (ZK-12)");
    if (header.error == wz::ErrorCode::unimplemented && header.zxid == wz::kNotificationZxid) return may_close();
    require(header.zxid >= last_zxid_ || asked.op == wz::OpCode::sasl, "zxids of replies never go back");
    last_zxid_ = std::max(last_zxid_, header.zxid);
    if (asked.op == wz::OpCode::close_session) may_close();
    if (header.error != wz::ErrorCode::ok) return require(in.done(), "an error has no body");
    read_body(asked.op, &in);
    require(in.done(), "the body of a reply has the form of its opcode");
  }

  void on_greeting(wz::Reader* in) {
    const wz::ConnectResponse response = decode_connect_response(in);
    require(in->done(), "the answer to a connect request is well-formed");
    greeted_ = true;
    if (response.session == SessionId()) {
      require(resumes_, "a new session is never refused as expired");
      return may_close();
    }
    require(response.password.size() == wz::kPasswordBytes, "a session has a password");
    session_ = response.session;
    password_ = Bytes(response.password);
  }

  static void read_body(wz::OpCode op, wz::Reader* in) {
    switch (op) {
      case wz::OpCode::create:
      case wz::OpCode::sync:
        in->get<wz::PathResponse>();
        return;
      case wz::OpCode::create2:
      case wz::OpCode::create_container:
      case wz::OpCode::create_ttl:
        in->get<wz::Create2Response>();
        return;
      case wz::OpCode::exists:
      case wz::OpCode::set_data:
      case wz::OpCode::set_acl:
      case wz::OpCode::check:
        in->get<wz::StatResponse>();
        return;
      case wz::OpCode::get_data:
        in->get<wz::GetDataResponse>();
        return;
      case wz::OpCode::get_children:
        in->get<wz::GetChildrenResponse>();
        return;
      case wz::OpCode::get_children2:
        in->get<wz::GetChildren2Response>();
        return;
      case wz::OpCode::get_acl:
        in->get<wz::GetAclResponse>();
        return;
      case wz::OpCode::get_all_children_number:
        in->get<wz::GetAllChildrenNumberResponse>();
        return;
      case wz::OpCode::get_ephemerals:
        in->get<wz::GetEphemeralsResponse>();
        return;
      case wz::OpCode::multi:
      case wz::OpCode::multi_read:
        decode_multi_response(in);
        return;
      case wz::OpCode::who_am_i:
        in->get<wz::WhoAmIResponse>();
        return;
      case wz::OpCode::sasl:
        in->get<wz::SaslResponse>();
        return;
      case wz::OpCode::add_watch:
        in->get<wz::ErrorResponse>();
        return;
      default:
        return;
    }
  }

  ClientWorld& world_;
  std::shared_ptr<fz::Pipe> pipe_;
  std::deque<Asked> asked_;
  int at_once_ = 0;
  int32_t xid_ = 0;
  size_t cut_ = 0;
  Zxid last_zxid_;
  SessionId session_;
  Bytes password_;
  bool greeted_ = false;
  bool resumes_ = false;
  bool may_close_ = false;
  bool raw_ = false;
  Instant given_at_;
  wz::ErrorCode last_error_ = wz::ErrorCode::ok;
};

}  // namespace conclave::fuzz
