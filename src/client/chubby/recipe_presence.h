// Who is there: a directory with an ephemeral file for each member (CH-23). It goes with its member's session. Loop
// thread only. Observers learn names; they must not open the files, which would keep them there.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "client/chubby/recipe_file.h"

namespace conclave::chubby {

class Presence {
 public:
  // Names of all members, sorted. Called for every change, the present state first.
  using Listener = std::function<void(const std::vector<std::string>&)>;

  Presence(LockService& service, std::string directory, Listener listener = nullptr)
      : listener_(std::move(listener)),
        directory_(service, std::move(directory),
                   {.events = {.children = true},
                    .creation = Creation::if_missing,
                    .directory = true,
                    .on_event = [this](const Event& event) {
                      if (watching_ && event.kind != EventKind::handle_invalid) look();
                    }}) {}
  ~Presence() { leave(); }

  // Joins, until leave(), the end of *this or of the session. Fails with node_exists while another one has the name,
  // also one that ended so lately that its session lives on.
  void join(std::string name, Bytes contents, Completion<void> done) {
    directory_.with<Opened>(
        directory_.opening([this, done = std::move(done)](Outcome<Opened> opened) mutable {
          if (opened) member_ = opened->handle;
          Outcome<void> outcome;
          if (!opened) outcome = std::unexpected(opened.error());
          answer(done, std::move(outcome));
        }),
        [this, name = std::move(name), contents = std::move(contents)](HandleId handle, Completion<Opened> then) {
          directory_.service().open(handle, name,
                                    {.mode = {.read = true, .write = true},
                                     .creation = Creation::must,
                                     .ephemeral = true,
                                     .contents = contents},
                                    std::move(then));
        });
  }
  void leave() {
    if (member_ != HandleId()) directory_.service().close(std::exchange(member_, HandleId()), nullptr);
  }
  void watch() {
    watching_ = true;
    look();
  }
  RecipeFile& directory() { return directory_; }

 private:
  void look() {
    directory_.with<Directory>(directory_.guarded([this](const Outcome<Directory>& listed) {
      if (!listed) return;
      std::vector<std::string> names;
      for (const DirectoryEntry& entry : *listed) names.push_back(entry.name);
      if (known_ && names == names_) return;
      known_ = true;
      names_ = names;
      const Listener listener = listener_;
      if (listener) listener(names);  // may destroy *this
    }),
                               [this](HandleId handle, Completion<Directory> done) {
                                 directory_.service().read_directory(handle, std::move(done));
                               });
  }

  Listener listener_;
  bool watching_ = false;
  bool known_ = false;
  std::vector<std::string> names_;
  HandleId member_;
  RecipeFile directory_;
};

}  // namespace conclave::chubby
