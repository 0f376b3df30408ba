// The figures of one run, in the order they were added: a JSON object for programs, a table for people. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/bench/options.h"
#include "app/bench/recorder.h"

namespace conclave::app::bench {

class Report {
 public:
  // Into the JSON object.
  void text(std::string_view key, std::string_view value);
  void integer(std::string_view key, uint64_t value);
  void number(std::string_view key, double value, int digits);
  // null when there is none.
  void number(std::string_view key, std::optional<double> value, int digits);
  void list(std::string_view key, const std::vector<double>& values, int digits);
  // Into the table. The first row is the title.
  void title(std::string text) { title_ = std::move(text); }
  void row(std::string_view label, std::string text) { rows_.emplace_back(label, std::move(text)); }

  std::string json() const;
  std::string table() const;

  std::string svg;  // the plot, when one was asked for

 private:
  void add(std::string_view key, std::string value);

  std::string title_;
  std::vector<std::pair<std::string, std::string>> fields_;
  std::vector<std::pair<std::string, std::string>> rows_;
};

// What every workload of operations reports, and the title, which begins with `what`.
void add_operations(Report* report, const Options& options, const Recorder& recorder, uint64_t verified);

}  // namespace conclave::app::bench
