// A reader/writer lock: shared for those who read a data set, exclusive for who replaces it.
#include <conclave/client/blocking/lock.h>

#include "example.h"

using namespace conclave::chubby;
using conclave::blocking::Client;
using conclave::blocking::Lock;

// [read]
Outcome<Lock> begin_reading(Client& client) {
  return Lock::acquire(client, "/index-lock", {.mode = LockMode::shared});
}
// [end]

// [write]
Outcome<Lock> begin_writing(Client& client) {
  return Lock::acquire(client, "/index-lock", {.mode = LockMode::exclusive});
}
// [end]

int main(int argc, char** argv) {
  const auto client = client_of(argc, argv);
  {
    const Lock one = need(begin_reading(*client));
    const Lock two = need(begin_reading(*client));
    say("two read");
    const auto writer = Lock::acquire(*client, "/index-lock", {.wait = false});
    say(writer ? "WRONG" : "nobody writes: " + std::string(to_string(writer.error().code)));
  }
  const Lock writer = need(begin_writing(*client));
  say("one writes");
  const auto reader = Lock::acquire(*client, "/index-lock", {.mode = LockMode::shared, .wait = false});
  say(reader ? "WRONG" : "nobody reads: " + std::string(to_string(reader.error().code)));
}
