// The line editor: libedit with a history file and completion. One thread. At most one object in a process, since
// libedit keeps its state in globals.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace conclave::app {

class Terminal {
 public:
  // `complete(before, word)`: the candidates for the word under the cursor.
  using Complete = std::function<std::vector<std::string>(std::string_view before, std::string_view word)>;

  // `history_file`: empty for none.
  Terminal(std::string history_file, Complete complete);
  ~Terminal();  // writes the history

  // nullopt at the end of input (Ctrl-D).
  std::optional<std::string> read_line(const std::string& prompt);
  // Shows a line above the prompt while the user may be typing. Safe from any thread.
  void show(const std::string& line);

 private:
  std::string history_file_;
};

}  // namespace conclave::app
