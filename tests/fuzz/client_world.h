// A front end over the fakes of its own tests (frontend/zookeeper/testing_fakes.h), clients that a harness moves, and a
// bystander: a session of somebody else, whose data nobody may read or change and whose connection nobody may cut.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/frame.h"
#include "frontend/zookeeper/server.h"
#include "frontend/zookeeper/testing_fakes.h"
#include "input.h"
#include "secrets.h"
#include "wire/zookeeper/replies.h"
#include "wire/zookeeper/requests.h"

namespace conclave::fuzz {

namespace fz = frontend::zookeeper;
namespace wz = wire::zookeeper;

template <class... Parts>
Bytes frame_of(const Parts&... parts) {
  Bytes out;
  FrameWriter frame(&out);
  wz::Writer writer(&out);
  (writer.put(parts), ...);
  frame.finish();
  return out;
}

inline Bytes connect_frame(const wz::ConnectRequest& request) {
  Bytes out;
  FrameWriter frame(&out);
  wz::Writer writer(&out);
  encode(request, &writer);
  frame.finish();
  return out;
}

// Limits that an input reaches, if bit 0 of `shape` says so; other bits switch what a cell may be configured to.
inline fz::Settings settings_of(uint8_t shape) {
  fz::Settings out;
  if ((shape & 1) != 0) {
    out.limits.frame_bytes_max = 512;
    out.limits.first_frame_bytes_max = 128;
    out.limits.outstanding_requests_max = 3;
    out.limits.outstanding_bytes_max = 300;
    out.limits.unsent_bytes_pause = 600;
    out.limits.unsent_bytes_max = 3'000;
    out.limits.multi_ops_max = 4;
    out.limits.identities_max = 4;
    out.limits.connections_per_address_max = 5;
  }
  out.local_sessions_enabled = (shape & 2) != 0;
  out.local_sessions_upgrading_enabled = (shape & 4) != 0;
  out.read_only_mode_enabled = (shape & 8) != 0;
  out.reconfig_enabled = (shape & 16) != 0;
  out.four_letter_words = {"*"};
  return out;
}

class ClientWorld {
 public:
  explicit ClientWorld(fz::Settings settings) : server_(clock, executor, secrets_, gateway, std::move(settings)) {
    bystander_ = open("10.9.9.9");
    give(*bystander_, connect_frame({.timeout_ms = 40'000, .password = kNoPassword, .read_only = true}));
    give(*bystander_, frame_of(wz::RequestHeader{wz::kXidAuth, wz::OpCode::auth},
                               wz::AuthPacket{0, "digest", "bystander:" + secrets_.bytes(16)}));
    const std::vector<wz::Acl> only_mine = {{wz::kPermissionAll, {"auth", ""}}};
    give(*bystander_, frame_of(wz::RequestHeader{1, wz::OpCode::create},
                               wz::CreateRequest{"/mine", kMine, only_mine, wz::CreateMode::persistent}));
    give(*bystander_, frame_of(wz::RequestHeader{2, wz::OpCode::create},
                               wz::CreateRequest{"/mine/child", kMine, only_mine, wz::CreateMode::persistent}));
    bystander_->received.clear();
  }

  std::shared_ptr<fz::Pipe> open(const std::string& host = "10.0.0.1") {
    auto pipe = std::make_shared<fz::Pipe>();
    server_.accept(std::make_unique<fz::FakeStream>(pipe, env::Address{host, ++port_}));
    executor.run();
    return pipe;
  }
  void give(fz::Pipe& pipe, BytesView bytes) {
    if (pipe.handler != nullptr) pipe.handler->on_data(bytes);
    executor.run();
  }
  void hang_up(fz::Pipe& pipe) {
    if (pipe.handler != nullptr) pipe.handler->on_closed({ErrorKind::closed, "end of stream"});
    executor.run();
  }

  // Time passes; the bystander pings, so that its session lives.
  void advance(Duration by) {
    for (constexpr Duration kStep = Duration::seconds(10); by > kStep; by = by - kStep) advance(kStep);
    executor.advance(by);
    give(*bystander_, frame_of(wz::RequestHeader{wz::kXidPing, wz::OpCode::ping}));
  }

  // The bystander asks for its data and gets it. REQUIRES: nothing is held, and the replica serves.
  void check_bystander() {
    for (const BytesView path : {"/mine", "/mine/child"}) {
      require(!bystander_->closed, "the connection of a bystander stays open");
      bystander_->received.clear();
      give(*bystander_, frame_of(wz::RequestHeader{3, wz::OpCode::get_data}, wz::PathWatchRequest{path, false}));
      require(bystander_->received.size() > kFrameLengthBytes, "a bystander is answered");
      wz::Reader in(BytesView(bystander_->received).substr(kFrameLengthBytes));
      const auto header = in.get<wz::ReplyHeader>();
      const auto reply = in.get<wz::GetDataResponse>();
      require(in.done() && header.xid == 3 && header.error == wz::ErrorCode::ok, "a bystander reads its own data");
      require(reply.data == kMine && reply.stat.version == 0 && reply.stat.aversion == 0, "nobody changed it");
    }
  }
  const fz::Server& server() const { return server_; }

  static constexpr BytesView kMine = "only mine";
  inline static const Bytes kNoPassword = Bytes(wz::kPasswordBytes, '\0');

  fz::FakeClock clock;
  fz::FakeExecutor executor{&clock};
  fz::FakeGateway gateway{&executor};

 private:
  Secrets secrets_;
  fz::Server server_;
  std::shared_ptr<fz::Pipe> bystander_;
  uint16_t port_ = 40'000;
};

}  // namespace conclave::fuzz
