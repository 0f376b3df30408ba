// A barrier: nobody begins before all are there.
#include <conclave/client/blocking/on_loop.h>
#include <conclave/client/chubby/recipe_barrier.h>
#include <thread>
#include <vector>

#include "example.h"

using namespace conclave::chubby;
using conclave::Duration;
using conclave::blocking::Client;
using conclave::blocking::OnLoop;

// [wait]
// Waits until `count` members have come to this passage. Each passage has a directory of its own.
Outcome<void> wait_for_all(Client& client, const std::string& passage, const std::string& name, size_t count) {
  const OnLoop<Barrier> barrier(client, passage, count);
  return barrier.call<void>([&](Barrier& at, auto done) { at.wait(name, std::move(done)); },
                            {.timeout = Duration::seconds(60)});
}
// [end]

int main(int argc, char** argv) {
  const auto client = client_of(argc, argv);
  {
    std::vector<std::jthread> members;
    for (const std::string name : {"a", "b", "c"}) {
      members.emplace_back([&, name] { need(wait_for_all(*client, "/run-17", name, 3)); });
    }
  }
  say("all three began");
  need(wait_for_all(*client, "/run-17", "late", 3));
  say("who comes late passes");
}
