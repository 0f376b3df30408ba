// Naming: who is there, and at which address.
#include <conclave/client/blocking/on_loop.h>
#include <conclave/client/chubby/recipe_presence.h>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "example.h"

using namespace conclave::chubby;
using conclave::blocking::Client;
using conclave::blocking::OnLoop;

// [join]
// Our address is there as long as `presence` is, and our session.
Outcome<void> join(const OnLoop<Presence>& presence, const std::string& name, const std::string& address) {
  return presence.call<void>([&](Presence& members, auto done) { members.join(name, address, std::move(done)); });
}
// [end]

// [watch]
// Members as they are now, for the threads of a program.
class Members {
 public:
  void set(std::vector<std::string> names) {
    const std::lock_guard lock(mutex_);
    names_ = std::move(names);
    changed_.notify_all();
  }
  void wait_for(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return names_.size() == count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> names_;
};
// [end]

// [look-up]
// The address of one member. Not through a handle that stays open: that would keep the file of one who is gone.
Outcome<std::string> look_up(Client& client, const std::string& name) {
  const auto file = client.open("/servers/" + name);
  if (!file) return std::unexpected(file.error());  // no_node: it is not there
  auto read = file->get_contents();
  if (!read) return std::unexpected(read.error());
  return read->contents;
}
// [end]

int main(int argc, char** argv) {
  const auto client = client_of(argc, argv);
  Members members;
  // [observe]
  const OnLoop<Presence> observer(*client, "/servers", [&](const auto& names) { members.set(names); });
  observer.run([](Presence& presence) { presence.watch(); });
  // [end]
  members.wait_for(0);
  {
    const OnLoop<Presence> one(*client, "/servers");
    need(join(one, "one", "10.0.0.1:80"));
    members.wait_for(1);
    say("one is at " + need(look_up(*client, "one")));
    const OnLoop<Presence> same(*client, "/servers");
    say("the same name: " + std::string(to_string(join(same, "one", "10.0.0.2:80").error().code)));
  }
  members.wait_for(0);
  say("nobody is there");
}
