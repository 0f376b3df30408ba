// What a stranger can send to the client port: bytes in pieces of any size, on several connections. Nothing crashes,
// nobody else is hurt, and what comes back is bounded by what was sent.
#include "client_world.h"

namespace conclave::fuzz {
namespace {

class Stranger {
 public:
  Stranger(ClientWorld& world, Input& in) : world_(world), in_(in) { connect(); }

  void run() {
    for (int steps = 0; steps < 100 && !in_.empty(); ++steps) step();
    for (const auto& pipe : pipes_) {
      // A frame of at least eight bytes asks for no more than all that there is: what was sent, and what a reply adds.
      require(pipe->received.size() <= (1 + sent_ / 8) * (8'192 + sent_), "answers are bounded");
    }
  }

 private:
  void connect() {
    pipes_.push_back(world_.open());
    if (pipes_.size() > 4) {
      world_.hang_up(*pipes_.front());
      pipes_.erase(pipes_.begin());
    }
  }

  void step() {
    const uint8_t what = in_.byte();
    switch (what % 8) {
      case 0:
      case 1:
        return send(in_.bytes(), what);
      case 2: {  // a frame of its right length
        const BytesView message = in_.bytes();
        Bytes frame = frame_of(static_cast<int32_t>(message.size()));
        frame.erase(0, kFrameLengthBytes);
        return send(frame.append(message), what);
      }
      case 3:
      case 4: {  // a request header before it
        const auto op = static_cast<wz::OpCode>(static_cast<int8_t>(in_.byte()));
        const BytesView body = in_.bytes();
        Bytes frame = frame_of(static_cast<int32_t>(body.size() + 8), wz::RequestHeader{++xid_, op});
        frame.erase(0, kFrameLengthBytes);
        return send(frame.append(body), what);
      }
      case 5:
        return send(connect_frame({.last_zxid_seen = Zxid(in_.number()),
                                   .timeout_ms = static_cast<int32_t>(in_.number()),
                                   .session = SessionId(static_cast<int64_t>(in_.number())),
                                   .password = ClientWorld::kNoPassword,
                                   .read_only = in_.flag()}),
                    what);
      case 6:
        return connect();
      default:
        if (what >= 128) return world_.hang_up(*pipes_[in_.below(pipes_.size())]);
        if (what >= 64) pipes_.back()->stuck = !pipes_.back()->stuck;
        world_.advance(Duration::millis(what * 8));
    }
  }

  // To the newest connection or another, whole or in two pieces.
  void send(BytesView bytes, uint8_t how) {
    fz::Pipe& pipe = *pipes_[how < 192 ? pipes_.size() - 1 : in_.below(pipes_.size())];
    const size_t cut = (how & 32) != 0 ? in_.below(bytes.size() + 1) : 0;
    sent_ += bytes.size();
    if (pipe.handler != nullptr && cut > 0) pipe.handler->on_data(bytes.substr(0, cut));
    world_.give(pipe, bytes.substr(cut));
  }

  ClientWorld& world_;
  Input& in_;
  std::vector<std::shared_ptr<fz::Pipe>> pipes_;
  size_t sent_ = 0;
  int32_t xid_ = 0;
};

}  // namespace
}  // namespace conclave::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace conclave::fuzz;
  Input in(data, size);
  ClientWorld world(settings_of(in.byte()));
  Stranger(world, in).run();
  world.check_bystander();
  return 0;
}
