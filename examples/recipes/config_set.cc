// Configuration: one file that is watched, and several files that change together.
#include <conclave/client/blocking/on_loop.h>
#include <conclave/client/chubby/recipe_config_set.h>
#include <future>

#include "example.h"

using namespace conclave::chubby;
using conclave::blocking::Client;
using conclave::blocking::Handle;
using conclave::blocking::OnLoop;

// [watch]
// A file whose changes are told to `changed`, on the loop thread: it may only note that there is something to read.
Outcome<Handle> watch(Client& client, const std::string& name, std::function<void()> changed) {
  return client.open(name, {.events = {.contents = true},
                            .creation = Creation::if_missing,
                            .on_event = [changed = std::move(changed)](const Event& event) {
                              // After a change of master an event may have been lost: look again.
                              const bool look = event.kind == EventKind::contents_changed ||  //
                                                event.kind == EventKind::fail_over;
                              if (look) changed();
                            }});
}
// [end]

// [publish]
using Files = std::map<std::string, conclave::Bytes>;

// Changes several files at once. Whoever was faster is not overwritten: `change` is asked again, with the new files.
Outcome<uint64_t> update(const OnLoop<ConfigSet>& config, const std::function<void(Files&)>& change) {
  for (;;) {
    auto version = config.call<ConfigSet::Version>([](ConfigSet& set, auto done) { set.read(std::move(done)); });
    if (!version) return std::unexpected(version.error());
    change(version->files);
    auto published = config.call<uint64_t>(
        [&](ConfigSet& set, auto done) { set.publish(version->number, version->files, std::move(done)); });
    const bool lost_race = !published && published.error().code == CallCode::generation_mismatch;
    if (!lost_race) return published;
  }
}
// [end]

int main(int argc, char** argv) {
  const auto client = client_of(argc, argv);
  std::promise<void> changed;
  const Handle watched = need(watch(*client, "/config-file", [&, told = false]() mutable {
    if (!std::exchange(told, true)) changed.set_value();
  }));
  need(need(client->open("/config-file", {.mode = {.write = true}})).set_contents("workers=4"));
  changed.get_future().get();
  say("changed: " + need(watched.get_contents()).contents);

  const OnLoop<ConfigSet> config(*client, "/config");
  need(update(config, [](Files& files) { files["routes"] = "a -> b"; }));
  need(update(config, [](Files& files) {
    files["routes"] = "a -> c";
    files["limits"] = "100";
  }));
  // [read]
  const auto version = need(config.call<ConfigSet::Version>([](auto& set, auto done) { set.read(std::move(done)); }));
  for (const auto& [name, contents] : version.files) say(name + ": " + contents);
  // [end]
}
