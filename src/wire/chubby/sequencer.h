// Sequencers: what the holder of a lock shows to the servers whose resources the lock guards (CH-37, CH-38). Header
// only, C++17, and without dependencies beyond the standard library, so that any server can take it in as it is.
//
//   conclave::SequencerVerifier verifier;
//   ...
//   if (!verifier.accept(request.sequencer, "/svc/shard-7")) return refuse(request);   // a former holder
//
// A verifier has no session with the cell. It refuses whoever shows an older generation than the newest it has seen of
// the same lock; so a holder that was paused or cut off can do no harm once its successor was here. Whoever wants to
// refuse it before that asks the cell (CheckSequencer), or relies on the lock-delay.
#pragma once

#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace conclave {

// A lock as it was acquired. The generation grows with every change from free to held, also from one node of that name
// to the next, so the larger one is the newer.
struct Sequencer {
  std::string path;
  bool exclusive = true;
  uint64_t generation = 0;

  friend bool operator==(const Sequencer& a, const Sequencer& b) {
    return a.path == b.path && a.exclusive == b.exclusive && a.generation == b.generation;
  }

  // "conclave-lock/1 x 2a00000007 /svc/leader": version, mode (x or s), generation in hexadecimal, path.
  std::string text() const {
    char digits[16];
    const auto end = std::to_chars(digits, digits + sizeof(digits), generation, 16).ptr;
    return std::string(kPrefix) + (exclusive ? "x " : "s ") + std::string(digits, end) + ' ' + path;
  }

  // Nothing: not the text of a sequencer.
  static std::optional<Sequencer> parse(std::string_view text) {
    if (!starts_with(text, kPrefix)) return std::nullopt;
    text.remove_prefix(kPrefix.size());
    if (!starts_with(text, "x ") && !starts_with(text, "s ")) return std::nullopt;
    Sequencer out;
    out.exclusive = text.front() == 'x';
    text.remove_prefix(2);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out.generation, 16);
    if (error != std::errc() || out.generation == 0) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (!starts_with(text, " /")) return std::nullopt;
    out.path = text.substr(1);
    return out;
  }

 private:
  static constexpr std::string_view kPrefix = "conclave-lock/1 ";
  static bool starts_with(std::string_view text, std::string_view with) { return text.substr(0, with.size()) == with; }
};

// Remembers the newest generation of each lock that it was shown. Not thread-safe; as durable as the resource that it
// guards should be (see `newest` and `restore`).
class SequencerVerifier {
 public:
  // May whoever shows this use what the lock of `path` guards? `exclusive`: a shared lock is not enough.
  bool accept(std::string_view text, std::string_view path, bool exclusive = true) {
    const auto sequencer = Sequencer::parse(text);
    if (!sequencer || sequencer->path != path || (exclusive && !sequencer->exclusive)) return false;
    uint64_t& newest = newest_[sequencer->path];
    if (sequencer->generation < newest) return false;
    newest = sequencer->generation;
    return true;
  }

  const std::map<std::string, uint64_t, std::less<>>& newest() const { return newest_; }
  void restore(std::string path, uint64_t generation) { newest_[std::move(path)] = generation; }

 private:
  std::map<std::string, uint64_t, std::less<>> newest_;
};

}  // namespace conclave
