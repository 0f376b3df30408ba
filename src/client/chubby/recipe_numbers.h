// Numbers that are given out once in the whole cell (AP-05): a file holds the first one that is free, each process
// takes a block of them by compare-and-swap and hands them out by itself. Numbers of a block whose process ends are
// lost.
#pragma once

#include <charconv>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>

#include "client/chubby/recipe_file.h"

namespace conclave::chubby {

class NumberBlocks {
 public:
  // REQUIRES: block_size > 0; the same name is used with any block sizes.
  NumberBlocks(LockService& service, std::string name, uint64_t block_size)
      : block_size_(block_size),
        file_(service, std::move(name),
              {.mode = {.read = true, .write = true}, .creation = Creation::if_missing, .contents = "1"}) {}

  // The next number: larger than all that this object gave out before, and given to nobody else. `done` may be called
  // from inside.
  void next(Completion<uint64_t> done) {
    waiting_.push_back(std::move(done));
    serve();
  }

 private:
  void serve() {
    if (serving_) return;
    serving_ = true;
    while (!waiting_.empty() && first_ != end_) {
      Completion<uint64_t> done = std::move(waiting_.front());
      waiting_.pop_front();
      const auto alive = file_.alive();
      done(first_++);
      if (alive.expired()) return;
    }
    serving_ = false;
    if (!waiting_.empty() && !taking_) take_block();
  }
  void fail(const CallError& why) {
    taking_ = false;
    for (auto& done : std::exchange(waiting_, {})) done(std::unexpected(why));
  }
  void take_block() {
    taking_ = true;
    file_.with<Contents>(
        file_.guarded([this](const Outcome<Contents>& read) {
          if (!read) return fail(read.error());
          uint64_t free = 0;
          const Bytes& text = read->contents;
          const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), free);
          if (error != std::errc() || end != text.data() + text.size())
            return fail({.code = CallCode::bad_argument, .message = "not a number: " + text});
          swap(free, read->stat.content_generation);
        }),
        [this](HandleId handle, Completion<Contents> done) { file_.service().get_contents(handle, std::move(done)); });
  }
  void swap(uint64_t free, uint64_t generation) {
    file_.with<Stat>(file_.guarded([this, free](const Outcome<Stat>& written) {
      if (!written && written.error().code == CallCode::generation_mismatch) return take_block();
      if (!written) return fail(written.error());
      first_ = free;
      end_ = free + block_size_;
      taking_ = false;
      serve();
    }),
                     [this, free, generation](HandleId handle, Completion<Stat> done) {
                       file_.service().set_contents(handle, std::to_string(free + block_size_), generation,
                                                    std::move(done));
                     });
  }

  uint64_t block_size_;
  uint64_t first_ = 0;  // not given out yet, up to end_
  uint64_t end_ = 0;
  bool serving_ = false;
  bool taking_ = false;
  std::deque<Completion<uint64_t>> waiting_;
  RecipeFile file_;
};

}  // namespace conclave::chubby
