// Many sessions with the lock service, in one process, for chubby_measure.py.
//
//   chubby_measure HOST:PORT SESSIONS CACHING [no-cache]
//
// Opens the sessions, of which the first CACHING keep /measured in their cache (or do not), and says `opened`. Then
// reads lines; the end of the input ends it:
//   change             changes the file, times that, and lets all of them cache it again. Meanwhile one who never
//   caches
//                      reads it over and over.
//   mix OPS EVERY      OPS operations of the CACHING, on ten files: one in EVERY is a write, the rest are reads.
#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <stdio.h>
#include <string>
#include <sys/epoll.h>
#include <unistd.h>
#include <vector>

#include "base/random.h"
#include "client/chubby/client.h"
#include "os/world.h"

namespace conclave {
namespace {

using namespace chubby;

constexpr size_t kAtOnce = 200;  // sessions being opened
constexpr size_t kFiles = 10;    // of `mix`
constexpr char kName[] = "/measured";
constexpr char kOther[] = "/";  // of those who do not cache it, not even its stat

class Crowd final : os::Watcher {
 public:
  Crowd(os::World& world, const Options& options, size_t sessions, size_t caching)
      : world_(world), sessions_(sessions), caching_(caching), began_(world.env().clock.now()) {
    const env::World env = world_.env();
    writer_ = std::make_unique<Client>(env.clock, env.executor, env.network, env.entropy, options);
    Options bare = options;
    bare.cache_entries_max = 0;
    prober_ = std::make_unique<Client>(env.clock, env.executor, env.network, env.entropy, bare);
    members_.resize(sessions_);
    for (Member& member : members_) {
      member.client = std::make_unique<Client>(env.clock, env.executor, env.network, env.entropy, options);
      member.client->on_session(
          [this](SessionEvent event) { ++(event == SessionEvent::expired ? expired_ : troubled_); });
    }
    writer_->open(kName, {.mode = {.read = true, .write = true}, .creation = Creation::if_missing},
                  [this](const Outcome<Opened>& opened) {
                    file_ = good(opened).handle;
                    prober_->open(kName, {}, [this](const Outcome<Opened>& probing) {
                      probed_ = good(probing).handle;
                      for (size_t i = 0; i < kAtOnce; ++i) open_next();
                    });
                  });
    world_.loop().watch(STDIN_FILENO, EPOLLIN, this);
  }
  ~Crowd() override { world_.loop().unwatch(STDIN_FILENO, this); }

 private:
  struct Member {
    std::unique_ptr<Client> client;
    HandleId handle;
    std::vector<HandleId> files;  // for `mix`
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
    const std::string line(buffer, static_cast<size_t>(n));
    size_t operations = 0;
    size_t every = 0;
    if (sscanf(line.c_str(), "mix %zu %zu", &operations, &every) == 2) return mix(operations, every);
    change();
  }

  void change() {
    size_t cached = 0;
    for (size_t i = 0; i < caching_; ++i) cached += members_[i].client->cached_nodes();
    const Instant asked = world_.env().clock.now();
    changing_ = true;
    slowest_probe_us_ = 0;
    probe();
    writer_->set_contents(
        file_, fmt::format("{}", ++changes_), std::nullopt, [this, asked, cached](const Outcome<Stat>& done) {
          good(done);
          const int64_t changed = since(asked);
          changing_ = false;
          rest_ = std::max<size_t>(caching_, 1);
          const auto ended = [this, asked, changed, cached] {
            if (--rest_ > 0) return;
            say(
                fmt::format("changed {} us, read by all after {} us, cached before by {}, troubled {}, expired {}, "
                            "slowest read meanwhile {} us",
                            changed, since(asked), cached, troubled_, expired_, slowest_probe_us_));
          };
          if (caching_ == 0) return ended();
          for (size_t i = 0; i < caching_; ++i) read(members_[i], ended);
        });
  }
  void probe() {
    prober_->get_contents(probed_, [this, asked = world_.env().clock.now()](const Outcome<Contents>& contents) {
      good(contents);
      slowest_probe_us_ = std::max(slowest_probe_us_, since(asked));
      if (changing_) probe();
    });
  }

  void mix(size_t operations, size_t every) {
    left_ = operations;
    every_ = every;
    rest_ = caching_;
    for (size_t i = 0; i < caching_; ++i) open_files(members_[i]);
  }
  void open_files(Member& member) {
    if (member.files.size() == kFiles) {
      if (--rest_ == 0) start_mix();
      return;
    }
    member.client->open(fmt::format("/mixed-{}", member.files.size()),
                        {.mode = {.read = true, .write = true}, .creation = Creation::if_missing},
                        [this, &member](const Outcome<Opened>& opened) {
                          member.files.push_back(good(opened).handle);
                          open_files(member);
                        });
  }
  void start_mix() {
    before_ = sum();
    mixing_since_ = world_.env().clock.now();
    rest_ = caching_;
    for (size_t i = 0; i < caching_; ++i) operate(members_[i]);
  }
  void operate(Member& member) {
    if (left_ == 0) {
      if (--rest_ == 0) end_mix();
      return;
    }
    const size_t number = left_--;
    const HandleId file = member.files[random_.below(kFiles)];
    if (number % every_ == 0) {
      member.client->set_contents(file, fmt::format("{}", number), std::nullopt,
                                  [this, &member](const Outcome<Stat>& done) {
                                    good(done);
                                    ++writes_;
                                    operate(member);
                                  });
      return;
    }
    member.client->get_contents(file, [this, &member](const Outcome<Contents>& contents) {
      good(contents);
      ++reads_;
      operate(member);
    });
  }
  Figures sum() const {
    Figures all;
    for (const Member& member : members_) {
      const Figures& figures = member.client->figures();
      all.messages_sent += figures.messages_sent;
      all.messages_received += figures.messages_received;
      all.cache_hits += figures.cache_hits;
    }
    return all;
  }
  void end_mix() {
    const Figures after = sum();
    say(fmt::format("mixed: {} reads, {} from the cache, {} writes, {} messages, {} ms", reads_,
                    after.cache_hits - before_.cache_hits, writes_,
                    after.messages_sent + after.messages_received - before_.messages_sent - before_.messages_received,
                    since(mixing_since_) / 1'000));
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
  std::unique_ptr<Client> prober_;
  HandleId probed_;
  bool changing_ = false;
  int64_t slowest_probe_us_ = 0;

  Random random_{1};
  size_t left_ = 0, every_ = 1, reads_ = 0, writes_ = 0;  // of `mix`
  Figures before_;
  Instant mixing_since_;
};

}  // namespace
}  // namespace conclave

int main(int argc, char** argv) {
  const bool bare = argc == 5 && std::string(argv[4]) == "no-cache";
  if (argc != 4 && !bare) {
    fmt::print(stderr, "usage: chubby_measure HOST:PORT SESSIONS CACHING [no-cache]\n");
    return 2;
  }
  auto world = conclave::os::World::create({});
  if (!world) return 1;
  const std::string server = argv[1];
  const size_t colon = server.rfind(':');
  conclave::chubby::Options options;
  options.replicas = {
      {.host = server.substr(0, colon), .port = static_cast<uint16_t>(std::stoi(server.substr(colon + 1)))}};
  if (bare) options.cache_entries_max = 0;
  conclave::Crowd crowd(**world, options, std::stoul(argv[2]), std::stoul(argv[3]));
  (*world)->run();
  _exit(0);  // without the good-byes of ten thousand sessions
}
