// What is wrong with a configuration, all of it at once: each problem names the file, the line and the reason. Pure.
#pragma once

#include <string>
#include <vector>

namespace conclave::app {

// Where a value came from. Line 0: the file as a whole; an empty file: the command line or a default.
struct SourceLine {
  std::string file;
  int line = 0;
  friend bool operator==(const SourceLine&, const SourceLine&) = default;
};

struct Problem {
  enum class Severity { warning, error };
  Severity severity = Severity::error;
  SourceLine where;
  std::string reason;
};

// "zoo.cfg:12: error: tickTime: ..."
std::string to_string(const Problem& problem);

class Problems {
 public:
  void error(SourceLine where, std::string reason);
  void warn(SourceLine where, std::string reason);

  bool has_errors() const { return errors_ > 0; }
  size_t error_count() const { return errors_; }
  // Sorted by file and line, in the order found within a line.
  std::vector<Problem> sorted() const;

 private:
  std::vector<Problem> list_;
  size_t errors_ = 0;
};

}  // namespace conclave::app
