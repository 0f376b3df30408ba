// A client of a scenario: one session that does what the script says, through the client library, and tells what it is
// answered, what its watches tell, and how its session goes. All of it is written down for the checkers.
//
//   create PATH [ephemeral] [sequential] [DATA]     set PATH [DATA] [version=N]     remove PATH [version=N]
//   get|exists|children PATH [watch]                sync [PATH]                     close
//   multi create PATH [DATA] ... + set PATH ... + remove PATH ... + check PATH version=N
//
// Data that is not given is d1, d2 ... in the order asked, size=N makes it so long, noise=N by bytes that cannot be
// compressed, times=N asks so often. Loop thread of its host only.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "env/world.h"
#include "sim/cluster/recorded_client.h"
#include "sim/scenario/stage.h"

namespace conclave::sim::scenario {

class Session {
 public:
  // `told` gets a line for everything that a reader should know, as it happens; `written` counts data given out.
  Session(const env::World& world, client::Options options, std::string name, Recorder& recorder,
          const Scheduler& scheduler, Output& told, uint64_t& written);

  Result<> ask(Command& command);
  // Answered all, and closed if asked to.
  bool is_done() const { return asked_.empty() && (!closing_ || state_ == client::SessionState::closed); }
  // As it was told.
  client::SessionState state() const { return state_; }
  // The number of the replica it is connected to.
  std::string server() const;
  SessionId id() const { return client_.library().session(); }
  void note_contact() { client_.note_contact(); }

 private:
  struct Asked {
    std::string text;
    size_t left = 1;
    size_t times = 1;
    std::map<std::string, size_t> answers;  // of several
  };
  Result<check::Call> call_of(Command& command);
  Result<std::vector<check::Call>> parts_of(const std::string& line);
  void on_state(client::SessionState state);
  void on_answer(const check::Operation& operation);
  void tell(std::string_view what);

  std::string name_;
  Output& told_;
  uint64_t& written_;
  bool closing_ = false;
  client::SessionState state_ = client::SessionState::connecting;
  std::deque<Asked> asked_;  // in order: so come the answers
  mutable RecordedClient client_;
};

// "1:5": the counter 5 of epoch 1.
std::string text_of(Zxid zxid);
std::string text_of(const Bytes& data);

}  // namespace conclave::sim::scenario
