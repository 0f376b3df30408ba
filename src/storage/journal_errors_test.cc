// A disk that fails at any operation of a scripted run, and a power cut after it (B32, B36).

#include <gtest/gtest.h>
#include <tuple>

#include "storage/testing_journal_run.h"

namespace conclave::storage::testing {
namespace {

using Lost = MemoryFiles::Lost;

// An error is a clean one: reported once, nothing acknowledged after it, and a restart finds all that was before.
class JournalErrors : public ::testing::TestWithParam<std::tuple<ErrorKind, JournalScript>> {};

TEST_P(JournalErrors, AtEveryOperationAreClean) {
  const auto& [kind, script] = GetParam();
  for (uint64_t at = 1;; ++at) {
    const auto files = std::make_shared<MemoryFiles>();
    files->fail_at(at, kind);
    JournalRun run(script.script);
    run.run({.memory = files});
    if (!files->failed()) {
      EXPECT_GT(at, 10u);
      EXPECT_TRUE(run.finished());
      return;
    }
    SCOPED_TRACE(::testing::Message() << "operation " << at << ": " << files->operation(at));
    const std::vector<Error>& failures = run.journal().failures;
    if (!run.finished()) {
      EXPECT_LE(failures.size(), 1u);
      for (const Error& error : failures) EXPECT_EQ(error.kind, kind);
    }
    files->clear_faults();
    files->crash(at % 2 == 0 ? Lost::by_chance : Lost::everything_unsynced, at);
    const auto wrong = run.judge(files);
    ASSERT_FALSE(wrong) << *wrong;
  }
}
INSTANTIATE_TEST_SUITE_P(Kinds, JournalErrors,
                         ::testing::Combine(::testing::Values(ErrorKind::io, ErrorKind::no_space),
                                            ::testing::ValuesIn(kJournalScripts)),
                         [](const auto& p) {
                           return std::string(std::get<0>(p.param) == ErrorKind::io ? "Eio" : "Enospc") +
                                  std::get<1>(p.param).name;
                         });

}  // namespace
}  // namespace conclave::storage::testing
