#include "client/blocking/client.h"

#include "base/assert.h"
#include "client/blocking/loop_handle.h"
#include "client/blocking/servers.h"
#include "client/chubby/client.h"

namespace conclave::blocking {

using namespace chubby;

Result<std::unique_ptr<Client>> Client::create(std::string_view servers, Options options) {
  auto replicas = parse_servers(servers);
  if (!replicas) return std::unexpected(replicas.error());
  options.replicas = *std::move(replicas);
  return std::make_unique<Client>(std::move(options));
}

Client::Client(Options options, LoopThread* loop) {
  CONCLAVE_ASSERT(!options.replicas.empty());
  if (loop == nullptr) {
    own_loop_ = std::make_unique<LoopThread>();
    loop = own_loop_.get();
  }
  core_ = std::make_shared<Core>(loop->handle());
  loop->handle()->run([&] {
    LoopHandle& at = *loop->handle();
    auto client = std::make_unique<chubby::Client>(at.clock(), at.world().loop, at.world().network, at.world().entropy,
                                                   std::move(options));
    end_session_ = [client = client.get()](Task done) { client->end(kEndPatience, std::move(done)); };
    core_->last_failure_ = [client = client.get()] { return client->last_failure(); };
    core_->serve(std::move(client));
  });
}

Client::Client(LoopThread& loop, const Make& make) : core_(std::make_shared<Core>(loop.handle())) {
  loop.handle()->run([&] { core_->serve(make(loop.handle()->world().loop)); });
}

Client::~Client() {
  const bool in_a_callback = core_->on_loop_thread();
  CONCLAVE_ASSERT(!in_a_callback);
  // What lives on the loop goes first: it may still close and release.
  std::promise<void> ended;
  core_->post([this, &ended] {
    core_->evict();
    if (!end_session_) return ended.set_value();
    end_session_([&ended] { ended.set_value(); });
  });
  ended.get_future().get();
  core_->run([this] { core_->end(); });
}

void Client::on_session(std::function<void(SessionEvent)> listener) {
  core_->run([&] { core_->listener_ = std::move(listener); });
}

SessionState Client::session_state() const {
  SessionState state = SessionState::none;
  core_->run([&] {
    if (core_->service() != nullptr) state = core_->service()->session_state();
  });
  return state;
}

Outcome<SessionState> Client::wait_until_safe(CallOptions options) const {
  return call<SessionState>(
      [core = core_](LockService&, Completion<SessionState> done) { core->await_safety(std::move(done)); },
      std::move(options));
}

void Client::restart() {
  core_->run([&] {
    if (core_->service() != nullptr) core_->service()->restart();
  });
}

Outcome<Handle> Client::open(std::string_view name, OpenOptions options, CallOptions call_options) const {
  auto opened = call<Opened>(
      [name, &options](LockService& service, Completion<Opened> done) {
        return service.open(name, std::move(options), std::move(done));
      },
      std::move(call_options));
  if (!opened) return std::unexpected(std::move(opened.error()));
  return Handle(core_, *std::move(opened));
}

Outcome<bool> Client::check_sequencer(std::string_view sequencer, CallOptions options) const {
  return call<bool>([sequencer](LockService& service,
                                Completion<bool> done) { return service.check_sequencer(sequencer, std::move(done)); },
                    std::move(options));
}

void Client::post(std::move_only_function<void(LockService&)> use) const {
  core_->post([core = core_, use = std::move(use)]() mutable {
    if (core->service() != nullptr) use(*core->service());
  });
}

// --- handles

Handle::Handle(Handle&& other) noexcept : core_(std::move(other.core_)), opened_(std::exchange(other.opened_, {})) {}

Handle& Handle::operator=(Handle&& other) noexcept {
  Handle old(std::move(*this));
  core_ = std::move(other.core_);
  opened_ = std::exchange(other.opened_, {});
  return *this;
}

Handle::~Handle() {
  if (core_ == nullptr) return;
  core_->post([core = core_, id = id()] {
    if (core->service() != nullptr) core->service()->close(id, nullptr);
  });
}

// References are kept by `start`: the thread that has them waits.
template <class T, class Start>
Outcome<T> Handle::call(Start start, CallOptions options) const {
  return internal::wait_for_call<T>(
      core_,
      [start = std::move(start), id = id()](LockService& service, Completion<T> done) mutable {
        return start(service, id, std::move(done));
      },
      std::move(options));
}

Outcome<Handle> Handle::open(std::string_view name, OpenOptions options, CallOptions call_options) const {
  auto opened = call<Opened>(
      [name, &options](LockService& service, HandleId id, Completion<Opened> done) {
        return service.open(id, name, std::move(options), std::move(done));
      },
      std::move(call_options));
  if (!opened) return std::unexpected(std::move(opened.error()));
  return Handle(core_, *std::move(opened));
}

Outcome<Contents> Handle::get_contents(CallOptions options) const {
  return call<Contents>([](LockService& service, HandleId id,
                           Completion<Contents> done) { return service.get_contents(id, std::move(done)); },
                        std::move(options));
}

Outcome<Stat> Handle::get_stat(CallOptions options) const {
  return call<Stat>(
      [](LockService& service, HandleId id, Completion<Stat> done) { return service.get_stat(id, std::move(done)); },
      std::move(options));
}

Outcome<Directory> Handle::read_directory(CallOptions options) const {
  return call<Directory>([](LockService& service, HandleId id,
                            Completion<Directory> done) { return service.read_directory(id, std::move(done)); },
                         std::move(options));
}

Outcome<Stat> Handle::set_contents(BytesView contents, std::optional<uint64_t> generation, CallOptions options) const {
  return call<Stat>(
      [contents, generation](LockService& service, HandleId id, Completion<Stat> done) {
        return service.set_contents(id, contents, generation, std::move(done));
      },
      std::move(options));
}

Outcome<Stat> Handle::set_acl(const AclNames& acl, std::optional<uint64_t> generation, CallOptions options) const {
  return call<Stat>(
      [&acl, generation](LockService& service, HandleId id, Completion<Stat> done) {
        return service.set_acl(id, acl, generation, std::move(done));
      },
      std::move(options));
}

Outcome<void> Handle::remove(CallOptions options) const {
  return call<void>(
      [](LockService& service, HandleId id, Completion<void> done) { return service.remove(id, std::move(done)); },
      std::move(options));
}

Outcome<Acquired> Handle::acquire(LockMode mode, CallOptions options) const {
  return call<Acquired>([mode](LockService& service, HandleId id,
                               Completion<Acquired> done) { return service.acquire(id, mode, std::move(done)); },
                        std::move(options));
}

Outcome<Acquired> Handle::try_acquire(LockMode mode, CallOptions options) const {
  return call<Acquired>([mode](LockService& service, HandleId id,
                               Completion<Acquired> done) { return service.try_acquire(id, mode, std::move(done)); },
                        std::move(options));
}

Outcome<void> Handle::release(CallOptions options) const {
  return call<void>(
      [](LockService& service, HandleId id, Completion<void> done) { return service.release(id, std::move(done)); },
      std::move(options));
}

Outcome<std::string> Handle::get_sequencer() const {
  if (core_ == nullptr) return failed(CallCode::not_open);
  Outcome<std::string> out = failed(CallCode::cancelled, "the client was destroyed");
  core_->run([&] {
    if (core_->service() != nullptr) out = core_->service()->get_sequencer(id());
  });
  return out;
}

void Handle::set_sequencer(std::string sequencer) const {
  if (core_ == nullptr) return;
  core_->run([&] {
    if (core_->service() != nullptr) core_->service()->set_sequencer(id(), sequencer);
  });
}

void Handle::poison() const {
  if (core_ == nullptr) return;
  core_->post([core = core_, id = id()] {
    if (core->service() != nullptr) core->service()->poison(id);
  });
}

Outcome<void> Handle::close(CallOptions options) {
  auto closed =
      call<void>([](LockService& service, HandleId id, Completion<void> done) { service.close(id, std::move(done)); },
                 std::move(options));
  const bool begun = closed || closed.error().code != CallCode::would_deadlock;
  if (begun) core_.reset();  // closed now, or when its lock is free
  return closed;
}

}  // namespace conclave::blocking
