// Numbers that are given out once in the whole cell, and a counter.
#include <conclave/client/blocking/on_loop.h>
#include <conclave/client/chubby/recipe_numbers.h>
#include <set>
#include <thread>
#include <vector>

#include "example.h"

using namespace conclave::chubby;
using conclave::blocking::Handle;
using conclave::blocking::OnLoop;

// [next]
Outcome<uint64_t> next(const OnLoop<NumberBlocks>& numbers) {
  return numbers.call<uint64_t>([](NumberBlocks& blocks, auto done) { blocks.next(std::move(done)); });
}
// [end]

// [count]
// One more, by compare and swap: each success counts, whoever else counts meanwhile.
Outcome<uint64_t> count(const Handle& file) {
  for (;;) {
    const auto read = file.get_contents();
    if (!read) return std::unexpected(read.error());
    const uint64_t more = (read->contents.empty() ? 0 : std::stoull(read->contents)) + 1;
    const auto written = file.set_contents(std::to_string(more), read->stat.content_generation);
    if (written) return more;
    if (written.error().code != CallCode::generation_mismatch) return std::unexpected(written.error());
  }
}
// [end]

int main(int argc, char** argv) {
  const auto client = client_of(argc, argv);
  // [blocks]
  const OnLoop<NumberBlocks> numbers(*client, "/order-ids", 100);
  // [end]
  std::vector<std::set<uint64_t>> given(4);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : given) {
      threads.emplace_back([&] {
        for (int i = 0; i < 250; ++i) mine.insert(need(next(numbers)));
      });
    }
  }
  std::set<uint64_t> all;
  for (auto& mine : given) all.merge(mine);
  say(std::to_string(all.size()) + " different numbers");

  const Handle counter =
      need(client->open("/visits", {.mode = {.read = true, .write = true}, .creation = Creation::if_missing}));
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&] {
        for (int i = 0; i < 5; ++i) need(count(counter));
      });
    }
  }
  say("counted to " + need(counter.get_contents()).contents);
}
