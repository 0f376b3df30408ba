#include "sim/scenario/interpreter.h"

#include <algorithm>
#include <fmt/format.h>
#include <span>
#include <utility>

#include "sim/scenario/cell_stage.h"
#include "sim/scenario/engine_stage.h"

namespace conclave::sim::scenario {
namespace {

std::unexpected<Error> at_line(size_t number, const Error& error) {
  return fail(error.kind, fmt::format("line {}: {}", number, error.message));
}

class Interpreter {
 public:
  explicit Interpreter(Variant variant) : variant_(variant) {}

  Result<> perform(std::span<const Line> lines, Output& out) {
    for (size_t i = 0; i < lines.size(); ++i) {
      if (lines[i].text.starts_with('#')) continue;
      Command command(lines[i].text);
      if (!command.take("for")) {
        if (auto done = perform_one(command, out); !done) return at_line(lines[i].number, done.error());
        continue;
      }
      const size_t begin = i + 1;
      while (i < lines.size() && lines[i].text != "end") ++i;
      if (i == lines.size()) return at_line(lines[begin - 1].number, Error{.message = "for without end"});
      if (auto done = repeat(command, lines[begin - 1].number, lines.subspan(begin, i - begin), out); !done)
        return done;
    }
    return {};
  }

  Result<> end() { return stage_ ? stage_->end() : Result<>(); }

 private:
  Result<> perform_one(Command& command, Output& out) {
    Output said;
    const bool quiet = command.take("quiet");
    if (auto done = dispatch(command, said); !done) return done;
    if (quiet)
      std::erase_if(said, [](const auto& line) { return !line.starts_with(kFound) && !line.starts_with(kNot); });
    std::ranges::move(said, std::back_inserter(out));
    return {};
  }

  Result<> dispatch(Command& command, Output& out) {
    if (command.take("engines")) return name_engines(command);
    if (command.take("cell")) return begin(CellStage::make(command, variant_.more_seed, variant_.engine, out));
    if (command.take("engine")) return begin(EngineStage::make(command, out));
    if (!stage_) return wrong("begin with \"cell\" or \"engine\"");
    if (auto done = stage_->perform(command, out); !done) return done;
    return command.finished();
  }

  // Whoever runs the script has looked at it: is_for().
  Result<> name_engines(Command& command) {
    if (stage_) return wrong("engines: before anything else");
    if (!command.has_word()) return wrong("engines: which?");
    while (command.has_word()) {
      if (auto kind = consensus::parse_engine_kind(command.word()); !kind) return std::unexpected(kind.error());
    }
    return command.finished();
  }

  template <class S>
  Result<> begin(Result<std::unique_ptr<S>> stage) {
    if (!stage) return std::unexpected(stage.error());
    if (auto ended = end(); !ended) return ended;
    stage_ = *std::move(stage);
    return {};
  }

  Result<> repeat(Command& command, size_t number, std::span<const Line> body, Output& out) {
    const std::string name = command.word();
    if (name.empty() || !command.take("in")) return at_line(number, Error{.message = "for NAME in NUMBERS"});
    const auto values = parse_numbers(command.word());
    if (!values) return at_line(number, values.error());
    if (auto finished = command.finished(); !finished) return at_line(number, finished.error());
    std::vector<std::pair<std::string, Output>> told;  // values, and what came of them
    for (const int64_t value : *values) {
      Output said;
      Interpreter inner(variant_);
      if (auto done = inner.perform(substituted(body, name, value), said); !done) return done;
      if (auto ended = inner.end(); !ended) return at_line(number, ended.error());
      const std::string text = std::to_string(value);
      if (told.empty() || told.back().second != said) {
        told.emplace_back(text, std::move(said));
      } else {
        std::string& values_text = told.back().first;
        values_text.resize(std::min(values_text.find(".."), values_text.size()));
        values_text.append("..").append(text);
      }
    }
    for (auto& [values_text, said] : told) {
      out.push_back(fmt::format("{} = {}:", name, values_text));
      for (const std::string& line : said) {
        out.push_back((line.starts_with(kFound) ? "" : "  ") + line);
      }
    }
    return {};
  }

  static std::vector<Line> substituted(std::span<const Line> body, const std::string& name, int64_t value) {
    std::vector<Line> lines(body.begin(), body.end());
    const std::string variable = "$" + name;
    for (Line& line : lines) {
      for (size_t at = line.text.find(variable); at != std::string::npos; at = line.text.find(variable, at)) {
        line.text.replace(at, variable.size(), std::to_string(value));
      }
    }
    return lines;
  }

  const Variant variant_;
  std::unique_ptr<Stage> stage_;
};

}  // namespace

Result<Script> run(const Script& script, Variant variant) {
  Script result = script;
  Interpreter interpreter(variant);
  size_t last = 0;
  for (Step& step : result.steps) {
    step.output.clear();
    if (auto done = interpreter.perform(step.commands, step.output); !done) return std::unexpected(done.error());
    if (step.output.empty()) step.output.emplace_back("ok");
    last = step.commands.back().number;
  }
  if (auto ended = interpreter.end(); !ended) return at_line(last, ended.error());
  return result;
}

bool is_for(const Script& script, consensus::EngineKind engine) {
  bool has_open_cell = false;
  for (const Step& step : script.steps) {
    for (const Line& line : step.commands) {
      Command command(line.text);
      if (command.take("engines")) {
        bool named = false;
        while (command.has_word()) named |= command.word() == to_string(engine);
        if (!named) return false;
      }
      command.take("quiet");
      has_open_cell |= command.take("cell") && !command.has("engine");
    }
  }
  return has_open_cell;
}

}  // namespace conclave::sim::scenario
