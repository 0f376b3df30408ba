#include "app/shell/terminal.h"

#include <editline/readline.h>
#include <mutex>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utility>

namespace conclave::app {
namespace {

constexpr int kHistoryMax = 1'000;

// libedit's hooks are plain functions, so what they need is here.
struct Hooks {
  Terminal::Complete complete;
  std::vector<std::string> candidates;
  std::mutex mutex;
  bool prompting = false;  // guarded by mutex
  std::string prompt;      // guarded by mutex
};
Hooks& hooks() {
  static Hooks instance;
  return instance;
}

char* next_candidate(const char* /*word*/, int state) {
  static size_t position = 0;
  if (state == 0) position = 0;
  if (position >= hooks().candidates.size()) return nullptr;
  return strdup(hooks().candidates[position++].c_str());
}

char** attempt_completion(const char* word, int start, int /*end*/) {
  rl_attempted_completion_over = 1;  // never fall back to the names of local files
  const std::string_view line(rl_line_buffer);
  hooks().candidates = hooks().complete(line.substr(0, static_cast<size_t>(start)), word);
  // A directory may go on: no space after the only candidate.
  rl_completion_append_character = '\0';
  return hooks().candidates.empty() ? nullptr : rl_completion_matches(word, next_candidate);
}

}  // namespace

Terminal::Terminal(std::string history_file, Complete complete) : history_file_(std::move(history_file)) {
  hooks().complete = std::move(complete);
  rl_readline_name = const_cast<char*>("conclave");
  rl_initialize();
  using_history();
  stifle_history(kHistoryMax);
  if (!history_file_.empty()) read_history(history_file_.c_str());
  rl_attempted_completion_function = attempt_completion;
  rl_basic_word_break_characters = const_cast<char*>(" \t");
}

Terminal::~Terminal() {
  if (!history_file_.empty()) write_history(history_file_.c_str());
}

std::optional<std::string> Terminal::read_line(const std::string& prompt) {
  {
    const std::lock_guard lock(hooks().mutex);
    hooks().prompting = true;
    hooks().prompt = prompt;
  }
  char* raw = readline(prompt.c_str());
  {
    const std::lock_guard lock(hooks().mutex);
    hooks().prompting = false;
  }
  if (raw == nullptr) return std::nullopt;
  std::string line(raw);
  free(raw);
  if (line.find_first_not_of(" \t") != std::string::npos) add_history(line.c_str());
  return line;
}

// Whatever was typed stays in the editor's buffer and is drawn again at the next key.
void Terminal::show(const std::string& line) {
  const std::lock_guard lock(hooks().mutex);
  if (hooks().prompting) {
    fprintf(stdout, "\r\033[K%s\n%s", line.c_str(), hooks().prompt.c_str());
  } else {
    fprintf(stdout, "%s\n", line.c_str());
  }
  fflush(stdout);
}

}  // namespace conclave::app
