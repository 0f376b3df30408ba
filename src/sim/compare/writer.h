// A client of a measured cell: one session at one replica, which writes to a node of its own, one write after the
// other, each once the one before is answered. It writes down what was acknowledged. Loop thread of its host only.
//
// A write whose answer was lost with its connection is not counted; the next one waits for the same replica.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "client/client.h"
#include "env/world.h"
#include "sim/world/scheduler.h"

namespace conclave::sim::compare {

// A write that a client was told of, in true time.
struct Acknowledgement {
  uint32_t writer = 0;
  Instant asked;
  Instant answered;
};

class Writer {
 public:
  static constexpr uint64_t kForEver = ~uint64_t{0};

  struct Options {
    env::Address server;
    uint32_t number = 0;
    size_t data_bytes = 0;
    // Between an answer and the next write: half as long to one and a half times as long, at random.
    Duration pause{0};
    uint64_t seed = 1;
  };
  // Opens the session and makes the node. `acknowledged` gets the writes, in the order they are answered.
  Writer(const env::World& world, Options options, std::vector<Acknowledgement>& acknowledged,
         const Scheduler& scheduler);

  // Its node is there.
  bool ready() const { return ready_; }
  // Writes until so many more are acknowledged. REQUIRES: ready, idle.
  void write(uint64_t writes);
  // What is under way is still answered.
  void stop() { left_ = 0; }
  bool idle() const { return left_ == 0 && !under_way_; }
  // The cell ended its session: it writes nothing any more.
  bool expired() const { return client_.state() == client::SessionState::expired; }

 private:
  void make_node();
  void pause_then_ask();
  void ask();
  bool finished() const;

  env::World world_;
  const Options options_;
  std::vector<Acknowledgement>& acknowledged_;
  const Scheduler& scheduler_;
  Random random_;
  std::string path_;
  Bytes data_;
  bool ready_ = false;
  bool under_way_ = false;  // asked, or about to ask
  uint64_t left_ = 0;
  client::Client client_;
};

}  // namespace conclave::sim::compare
