// One command line in parts: words, and settings of the form name=value. What a stage does not ask for is an error, so
// that no misspelt setting is passed over. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace conclave::sim::scenario {

class Command {
 public:
  explicit Command(std::string_view line);

  const std::string& line() const { return line_; }
  // The next word that was not taken, or "".
  std::string word();
  bool has_word() const { return next_ < words_.size(); }
  // Is the next word this one? Takes it if so.
  bool take(std::string_view word);

  bool has(const std::string& name) const { return settings_.contains(name); }
  std::string text(const std::string& name, std::string fallback = "");
  // Of the settings that were not taken, all.
  std::map<std::string, std::string> rest();
  Result<int64_t> number(const std::string& name, int64_t fallback);
  Result<Duration> duration(const std::string& name, Duration fallback);
  // For a command that reads its line() by itself.
  void drop_rest() {
    next_ = words_.size();
    settings_.clear();
  }
  // Nothing is left over; names the first thing that is.
  Result<> finished() const;

 private:
  std::string line_;
  std::vector<std::string> words_;
  size_t next_ = 0;
  std::map<std::string, std::string> settings_;
};

Result<int64_t> parse_whole(std::string_view text);
// "1,3" and "1..4" and both together.
Result<std::vector<int64_t>> parse_numbers(std::string_view text);
std::unexpected<Error> wrong(std::string what);

}  // namespace conclave::sim::scenario
