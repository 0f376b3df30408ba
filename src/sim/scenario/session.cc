#include "sim/scenario/session.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <utility>

#include "base/checksum.h"
#include "base/random.h"
#include "sim/check/words.h"

namespace conclave::sim::scenario {
namespace {

using check::Action;
using check::Call;
using check::Code;

constexpr Duration kClosePatience = Duration::seconds(5);
constexpr size_t kDataShown = 24;

std::optional<Action> action_of(std::string_view word) {
  for (const Action action : {Action::create, Action::remove, Action::set, Action::check, Action::get, Action::exists,
                              Action::children, Action::sync, Action::multi}) {
    if (check::name_of(action) == word) return action;
  }
  return std::nullopt;
}

// Up to `size` bytes: dots, or behind what is shown of it bytes that no compression makes fewer.
void fill(Bytes& data, size_t size, bool is_noise) {
  const uint64_t seed = xxh3_64(data);
  data.resize(is_noise ? std::min(size, kDataShown + 1) : size, '.');
  Random random(seed);
  while (data.size() < size) data.push_back(static_cast<char>(random.below(256)));
}

std::string describe(const Call& call) {
  std::string text(check::name_of(call.action));
  if (!call.path.empty()) text += " " + call.path;
  if (!call.data.empty()) text += " " + text_of(call.data);
  if (call.version != -1) text += fmt::format(" version={}", call.version);
  return text;
}

std::string describe_answer(const check::Operation& operation) {
  const check::Answer& answer = operation.answer;
  std::string text = check::name_of(answer.code);
  for (size_t i = 0; answer.code != Code::ok && i < operation.part_answers.size(); ++i) {
    if (operation.part_answers[i].code == answer.code) text += fmt::format(" of part {}", i + 1);
  }
  if (answer.code == Code::ok) {
    if (operation.call.action == Action::get) text = text_of(answer.data);
    if (operation.call.action == Action::children) text = fmt::format("[{}]", fmt::join(answer.children, " "));
    if (!answer.created.empty() && answer.created != operation.call.path) text += " " + answer.created;
    const bool has_version =
        answer.stat && operation.call.action != Action::create && operation.call.action != Action::children;
    if (has_version) text += fmt::format(" version {}", answer.stat->version);
  }
  if (operation.zxid != Zxid()) text += " at " + text_of(operation.zxid);
  return text;
}

}  // namespace

std::string text_of(Zxid zxid) {
  return fmt::format("{}:{}", zxid.epoch().value, zxid.counter());
}

std::string text_of(const Bytes& data) {
  if (data.size() <= kDataShown) return fmt::format("\"{}\"", data);
  return fmt::format("\"{}...\" ({} bytes)", data.substr(0, kDataShown), data.size());
}

Session::Session(const env::World& world, client::Options options, std::string name, Recorder& recorder,
                 const Scheduler& scheduler, Output& told, uint64_t& written)
    : name_(std::move(name)),
      told_(told),
      written_(written),
      client_(world, std::move(options), recorder, scheduler,
              {.on_state = [this](client::SessionState state) { on_state(state); },
               .on_answer = [this](const check::Operation& operation) { on_answer(operation); },
               .on_watch =
                   [this](check::EventKind kind, const std::string& path) {
                     tell(fmt::format("told {} {}", check::name_of(kind), path));
                   }}) {
  client_.start();
}

void Session::tell(std::string_view what) {
  told_.push_back(fmt::format("{}: {}", name_, what));
}

std::string Session::server() const {
  const std::string& host = client_.library().server().host;
  return host.substr(host.rfind('-') + 1);
}

void Session::on_state(client::SessionState state) {
  state_ = state;
  switch (state) {
    case client::SessionState::connecting:
      return tell("connection lost");
    case client::SessionState::connected:
      return tell("connected to " + server());
    case client::SessionState::connected_read_only:
      return tell("connected to " + server() + ", for reads only");
    case client::SessionState::expired:
      return tell("session expired");
    case client::SessionState::auth_failed:
      return tell("authentication failed");
    case client::SessionState::closed:
      return tell("session closed");
  }
}

void Session::on_answer(const check::Operation& operation) {
  Asked& asked = asked_.front();
  --asked.left;
  if (asked.times == 1) {
    tell(fmt::format("{} -> {}", asked.text, describe_answer(operation)));
  } else {
    ++asked.answers[check::name_of(operation.answer.code)];
    if (asked.left > 0) return;
    std::string text;
    for (const auto& [answer, count] : asked.answers) {
      text += text.empty() ? "" : ", ";
      text += asked.answers.size() == 1 ? answer : fmt::format("{} {}", count, answer);
    }
    tell(fmt::format("{}, {} times -> {}", asked.text, asked.times, text));
  }
  asked_.pop_front();
}

Result<> Session::ask(Command& command) {
  if (command.take("close")) {
    closing_ = true;
    client_.close(kClosePatience, [] {});
    return {};
  }
  const auto times = command.number("times", 1);
  if (!times) return std::unexpected(times.error());
  if (*times < 1 || *times > 100'000) return wrong(fmt::format("times={}: from 1 to 100,000", *times));
  std::vector<Call> parts;
  Call call{.action = Action::multi};
  bool watch = false;
  if (command.take("multi")) {
    const size_t begin = command.line().find("multi") + 5;
    auto parsed = parts_of(command.line().substr(begin));
    if (!parsed) return std::unexpected(parsed.error());
    parts = *std::move(parsed);
    command.drop_rest();
  } else {
    auto parsed = call_of(command);
    if (!parsed) return std::unexpected(parsed.error());
    call = *std::move(parsed);
    watch = command.take("watch");
    if (watch && !check::is_read(call.action)) return wrong("only reads set watches");
  }
  std::string text = call.action == Action::multi ? "multi" : describe(call);
  if (watch) text += " watch";
  asked_.push_back({.text = text, .left = static_cast<size_t>(*times), .times = static_cast<size_t>(*times)});
  const std::string data = call.data;
  for (int64_t n = 0; n < *times; ++n) {
    if (*times > 1 && !data.empty()) call.data = fmt::format("{}.{}", data, n + 1);
    client_.ask(call, watch, parts);
  }
  return {};
}

Result<Call> Session::call_of(Command& command) {
  const std::string word = command.word();
  const auto action = action_of(word);
  if (!action || *action == Action::multi) return wrong(fmt::format("clients know no request \"{}\"", word));
  Call call{.action = *action, .path = command.word()};
  if (call.path.empty() && *action == Action::sync) call.path = "/";
  if (!call.path.starts_with('/')) return wrong(fmt::format("\"{}\" is no path", call.path));
  call.ephemeral = *action == Action::create && command.take("ephemeral");
  call.sequential = *action == Action::create && command.take("sequential");
  const bool has_version = *action == Action::set || *action == Action::remove || *action == Action::check;
  const auto version = has_version ? command.number("version", -1) : -1;
  if (!version) return std::unexpected(version.error());
  if (*version < -1 || *version > INT32_MAX) return wrong(fmt::format("version={}: there is none such", *version));
  call.version = static_cast<int32_t>(*version);
  if (*action != Action::create && *action != Action::set) return call;
  call.data = command.has_word() ? command.word() : fmt::format("d{}", ++written_);
  const auto size = command.number("size", 0);
  const auto noise = command.number("noise", 0);
  if (!size || !noise) return std::unexpected(size ? noise.error() : size.error());
  const int64_t wanted = std::max(*size, *noise);
  if (*size < 0 || *noise < 0 || wanted > 1 << 20) return wrong("size, noise: at most 1 MiB");
  if (wanted > std::ssize(call.data)) fill(call.data, static_cast<size_t>(wanted), *noise > 0);
  return call;
}

Result<std::vector<Call>> Session::parts_of(const std::string& line) {
  std::vector<Call> parts;
  for (size_t begin = 0; begin < line.size();) {
    const size_t end = std::min(line.find(" + ", begin), line.size());
    Command part(line.substr(begin, end - begin));
    begin = end + 3;
    auto call = call_of(part);
    if (!call) return std::unexpected(call.error());
    if (auto finished = part.finished(); !finished) return std::unexpected(finished.error());
    if (check::is_read(call->action) || call->action == Action::sync) return wrong("a multi holds writes and checks");
    parts.push_back(*std::move(call));
  }
  if (parts.empty()) return wrong("multi: of what?");
  return parts;
}

}  // namespace conclave::sim::scenario
