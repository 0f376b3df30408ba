#include "app/shell/session_access.h"

#include <chrono>
#include <fmt/format.h>
#include <utility>

namespace conclave::app {
namespace {

constexpr Duration kClosePatience = Duration::seconds(1);

}  // namespace

Result<std::unique_ptr<SessionAccess>> SessionAccess::open(client::Options options, Events events,
                                                           std::optional<Duration> patience) {
  auto world = os::World::create({});
  if (!world) return std::unexpected(world.error());
  return std::unique_ptr<SessionAccess>(
      new SessionAccess(*std::move(world), std::move(options), std::move(events), patience));
}

SessionAccess::SessionAccess(std::unique_ptr<os::World> world, client::Options options, Events events,
                             std::optional<Duration> patience)
    : world_(std::move(world)), events_(std::move(events)), patience_(patience) {
  const env::World env = world_->env();
  options.seed = env.entropy.u64();
  client_ = std::make_unique<client::Client>(env.clock, env.executor, env.network, std::move(options));
  world_->loop().post([this] {
    client_->start([this](client::SessionState state) {
      if (state != client::SessionState::connecting && !std::exchange(settled_once_, true)) settled_.set_value();
      if (events_.on_state) events_.on_state(state);
    });
  });
  thread_ = std::thread([this] { world_->run(); });
}

SessionAccess::~SessionAccess() {
  world_->loop().post([this] {
    events_ = {};
    client_->close(kClosePatience, [this] {
      client_.reset();
      world_->stop();
    });
  });
  thread_.join();
}

template <class T, class Start>
std::future<SessionAccess::Outcome<T>> SessionAccess::begin(Start start) {
  auto promise = std::make_shared<std::promise<Outcome<T>>>();  // outlives a caller that does not wait to the end
  std::promise<void> begun;
  world_->loop().post([&] {
    start([promise](Outcome<T> outcome) { promise->set_value(std::move(outcome)); });
    begun.set_value();
  });
  begun.get_future().wait();
  return promise->get_future();
}

template <class T, class Start>
SessionAccess::Outcome<T> SessionAccess::wait(Start start) {
  auto answer = begin<T>(std::move(start));
  if (patience_ && answer.wait_for(std::chrono::microseconds(patience_->us)) != std::future_status::ready) {
    return std::unexpected(client::ErrorCode::operation_timeout);
  }
  return answer.get();
}

template <class T>
T SessionAccess::ask(std::function<T(client::Client&)> question) {
  std::promise<T> promise;
  world_->loop().post([&] { promise.set_value(question(*client_)); });
  return promise.get_future().get();
}

client::WatchFunction SessionAccess::watcher(bool wanted) {
  if (!wanted) return nullptr;
  return [this](const client::WatchEvent& event) {
    if (events_.on_event) events_.on_event(event);
  };
}

SessionAccess::Outcome<client::Created> SessionAccess::create(std::string_view path, std::string_view data,
                                                              const client::CreateOptions& options) {
  return wait<client::Created>([&](auto done) { client_->create(path, data, options, std::move(done)); });
}
SessionAccess::Outcome<void> SessionAccess::remove(std::string_view path, int32_t version) {
  return wait<void>([&](auto done) { client_->remove(path, version, std::move(done)); });
}
SessionAccess::Outcome<client::Stat> SessionAccess::exists(std::string_view path, bool watch) {
  return wait<client::Stat>([&](auto done) { client_->exists(path, watcher(watch), std::move(done)); });
}
SessionAccess::Outcome<client::NodeData> SessionAccess::get(std::string_view path, bool watch) {
  return wait<client::NodeData>([&](auto done) { client_->get(path, watcher(watch), std::move(done)); });
}
SessionAccess::Outcome<client::Children> SessionAccess::children(std::string_view path, bool watch) {
  return wait<client::Children>([&](auto done) { client_->children(path, watcher(watch), std::move(done)); });
}
SessionAccess::Outcome<client::Stat> SessionAccess::set(std::string_view path, std::string_view data, int32_t version) {
  return wait<client::Stat>([&](auto done) { client_->set(path, data, version, std::move(done)); });
}
SessionAccess::Outcome<client::NodeAcl> SessionAccess::get_acl(std::string_view path) {
  return wait<client::NodeAcl>([&](auto done) { client_->get_acl(path, std::move(done)); });
}
SessionAccess::Outcome<client::Stat> SessionAccess::set_acl(std::string_view path, const client::Acl& acl,
                                                            int32_t version) {
  return wait<client::Stat>([&](auto done) { client_->set_acl(path, acl, version, std::move(done)); });
}
SessionAccess::Outcome<void> SessionAccess::sync(std::string_view path) {
  return wait<void>([&](auto done) { client_->sync(path, std::move(done)); });
}
SessionAccess::Outcome<client::NodeData> SessionAccess::reconfig(const client::MemberChange& change) {
  return wait<client::NodeData>([&](auto done) { client_->reconfig(change, std::move(done)); });
}
std::future<SessionAccess::Outcome<client::NodeData>> SessionAccess::begin_reconfig(
    const client::MemberChange& change) {
  return begin<client::NodeData>([&](auto done) { client_->reconfig(change, std::move(done)); });
}
SessionAccess::Outcome<int32_t> SessionAccess::count_descendants(std::string_view path) {
  return wait<int32_t>([&](auto done) { client_->count_descendants(path, std::move(done)); });
}
SessionAccess::Outcome<std::vector<std::string>> SessionAccess::ephemerals(std::string_view prefix) {
  return wait<std::vector<std::string>>([&](auto done) { client_->ephemerals(prefix, std::move(done)); });
}
SessionAccess::Outcome<std::vector<client::Identity>> SessionAccess::who_am_i() {
  return wait<std::vector<client::Identity>>([&](auto done) { client_->who_am_i(std::move(done)); });
}
SessionAccess::Outcome<void> SessionAccess::add_watch(std::string_view path, client::AddWatchMode mode) {
  return wait<void>([&](auto done) { client_->add_watch(path, mode, watcher(true), std::move(done)); });
}
SessionAccess::Outcome<void> SessionAccess::remove_watches(std::string_view path) {
  return wait<void>([&](auto done) { client_->remove_watches(path, client::WatcherType::any, std::move(done)); });
}
SessionAccess::Outcome<void> SessionAccess::add_auth(std::string_view scheme, std::string_view credentials) {
  return wait<void>([&](auto done) { client_->add_auth(scheme, credentials, std::move(done)); });
}

std::string SessionAccess::describe() {
  return ask<std::string>([](client::Client& client) {
    return fmt::format("session   {:#x}\nstate     {}\nserver    {}\ntime-out  {} ms\nlast zxid {:#x}\n",
                       static_cast<uint64_t>(client.session().value), client::to_string(client.state()),
                       env::to_string(client.server()), client.session_timeout().ms(), client.last_zxid().value);
  });
}

bool SessionAccess::wait_connected(Duration patience) {
  if (settled_.get_future().wait_for(std::chrono::microseconds(patience.us)) != std::future_status::ready) return false;
  return ask<bool>([](client::Client& client) {
    return client.state() == client::SessionState::connected ||
           client.state() == client::SessionState::connected_read_only;
  });
}

std::string SessionAccess::last_failure() {
  return ask<std::string>([](client::Client& client) { return client.last_failure(); });
}

}  // namespace conclave::app
