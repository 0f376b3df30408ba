// Holds a session, a lock, an ephemeral file, handles and a cache for as long as its standard input stays open, and
// says what it is told. For chubby_test.py, which kills masters meanwhile.
//
//   chubby_holder HOST:PORT,... DIRECTORY
//
// Reads lines and answers each with one: `check N` writes N to the locked file, reads the shared one, asks whether the
// sequencer is valid and for the stat of every handle; `lock NAME` waits for another lock. Everything else that it
// prints is an event.
#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <map>
#include <memory>
#include <stdio.h>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "client/chubby/client.h"
#include "os/world.h"

namespace conclave {
namespace {

using namespace chubby;

constexpr int kMoreHandles = 20;

void say(const std::string& line) {
  fmt::print("{}\n", line);
  fflush(stdout);
}

Options options_of(std::string_view servers) {
  Options options;
  while (!servers.empty()) {
    const std::string_view server = servers.substr(0, servers.find(','));
    servers.remove_prefix(std::min(servers.size(), server.size() + 1));
    const size_t colon = server.rfind(':');
    options.replicas.push_back({.host = std::string(server.substr(0, colon)),
                                .port = static_cast<uint16_t>(std::stoi(std::string(server.substr(colon + 1))))});
  }
  return options;
}

class Holder final : os::Watcher {
 public:
  Holder(os::World& world, Options options, std::string directory)
      : world_(world),
        directory_(std::move(directory)),
        client_(world.env().clock, world.loop(), world.network(), world.env().entropy, std::move(options)) {
    client_.on_session([this](SessionEvent event) {
      say(fmt::format("{}", to_string(event)));
      if (event == SessionEvent::expired) world_.stop();
    });
    world_.loop().watch(STDIN_FILENO, EPOLLIN, this);
    open_all();
  }
  ~Holder() override { world_.loop().unwatch(STDIN_FILENO, this); }

 private:
  // Keeps the handle under its name, and says when all are there.
  void open(const std::string& name, OpenOptions options) {
    ++opening_;
    client_.open(directory_ + "/" + name, std::move(options), [this, name](const Outcome<Opened>& opened) {
      if (!opened) return failed(name, opened.error());
      handles_[name] = opened->handle;
      if (--opening_ == 0) acquire();
    });
  }
  void open_all() {
    const Mode write{.read = true, .write = true};
    open("locked", {.mode = write,
                    .lock_delay_ms = 5'000,
                    .creation = Creation::if_missing,
                    .on_event = [this](const Event& event) { hear("locked", event); }});
    open("shared", {.events = {.contents = true},
                    .creation = Creation::if_missing,
                    .on_event = [this](const Event& event) { hear("shared", event); }});
    open("ephemeral", {.mode = write, .creation = Creation::must, .ephemeral = true});
    for (int i = 0; i < kMoreHandles; ++i)
      open(fmt::format("more-{}", i), {.mode = write, .creation = Creation::if_missing});
  }
  void acquire() {
    client_.acquire(handles_.at("locked"), LockMode::exclusive, [this](const Outcome<Acquired>& acquired) {
      if (!acquired) return failed("acquire", acquired.error());
      sequencer_ = acquired->sequencer;
      say("ready " + sequencer_);
    });
  }
  // Every handle is told of a fail-over: once is enough here.
  void hear(std::string_view name, const Event& event) {
    if (event.kind == EventKind::fail_over && name != "shared") return;
    say(fmt::format("{}: {}", name, to_string(event.kind)));
  }

  void on_ready(uint32_t) override {
    char buffer[4096];
    const ssize_t n = read(STDIN_FILENO, buffer, sizeof buffer);
    if (n <= 0) {
      world_.loop().rewatch(STDIN_FILENO, 0, this);
      client_.end(Duration::seconds(2), [this] { world_.stop(); });
      return;
    }
    pending_.append(buffer, static_cast<size_t>(n));
    for (size_t end = pending_.find('\n'); end != std::string::npos; end = pending_.find('\n')) {
      const std::string line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      if (line.starts_with("check ")) check(line.substr(6));
      if (line.starts_with("lock ")) lock(line.substr(5));
    }
  }

  void check(const std::string& number) {
    client_.set_contents(handles_.at("locked"), number, std::nullopt, [this, number](const Outcome<Stat>& written) {
      if (!written) return failed("write", written.error());
      client_.get_contents(handles_.at("shared"), [this, number](const Outcome<Contents>& read) {
        if (!read) return failed("read", read.error());
        client_.check_sequencer(sequencer_, [this, number, shared = read->contents](const Outcome<bool>& valid) {
          if (!valid) return failed("check sequencer", valid.error());
          count_handles(fmt::format("checked {} shared={} sequencer={}", number, shared, *valid ? "valid" : "INVALID"));
        });
      });
    });
  }
  void count_handles(const std::string& so_far) {
    const auto rest = std::make_shared<size_t>(handles_.size());
    const auto good = std::make_shared<size_t>(0);
    for (const auto& [name, handle] : handles_) {
      client_.get_stat(handle, [this, so_far, rest, good](const Outcome<Stat>& stat) {
        *good += stat.has_value() ? 1 : 0;
        if (--*rest > 0) return;
        const Figures& figures = client_.figures();
        say(fmt::format("{} handles={}/{} session={:#x} cached={} hits={} fail_overs={} jeopardies={}", so_far, *good,
                        handles_.size(), static_cast<uint64_t>(client_.session().value), client_.cached_nodes(),
                        figures.cache_hits, figures.fail_overs, figures.jeopardies));
      });
    }
  }
  void lock(const std::string& name) {
    const OpenOptions open{.mode = {.read = true, .write = true}, .creation = Creation::if_missing};
    client_.open(name, open, [this, name](const Outcome<Opened>& opened) {
      if (!opened) return failed(name, opened.error());
      client_.acquire(opened->handle, LockMode::exclusive, [this, name](const Outcome<Acquired>& acquired) {
        if (!acquired) return failed(name, acquired.error());
        say("locked " + name);
      });
    });
  }
  void failed(std::string_view what, const CallError& error) {
    say(fmt::format("FAILED {}: {} {}", what, to_string(error.code), error.message));
  }

  os::World& world_;
  const std::string directory_;
  Client client_;
  std::map<std::string, HandleId> handles_;
  int opening_ = 0;
  std::string sequencer_;
  std::string pending_;
};

}  // namespace
}  // namespace conclave

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: chubby_holder HOST:PORT,... DIRECTORY\n");
    return 2;
  }
  auto world = conclave::os::World::create({});
  if (!world) {
    fmt::print(stderr, "chubby_holder: {}\n", world.error().message);
    return 1;
  }
  conclave::Holder holder(**world, conclave::options_of(argv[1]), argv[2]);
  (*world)->run();
  return 0;
}
