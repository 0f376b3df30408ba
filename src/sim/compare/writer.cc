#include "sim/compare/writer.h"

#include <utility>

namespace conclave::sim::compare {
namespace {

// Longer than any cell here is without a master, so that no session ends.
constexpr Duration kSessionTimeout = Duration::seconds(40);

Bytes noise(Random& random, size_t size) {
  Bytes bytes;
  while (bytes.size() < size) bytes.push_back(static_cast<char>(random.below(256)));
  return bytes;
}

client::Options client_options(const Writer::Options& options) {
  return {.servers = {options.server}, .session_timeout = kSessionTimeout, .seed = options.seed};
}

}  // namespace

Writer::Writer(const env::World& world, Options options, std::vector<Acknowledgement>& acknowledged,
               const Scheduler& scheduler)
    : world_(world),
      options_(std::move(options)),
      acknowledged_(acknowledged),
      scheduler_(scheduler),
      random_(options_.seed),
      path_("/" + std::to_string(options_.number)),
      data_(noise(random_, options_.data_bytes)),
      client_(world.clock, world.executor, world.network, client_options(options_)) {
  client_.start([](client::SessionState) {});
  make_node();
}

bool Writer::finished() const {
  const auto state = client_.state();
  return state != client::SessionState::connecting && state != client::SessionState::connected;
}

void Writer::make_node() {
  client_.create(path_, data_, {}, [this](client::Outcome<client::Created> made) {
    ready_ = made.has_value() || made.error() == client::ErrorCode::node_exists;
    if (!ready_ && !finished()) make_node();
  });
}

void Writer::write(uint64_t writes) {
  left_ = writes;
  pause_then_ask();
}

void Writer::pause_then_ask() {
  under_way_ = left_ > 0;
  if (!under_way_) return;
  if (options_.pause == Duration{0}) return ask();
  const auto us = static_cast<uint64_t>(options_.pause.us);
  const auto pause = Duration::micros(static_cast<int64_t>(random_.between(us / 2, us + us / 2)));
  world_.executor.schedule(pause, [this] { ask(); });
}

void Writer::ask() {
  if (left_ == 0 || finished()) {
    under_way_ = false;
    return;
  }
  client_.set(path_, data_, client::kAnyVersion, [this, asked = scheduler_.now()](client::Outcome<client::Stat> done) {
    if (done) {
      acknowledged_.push_back({.writer = options_.number, .asked = asked, .answered = scheduler_.now()});
      if (left_ > 0 && left_ != kForEver) --left_;
    }
    pause_then_ask();
  });
}

}  // namespace conclave::sim::compare
