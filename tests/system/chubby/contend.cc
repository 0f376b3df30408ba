// Threads of one process that want one lock, over the client library for programs with threads. For client_test.py,
// which kills the master meanwhile.
//
//   chubby_contend HOST:PORT,... FILE THREADS ROUNDS
//
// Each round takes the lock, reads the number in FILE and writes one more, without comparing: only the lock keeps them
// apart. Prints a line a round, and `total N` with what this process counted.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "client/blocking/lock.h"

namespace conclave::blocking {
namespace {

std::atomic<int> inside = 0;
std::atomic<int> total = 0;

void say(const std::string& line) {
  std::puts(line.c_str());
  std::fflush(stdout);
}

[[noreturn]] void fail(const std::string& what, const chubby::CallError& error) {
  say("FAILED " + what + ": " + std::string(to_string(error.code)) + " " + error.message);
  std::_Exit(1);
}

void work(Client& client, const std::string& file, int rounds) {
  for (int round = 0; round < rounds; ++round) {
    auto lock = Lock::acquire(client, file, {}, {.timeout = Duration::seconds(60)});
    if (!lock) fail("acquire", lock.error());
    if (++inside != 1) fail("two inside", {});
    const auto read = lock->handle().get_contents();
    if (!read) fail("read", read.error());
    const int number = read->contents.empty() ? 0 : std::atoi(read->contents.c_str());
    const auto written = lock->handle().set_contents(std::to_string(number + 1));
    if (!written) fail("write", written.error());
    --inside;
    const auto released = lock->release();
    if (!released) fail("release", released.error());
    ++total;
    say("round");
  }
}

}  // namespace
}  // namespace conclave::blocking

int main(int argc, char** argv) {
  using namespace conclave::blocking;
  if (argc != 5) {
    std::fprintf(stderr, "usage: chubby_contend HOST:PORT,... FILE THREADS ROUNDS\n");
    return 2;
  }
  const auto client = Client::create(argv[1]);
  if (!client) {
    std::fprintf(stderr, "chubby_contend: %s\n", client.error().message.c_str());
    return 2;
  }
  (*client)->on_session([](conclave::chubby::SessionEvent event) { say(std::string(to_string(event))); });
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < std::atoi(argv[3]); ++i)
      threads.emplace_back([&] { work(**client, argv[2], std::atoi(argv[4])); });
  }
  say("total " + std::to_string(total.load()));
}
