#include "app/config/problems.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace conclave::app {

std::string to_string(const Problem& problem) {
  std::string out = problem.where.file;
  if (problem.where.line > 0) out += ":" + std::to_string(problem.where.line);
  if (!out.empty()) out += ": ";
  out += problem.severity == Problem::Severity::error ? "error: " : "warning: ";
  return out + problem.reason;
}

void Problems::error(SourceLine where, std::string reason) {
  list_.push_back({Problem::Severity::error, std::move(where), std::move(reason)});
  ++errors_;
}

void Problems::warn(SourceLine where, std::string reason) {
  list_.push_back({Problem::Severity::warning, std::move(where), std::move(reason)});
}

std::vector<Problem> Problems::sorted() const {
  std::vector<Problem> out = list_;
  std::stable_sort(out.begin(), out.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.where.file, a.where.line) < std::tie(b.where.file, b.where.line);
  });
  return out;
}

}  // namespace conclave::app
