#include "app/config/problems.h"

#include <algorithm>
#include <numeric>
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
  std::vector<size_t> order(list_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, [this](size_t a, size_t b) {
    return std::tie(list_[a].where.file, list_[a].where.line, a) <
           std::tie(list_[b].where.file, list_[b].where.line, b);
  });
  std::vector<Problem> out;
  for (const size_t at : order) out.push_back(list_[at]);
  return out;
}

}  // namespace conclave::app
