// A barrier: everybody waits until `count` have come. Members are ephemeral files of a directory; the first who sees
// them all leaves the permanent file "open" there, so that who looks later, or comes back, passes too. One directory is
// good for one passage. Loop thread only.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "client/chubby/recipe_presence.h"

namespace conclave::chubby {

class Barrier {
 public:
  static constexpr const char* kOpen = "open";

  Barrier(LockService& service, std::string directory, size_t count)
      : count_(count), presence_(service, std::move(directory), [this](const auto& names) { on_members(names); }) {}

  // `name` is this member's, and not kOpen.
  void wait(std::string name, Completion<void> done) {
    done_ = std::move(done);
    presence_.join(std::move(name), {}, [this](const Outcome<void>& joined) {
      if (!joined && joined.error().code != CallCode::node_exists) return finish(joined);
      presence_.watch();
    });
  }

 private:
  void on_members(const std::vector<std::string>& names) {
    if (std::ranges::find(names, kOpen) != names.end()) return finish({});
    if (names.size() < count_ || opening_) return;
    opening_ = true;
    RecipeFile& directory = presence_.directory();
    directory.with<Opened>(directory.opening([this](const Outcome<Opened>& opened) {
      opening_ = false;
      if (!opened) return finish(std::unexpected(opened.error()));
      presence_.directory().service().close(opened->handle, nullptr);
      finish({});
    }),
                           [&service = directory.service()](HandleId handle, Completion<Opened> then) {
                             service.open(handle, kOpen, {.creation = Creation::if_missing}, std::move(then));
                           });
  }
  void finish(Outcome<void> outcome) {
    Completion<void> done = std::exchange(done_, nullptr);
    if (done) done(std::move(outcome));  // may destroy *this
  }

  size_t count_;
  bool opening_ = false;
  Completion<void> done_;
  Presence presence_;
};

}  // namespace conclave::chubby
