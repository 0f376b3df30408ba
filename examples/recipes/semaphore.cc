// A semaphore: at most so many at a time.
#include <conclave/client/blocking/on_loop.h>
#include <conclave/client/chubby/recipe_semaphore.h>
#include <random>

#include "example.h"

using namespace conclave::chubby;
using conclave::Duration;
using conclave::blocking::OnLoop;

// [acquire]
// Tells the sequencer of the permit. Who gives up destroys `permit`: until then it stays in line.
Outcome<std::string> acquire(const OnLoop<Semaphore>& permit, Duration at_most) {
  return permit.call<std::string>([](Semaphore& permits, auto done) { permits.acquire(std::move(done)); },
                                  {.timeout = at_most});
}
// [end]

int main(int argc, char** argv) {
  const auto client = client_of(argc, argv);
  // [permits]
  const uint64_t first = std::random_device()();  // so that not everybody tries the same one first
  const OnLoop<Semaphore> one(*client, "/download", 2, first);
  // [end]
  const OnLoop<Semaphore> two(*client, "/download", 2, first + 1);
  say(need(acquire(one, Duration::seconds(10))).empty() ? "WRONG" : "the first has a permit");
  need(acquire(two, Duration::seconds(10)));
  say("the second too");
  {
    const OnLoop<Semaphore> three(*client, "/download", 2, first);
    const auto late = acquire(three, Duration::millis(100));
    say("the third: " + std::string(late ? "WRONG" : to_string(late.error().code)));
  }
  // [release]
  need(one.call<void>([](Semaphore& permits, auto done) { permits.release(std::move(done)); }));
  // [end]
  const OnLoop<Semaphore> four(*client, "/download", 2, first);
  need(acquire(four, Duration::seconds(10)));
  say("the fourth has what the first gave back");
}
