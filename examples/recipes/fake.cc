// A unit test of a program without a cell: two sessions with one in memory, one of which is cut off.
#include <conclave/client/blocking/lock.h>
#include <conclave/client/chubby/fake.h>

#include "example.h"

using namespace conclave::chubby;
using conclave::Duration;
using conclave::blocking::Client;
using conclave::blocking::Lock;
using conclave::blocking::LoopThread;

int main() {
  // [fake]
  LoopThread loop;  // sessions with one FakeCell share a loop
  FakeCell cell;
  Fake* session = nullptr;
  Client mine(loop, [&](auto& executor) {
    auto fake = std::make_unique<Fake>(cell, executor);
    session = fake.get();
    return fake;
  });
  Client theirs(loop, [&](auto& executor) { return std::make_unique<Fake>(cell, executor); });

  const Lock lock = need(Lock::acquire(mine, "/lock"));
  loop.post([&] { session->expire(); });
  say(lock.wait_lost(Duration::seconds(60)) ? "lost" : "WRONG");
  const Lock next = need(Lock::acquire(theirs, "/lock"));
  // [end]
  say("and theirs");
}
