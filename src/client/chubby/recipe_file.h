// What recipes share: a file that is opened when it is first needed and closed at the end. After a failure, or when the
// handle has become invalid, the next use opens it again.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/chubby/lock_service.h"

namespace conclave::chubby {

// Completes, if anybody wants to know.
template <class T>
void answer(Completion<T>& done, Outcome<T> outcome) {
  if (done) done(std::move(outcome));
}

class RecipeFile {
 public:
  // REQUIRES: the service outlives *this.
  RecipeFile(LockService& service, std::string name, OpenOptions options)
      : service_(service), name_(std::move(name)), options_(std::move(options)) {}
  ~RecipeFile() { close(); }
  RecipeFile(const RecipeFile&) = delete;
  RecipeFile& operator=(const RecipeFile&) = delete;

  LockService& service() { return service_; }
  const std::string& name() const { return name_; }
  HandleId handle() const { return handle_; }  // 0: not open

  // Calls `use(handle, done)` with the open file; if it cannot be opened, `done` with the reason. After *this is
  // destroyed neither is called.
  template <class T, class Use>
  void with(Completion<T> done, Use use) {
    open([this, use = std::move(use), done = std::move(done)](const Outcome<HandleId>& handle) mutable {
      if (!handle) return answer<T>(done, std::unexpected(handle.error()));
      use(*handle, [this, at = *handle, alive = alive(), done = std::move(done)](Outcome<T> result) mutable {
        const bool lost = !result && !alive.expired() && at == handle_ && is_lost(result.error().code);
        if (lost) close();
        answer(done, std::move(result));
      });
    });
  }
  // A function that does nothing once *this is destroyed.
  template <class Function>
  auto guarded(Function function) {
    return [function = std::move(function), alive = alive()](auto&&... arguments) mutable {
      if (!alive.expired()) function(std::forward<decltype(arguments)>(arguments)...);
    };
  }
  // The same for the answer to an Open: a handle that comes too late is closed.
  template <class Function>
  auto opening(Function function) {
    return [function = std::move(function), alive = alive(), &service = service_](Outcome<Opened> opened) mutable {
      if (!alive.expired()) return function(std::move(opened));
      if (opened) service.close(opened->handle, nullptr);
    };
  }
  // Expires with *this: to be asked after a callback that may have destroyed it.
  std::weak_ptr<bool> alive() const { return alive_; }
  // The next use opens it again.
  void close() {
    if (handle_ != HandleId()) service_.close(std::exchange(handle_, HandleId()), nullptr);
  }

 private:
  using Opening = std::move_only_function<void(const Outcome<HandleId>&)>;

  // The handle is good for nothing any more.
  static bool is_lost(CallCode code) {
    return code == CallCode::session_expired || code == CallCode::handle_invalid || code == CallCode::not_open;
  }
  void open(Opening then) {
    if (handle_ != HandleId()) return then(handle_);
    waiting_.push_back(std::move(then));
    if (waiting_.size() > 1) return;
    OpenOptions options = options_;
    options.on_event = [this, alive = alive()](const Event& event) {
      if (alive.expired()) return;
      if (event.kind == EventKind::handle_invalid) close();
      if (options_.on_event) options_.on_event(event);
    };
    service_.open(name_, std::move(options),
                  [this, alive = alive(), &service = service_](const Outcome<Opened>& opened) {
                    if (alive.expired()) {
                      if (opened) service.close(opened->handle, nullptr);
                      return;
                    }
                    Outcome<HandleId> outcome = HandleId();
                    if (opened) {
                      outcome = handle_ = opened->handle;
                    } else {
                      outcome = std::unexpected(opened.error());
                    }
                    for (Opening& waits : std::exchange(waiting_, {})) {
                      waits(outcome);
                      if (alive.expired()) return;
                    }
                  });
  }

  LockService& service_;
  std::string name_;
  OpenOptions options_;
  HandleId handle_;
  std::vector<Opening> waiting_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace conclave::chubby
