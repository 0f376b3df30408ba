// At most `permits` holders at a time: that many files, each with its lock. One object holds one permit at most.
// Whoever finds none free waits for the one that it tried first; so it is not served in the order of coming. Loop
// thread only.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/chubby/recipe_file.h"

namespace conclave::chubby {

class Semaphore {
 public:
  // The files are "<name>-0", "<name>-1" ... `first`: which one this object tries first; best a random number.
  Semaphore(LockService& service, const std::string& name, size_t permits, uint64_t first) {
    for (size_t i = 0; i < permits; ++i) {
      files_.push_back(std::make_unique<RecipeFile>(
          service, name + "-" + std::to_string((first + i) % permits),
          OpenOptions{.mode = {.read = true, .write = true}, .creation = Creation::if_missing}));
    }
  }

  // REQUIRES: none is held or waited for by this object. Tells the sequencer of the permit.
  void acquire(Completion<std::string> done) { try_permit(0, std::move(done)); }
  void release(Completion<void> done) {
    if (held_ == nullptr) return answer<void>(done, failed(CallCode::lock_not_held));
    RecipeFile& file = *std::exchange(held_, nullptr);
    file.with<void>(std::move(done), [&file](HandleId handle, Completion<void> then) {
      file.service().release(handle, std::move(then));
    });
  }

 private:
  void try_permit(size_t i, Completion<std::string> done) {
    const bool waits = i == files_.size();
    RecipeFile& file = *files_[i % files_.size()];
    file.with<Acquired>(
        file.guarded([this, i, waits, &file, done = std::move(done)](Outcome<Acquired> acquired) mutable {
          if (acquired) {
            held_ = &file;
            return answer<std::string>(done, std::move(acquired->sequencer));
          }
          const CallCode code = acquired.error().code;
          const bool taken = code == CallCode::lock_held || code == CallCode::lock_delayed;
          if (!waits && taken) return try_permit(i + 1, std::move(done));
          answer<std::string>(done, std::unexpected(acquired.error()));
        }),
        [&file, waits](HandleId handle, Completion<Acquired> then) {
          if (waits) {
            file.service().acquire(handle, LockMode::exclusive, std::move(then));
          } else {
            file.service().try_acquire(handle, LockMode::exclusive, std::move(then));
          }
        });
  }

  std::vector<std::unique_ptr<RecipeFile>> files_;  // in the order of trying
  RecipeFile* held_ = nullptr;
};

}  // namespace conclave::chubby
