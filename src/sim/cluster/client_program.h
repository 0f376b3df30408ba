// A client of the simulated cell: a process on a host of its own that keeps a session through the client library,
// asks for what its workload says, and writes everything down. When its session ends it begins another. Loop thread of
// its host only.
#pragma once

#include <memory>
#include <vector>

#include "env/world.h"
#include "sim/cluster/recorded_client.h"
#include "sim/cluster/recorder.h"
#include "sim/cluster/workload.h"

namespace conclave::sim {

class ClientProgram {
 public:
  // `number` tells the clients of a run apart, `life` the lives of one of them.
  ClientProgram(const env::World& world, const Plan& plan, std::vector<env::Address> servers, uint32_t number,
                uint64_t life, Recorder& recorder, const Scheduler& scheduler);
  ~ClientProgram();

  // Asks for nothing more, and lets what is under way come to its end.
  void stop_asking() { asking_ = false; }
  // Ends its session and begins no other.
  void leave();
  bool gone() const { return gone_; }  // it has left
  size_t under_way() const { return session_->under_way(); }
  // From now on asks for a sync now and then, whatever the workload says.
  void start_probing() { probing_ = true; }
  // When the last write or sync that the cell answered was asked for; the beginning of time if none was.
  Instant last_progress() const { return last_progress_; }
  // Writes down the newest proof that the cell heard of this client, if it is new.
  void note_contact();

 private:
  void open_session();
  void on_state(client::SessionState state);
  void pause_then_ask();
  void ask_burst();
  void ask(const Workload::Next& next);
  void end_session();
  void done(const check::Operation& operation);

  env::World world_;
  const Plan& plan_;
  std::vector<env::Address> servers_;
  Recorder& recorder_;
  const Scheduler& scheduler_;
  Random random_;
  Workload workload_;

  std::unique_ptr<RecordedClient> session_;
  std::unique_ptr<RecordedClient> ended_;  // destroyed when its last call has returned
  bool set_up_ = false;
  bool asking_ = true;
  bool probing_ = false;
  bool ending_ = false;  // the session is being closed
  bool leaving_ = false;
  bool gone_ = false;
  Instant last_progress_{INT64_MIN};
};

}  // namespace conclave::sim
