// `conclave journal dump|verify` and `conclave snapshot inspect|verify`: look, never write.
#pragma once

#include <cstdio>
#include <string>

namespace conclave::app {

// Exit codes of all four.
enum InspectExit : int {
  kClean = 0,
  kDamaged = 1,     // damage was found; every place is named
  kUnreadable = 2,  // no such file or directory, or it cannot be read
};

struct JournalInspection {
  std::string path;      // data directory, journal directory, or one segment file
  bool records = false;  // dump: every record; verify: segments, damage and the summary alone
  bool payload = false;  // dump: decode the transactions
};
int inspect_journal_command(const JournalInspection& inspection, FILE* out, FILE* errors);

struct SnapshotInspection {
  std::string path;     // a snapshot file
  bool chunks = false;  // inspect: every chunk; verify: the verdict alone
};
int inspect_snapshot_command(const SnapshotInspection& inspection, FILE* out, FILE* errors);

}  // namespace conclave::app
