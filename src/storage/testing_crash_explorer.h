// Crash states, enumerated (ALICE, OSDI'14). A scripted run is stopped before each of its storage calls and at its end;
// every disk that a power cut at this point may leave (testing_disk.h), with sectors of 512 bytes and of 4 KiB, is
// built, recovered and judged. The recovery is a run of its own and is cut at each of its calls too, one level deep:
// after a mere kill (the page cache is intact) at every point, after a power cut for a sample of the states.
//
// Where the parts in doubt have few combinations, all are taken; otherwise a systematic cover: all old, all new, each
// part alone in each alternative and all but it, each prefix, each suffix, each pair new and each pair old. States that
// were seen with the same obligations are not judged again. Deterministic; one thread. Tests only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "storage/testing_disk.h"
#include "storage/testing_files.h"

namespace conclave::storage::testing {

// The files of a run: in memory, seen through a decorator that tells lies about them, or not.
struct CrashFiles {
  std::shared_ptr<MemoryFiles> memory;
  std::unique_ptr<env::Files> liar;  // may be null

  env::Files& seen() const { return liar ? *liar : *memory; }
};

// A scripted run and what must hold whenever it is cut.
class CrashSubject {
 public:
  virtual ~CrashSubject() = default;

  // The whole script. It may end early when the storage refuses something.
  virtual void run(const CrashFiles& files) = 0;
  // Changes whenever the run acknowledges something or gives something up, so that the same disk must be judged anew.
  virtual uint64_t obligations() const = 0;
  // Recovers the disk for good, uses it, and says what is wrong with it.
  virtual std::optional<std::string> judge(const std::shared_ptr<MemoryFiles>& files) = 0;
  // Only recovers. From a success until recovery_over(), judge() also holds the disk to what was recovered.
  virtual void recover(const CrashFiles& files) = 0;
  virtual void recovery_over() = 0;
};

// Instrumented and unoptimized builds look for other mistakes and run ten times as long: they judge a sample.
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
inline constexpr uint64_t kJudgedOneIn = 1;
#else
inline constexpr uint64_t kJudgedOneIn = 16;
#endif

struct CrashBounds {
  size_t combinations_max = 1024;            // per point and size of sectors: all, if there are no more
  size_t combinations_max_in_recovery = 32;  // likewise, while the recovery is cut
  uint64_t judged_one_in = kJudgedOneIn;     // of the different states
  uint64_t recovery_cut_one_in = 16;         // of the states judged; 0: no recovery is cut at all
  size_t violations_max = 1;                 // gives up then
};

struct CrashReport {
  uint64_t points = 0;      // calls of the script
  uint64_t judged = 0;      // states judged, again where the obligations were others
  uint64_t distinct = 0;    // different disks among them
  uint64_t recoveries = 0;  // recoveries that were cut
  std::vector<std::string> violations;
};

// As properties of the running test.
void record(const CrashReport& report);

using MakeLiar = std::function<std::unique_ptr<env::Files>(MemoryFiles&)>;

// `group`: under which name the distinct states count in the summary at the end of the test program; empty: under none.
CrashReport explore_crashes(CrashSubject& subject, const std::string& group, const CrashBounds& bounds = {},
                            const MakeLiar& make_liar = {});

// Calls `visit` with the choices to try: all of them if there are at most `combinations_max`, otherwise the cover.
void for_each_choice(const CrashChoices& choices, size_t combinations_max,
                     const std::function<void(const CrashChoice&)>& visit);

}  // namespace conclave::storage::testing
