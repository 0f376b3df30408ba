// A recipe for programs with threads: made on the loop, used there, destroyed there. For whatever is built on a
// LockService: client/chubby/recipe_*.h, or classes of your own.
//
//   OnLoop<chubby::NumberBlocks> numbers(client, "/ids", 100);
//   Outcome<uint64_t> id = numbers.call<uint64_t>([](auto& blocks, auto done) { blocks.next(std::move(done)); });
//
// Safe from any number of threads. Listeners that the recipe is given run on the loop thread. When the client is
// destroyed first, so is the recipe, and calls fail with `cancelled`.
#pragma once

#include <memory>
#include <utility>

#include "client/blocking/client.h"

namespace conclave::blocking {

template <class Recipe>
class OnLoop {
 public:
  // Recipe(LockService&, arguments...).
  template <class... Arguments>
  explicit OnLoop(Client& client, Arguments&&... arguments) : core_(client.core()) {
    core_->run([&] {
      if (core_->service() == nullptr) return;
      slot_->recipe = std::make_unique<Recipe>(*core_->service(), std::forward<Arguments>(arguments)...);
      core_->add(slot_);
    });
  }
  // Gives up what it holds or waits for. Afterwards no listener of it runs.
  ~OnLoop() {
    core_->run([this] { slot_->recipe.reset(); });
  }
  OnLoop(const OnLoop&) = delete;
  OnLoop& operator=(const OnLoop&) = delete;

  // Waits for a call of the recipe, made by `use(Recipe&, Completion<T>)`. A recipe does several things at the cell in
  // one call; so when the time is over, or a stop requested, it is waited for no longer, but may still take effect.
  // Destroying the recipe gives it up for good.
  template <class T, class Use>
  chubby::Outcome<T> call(Use use, CallOptions options = {}) const {
    return internal::wait_for_call<T>(
        core_,
        [slot = slot_, use = std::move(use)](chubby::LockService&, chubby::Completion<T> done) mutable {
          if (slot->recipe != nullptr) use(*slot->recipe, std::move(done));
        },
        std::move(options));
  }
  // Runs `use(Recipe&)` on the loop, and waits until it has returned. False: the client is gone.
  template <class Use>
  bool run(Use use) const {
    bool used = false;
    core_->run([&] {
      used = slot_->recipe != nullptr;
      if (used) use(*slot_->recipe);
    });
    return used;
  }

 private:
  struct Slot final : Tenant {
    void on_end() override { recipe.reset(); }
    std::unique_ptr<Recipe> recipe;
  };

  const std::shared_ptr<Core> core_;
  const std::shared_ptr<Slot> slot_ = std::make_shared<Slot>();
};

}  // namespace conclave::blocking
