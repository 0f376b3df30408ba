// One session of a client of the simulated cell, through the client library, and everything of it written down: what
// was asked, answered and told by watches, how the session went, when the cell heard of it. Loop thread of its host
// only.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/client.h"
#include "env/world.h"
#include "sim/cluster/recorder.h"

namespace conclave::sim {

class RecordedClient {
 public:
  // Each is called after it was written down, and may be empty. None of them may destroy the client.
  struct Hooks {
    std::function<void(client::SessionState)> on_state;
    std::function<void(const check::Operation&)> on_answer;
    std::function<void(check::EventKind, const std::string& path)> on_watch;
  };
  RecordedClient(const env::World& world, client::Options options, Recorder& recorder, const Scheduler& scheduler,
                 Hooks hooks);
  ~RecordedClient();

  void start();
  // `parts` are those of a multi.
  void ask(const check::Call& call, bool watch = false, const std::vector<check::Call>& parts = {});
  // Asked for and not yet answered.
  size_t under_way() const { return under_way_; }
  // Ends the session, if the cell can be told within `patience`, then calls `done`.
  void close(Duration patience, Task done);
  // Writes down the newest proof that the cell heard of this client, if it is new.
  void note_contact();
  client::Client& library() { return *client_; }

 private:
  void on_state(client::SessionState state);
  client::WatchFunction watch_function(bool wanted, size_t place);
  template <class T, class Take>
  client::Completion<T> recording(size_t place, Take take);
  void done(const check::Operation& operation);
  void send(size_t place, const check::Call& call, bool watch);
  void send_multi(size_t place, const std::vector<check::Call>& parts);

  const env::Clock& clock_;
  Recorder& recorder_;
  const Scheduler& scheduler_;
  Hooks hooks_;
  check::ClientId id_;
  size_t under_way_ = 0;
  std::optional<client::Contact> noted_;
  bool read_only_ = false;  // the newest connection
  std::unique_ptr<client::Client> client_;
};

}  // namespace conclave::sim
