// A lock with fencing: the holder shows its sequencer to whoever changes something for it.
#include <conclave/client/blocking/lock.h>
#include <conclave/wire/chubby/sequencer.h>

#include "example.h"

using namespace conclave::chubby;
using conclave::Duration;
using conclave::blocking::Client;
using conclave::blocking::Lock;

// [hold]
// Does the nightly job, unless another process does it already.
void nightly(Client& client, conclave::SequencerVerifier& storage) {
  auto lock = Lock::acquire(client, "/jobs-nightly", {.lock_delay_ms = 10'000, .wait = false});
  if (!lock && lock.error().code == CallCode::lock_held) return say("somebody else is at it");
  if (!lock) return say("no lock: " + lock.error().message);

  for (int part = 1; part <= 3 && !lock->lost(); ++part) {
    const bool accepted = storage.accept(lock->sequencer(), "/jobs-nightly");  // at the storage server
    say("part " + std::to_string(part) + (accepted ? " done" : " refused"));
  }
}  // released
// [end]

// [wait]
// Waits its turn, but not for longer than five seconds, nor when `stop` is requested.
Outcome<Lock> in_turn(Client& client, const std::stop_token& stop) {
  return Lock::acquire(client, "/jobs-nightly", {}, {.timeout = Duration::seconds(5), .stop = stop});
}
// [end]

int main(int argc, char** argv) {
  const auto client = client_of(argc, argv);
  conclave::SequencerVerifier storage;
  nightly(*client, storage);
  Lock lock = need(in_turn(*client, {}));
  nightly(*client, storage);

  // [former]
  const std::string former = lock.sequencer();
  need(lock.release());
  const Lock next = need(in_turn(*client, {}));
  say(storage.accept(next.sequencer(), "/jobs-nightly") ? "the new holder is accepted" : "WRONG");
  say(storage.accept(former, "/jobs-nightly") ? "WRONG" : "the former holder is refused");
  // [end]
}
