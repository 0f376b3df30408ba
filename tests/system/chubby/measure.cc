// Many sessions with the lock service, in one process, for measure.py.
//
//   chubby_measure HOST:PORT SESSIONS CACHING
//
// Opens the sessions, of which the first CACHING keep /measured in their cache, and says `opened`. Then reads lines:
// `change` changes the file, times that, and lets all of them cache it again; the end of the input ends it.
#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <stdio.h>
#include <string>
#include <sys/epoll.h>
#include <unistd.h>
#include <vector>

#include "client/chubby/client.h"
#include "os/world.h"

namespace conclave {
namespace {

using namespace chubby;

constexpr size_t kAtOnce = 200;  // sessions being opened
constexpr char kName[] = "/measured";
constexpr char kOther[] = "/";  // of those who do not cache it, not even its stat

class Crowd final : os::Watcher {
 public:
  Crowd(os::World& world, const Options& options, size_t sessions, size_t caching)
      : world_(world), sessions_(sessions), caching_(caching), began_(world.env().clock.now()) {
    const env::World env = world_.env();
    writer_ = std::make_unique<Client>(env.clock, env.executor, env.network, env.entropy, options);
    members_.resize(sessions_);
    for (Member& member : members_) {
      member.client = std::make_unique<Client>(env.clock, env.executor, env.network, env.entropy, options);
      member.client->on_session(
          [this](SessionEvent event) { ++(event == SessionEvent::expired ? expired_ : troubled_); });
    }
    writer_->open(kName, {.mode = {.read = true, .write = true}, .creation = Creation::if_missing},
                  [this](const Outcome<Opened>& opened) {
                    file_ = good(opened).handle;
                    for (size_t i = 0; i < kAtOnce; ++i) open_next();
                  });
    world_.loop().watch(STDIN_FILENO, EPOLLIN, this);
  }
  ~Crowd() override { world_.loop().unwatch(STDIN_FILENO, this); }

 private:
  struct Member {
    std::unique_ptr<Client> client;
    HandleId handle;
  };
  template <class T>
  static const T& good(const Outcome<T>& outcome) {
    if (outcome) return *outcome;
    fmt::print("FAILED {} {}\n", to_string(outcome.error().code), outcome.error().message);
    exit(1);
  }
  int64_t since(Instant moment) const { return (world_.env().clock.now() - moment).us; }
  static void say(const std::string& line) {
    fmt::print("{}\n", line);
    fflush(stdout);
  }

  void open_next() {
    if (next_ == sessions_) return;
    const size_t index = next_++;
    Member& member = members_[index];
    member.client->open(index < caching_ ? kName : kOther, {}, [this, &member, index](const Outcome<Opened>& opened) {
      member.handle = good(opened).handle;
      if (index < caching_) return read(member, [this] { on_open(); });
      on_open();
    });
  }
  void on_open() {
    if (++open_ == sessions_) say(fmt::format("opened {} ms", since(began_) / 1'000));
    open_next();
  }
  template <class Then>
  void read(Member& member, Then then) {
    member.client->get_contents(member.handle, [then](const Outcome<Contents>& contents) {
      good(contents);
      then();
    });
  }

  void on_ready(uint32_t) override {
    char buffer[256];
    const ssize_t n = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (n <= 0) return world_.stop();
    size_t cached = 0;
    for (size_t i = 0; i < caching_; ++i) cached += members_[i].client->cached_nodes();
    const Instant asked = world_.env().clock.now();
    writer_->set_contents(
        file_, fmt::format("{}", ++changes_), std::nullopt, [this, asked, cached](const Outcome<Stat>& done) {
          good(done);
          const int64_t changed = since(asked);
          rest_ = std::max<size_t>(caching_, 1);
          const auto ended = [this, asked, changed, cached] {
            if (--rest_ > 0) return;
            say(fmt::format("changed {} us, read by all after {} us, cached before by {}, troubled {}, expired {}",
                            changed, since(asked), cached, troubled_, expired_));
          };
          if (caching_ == 0) return ended();
          for (size_t i = 0; i < caching_; ++i) read(members_[i], ended);
        });
  }

  os::World& world_;
  const size_t sessions_;
  const size_t caching_;
  const Instant began_;
  std::unique_ptr<Client> writer_;
  HandleId file_;
  std::vector<Member> members_;
  size_t next_ = 0, open_ = 0, rest_ = 0;
  size_t troubled_ = 0, expired_ = 0;
  int changes_ = 0;
};

}  // namespace
}  // namespace conclave

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "usage: chubby_measure HOST:PORT SESSIONS CACHING\n");
    return 2;
  }
  auto world = conclave::os::World::create({});
  if (!world) return 1;
  const std::string server = argv[1];
  const size_t colon = server.rfind(':');
  conclave::chubby::Options options;
  options.replicas = {
      {.host = server.substr(0, colon), .port = static_cast<uint16_t>(std::stoi(server.substr(colon + 1)))}};
  conclave::Crowd crowd(**world, options, std::stoul(argv[2]), std::stoul(argv[3]));
  (*world)->run();
  _exit(0);  // without the good-byes of ten thousand sessions
}
