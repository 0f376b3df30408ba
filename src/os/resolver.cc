#include "os/resolver.h"

#include <mutex>
#include <thread>
#include <utility>

namespace conclave::os {

// Outlives the resolver as long as a look-up is on its way. `loop` is null once the resolver is gone.
struct Resolver::Shared {
  std::mutex mutex;
  Loop* loop = nullptr;  // guarded by mutex
  size_t busy = 0;       // loop thread only
};

Resolver::Resolver(Loop& loop, LookUp look_up)
    : loop_(loop), look_up_(std::move(look_up)), shared_(std::make_shared<Shared>()) {
  shared_->loop = &loop;
}

Resolver::~Resolver() {
  const std::lock_guard lock(shared_->mutex);
  shared_->loop = nullptr;
}

size_t Resolver::busy() const {
  return shared_->busy;
}

void Resolver::resolve(env::Address address, Done done) {
  if (shared_->busy >= kThreadsMax) {
    loop_.post([done = std::move(done), host = address.host]() mutable {
      done(fail(ErrorKind::unavailable, "resolve " + host + ": too many look-ups are waiting for DNS"));
    });
    return;
  }
  ++shared_->busy;
  std::thread([shared = shared_, look_up = look_up_, where = std::move(address), done = std::move(done)]() mutable {
    auto found = look_up(where);
    const std::lock_guard lock(shared->mutex);
    if (shared->loop == nullptr) return;
    shared->loop->post([shared, done = std::move(done), found = std::move(found)]() mutable {
      --shared->busy;
      {
        const std::lock_guard still(shared->mutex);
        if (shared->loop == nullptr) return;
      }
      done(std::move(found));
    });
  }).detach();
}

}  // namespace conclave::os
