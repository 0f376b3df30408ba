// A comparison of engines as tables for people, and as one JSON object. Pure.
#pragma once

#include <string>

#include "sim/compare/comparison.h"

namespace conclave::app::engines {

// Times in milliseconds.
std::string to_text(const sim::compare::Comparison& comparison, const sim::compare::CompareOptions& options);
// Times in microseconds, all samples instead of quantiles; ends with a newline.
std::string to_json(const sim::compare::Comparison& comparison, const sim::compare::CompareOptions& options);

}  // namespace conclave::app::engines
