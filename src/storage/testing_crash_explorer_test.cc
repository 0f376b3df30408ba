#include "storage/testing_crash_explorer.h"

#include <cstdio>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <map>
#include <set>

#include "base/checksum.h"

namespace conclave::storage::testing {
namespace {

// Distinct disks of the whole test program, by group. The sets are asked for membership and size only.
std::map<std::string, std::unordered_set<uint64_t>>& distinct_states() {
  static std::map<std::string, std::unordered_set<uint64_t>> states;
  return states;
}

std::string with_commas(uint64_t n) {
  std::string out = std::to_string(n);
  for (size_t at = out.size(); at > 3; at -= 3) out.insert(at - 3, ",");
  return out;
}

class Summary final : public ::testing::Environment {
 public:
  void TearDown() override {
    if (distinct_states().empty()) return;
    std::string line = "crash states:";
    for (const auto& [group, states] : distinct_states())
      line += fmt::format(" {} {}", group, with_commas(states.size()));
    std::puts(line.c_str());
  }
};
[[maybe_unused]] const auto* const kSummary = ::testing::AddGlobalTestEnvironment(new Summary);

class Explorer {
 public:
  Explorer(CrashSubject& subject, const std::string& group, const CrashBounds& bounds, const MakeLiar& make_liar)
      : subject_(subject),
        bounds_(bounds),
        make_liar_(make_liar),
        all_distinct_(group.empty() ? distinct_ : distinct_states()[group]) {}

  CrashReport run() {
    const CrashFiles files = wrap(std::make_shared<MemoryFiles>());
    const auto point = [&](const std::string& when) {
      if (enough()) return;
      power_cut(files.memory->disk(), bounds_.combinations_max, when, bounds_.recovery_cut_one_in > 0);
      if (bounds_.recovery_cut_one_in > 0) cut_recovery(files.memory->disk(), when + ", killed");
    };
    files.memory->before_operation([&] { point("before " + files.memory->operation(files.memory->operations())); });
    subject_.run(files);
    files.memory->before_operation({});
    report_.points = files.memory->operations();
    point("at the end");
    report_.distinct = distinct_.size();
    return std::move(report_);
  }

 private:
  CrashFiles wrap(std::shared_ptr<MemoryFiles> memory) const {
    CrashFiles files{.memory = std::move(memory)};
    if (make_liar_) files.liar = make_liar_(*files.memory);
    return files;
  }
  bool enough() const { return report_.violations.size() >= bounds_.violations_max; }

  // Judges every disk that a power cut may leave of `disk`.
  void power_cut(const MemoryDisk& disk, size_t combinations_max, const std::string& when, bool may_cut_recovery) {
    for (const uint64_t sector_bytes : {512, 4096}) {
      const CrashChoices choices(disk, sector_bytes);
      for_each_choice(choices, combinations_max, [&](const CrashChoice& choice) {
        if (enough()) return;
        const MemoryDisk state = choices.disk(choice);
        const uint64_t hash = state.hash();
        if (hash % bounds_.judged_one_in != 0) return;
        if (!judged_.insert(xxh3_64("obligations", hash ^ subject_.obligations() * 0x9E3779B97F4A7C15)).second) return;
        const bool is_new = distinct_.insert(hash).second;
        all_distinct_.insert(hash);
        ++report_.judged;
        const auto where = [&] { return when + ": " + choices.describe(choice); };
        if (auto wrong = subject_.judge(std::make_shared<MemoryFiles>(state.clone()))) {
          report_.violations.push_back(where() + ": " + *wrong);
          return;
        }
        if (may_cut_recovery && is_new && hash / bounds_.judged_one_in % bounds_.recovery_cut_one_in == 0)
          cut_recovery(state, where());
      });
    }
  }

  // Recovers `disk` and cuts the power before each call of the recovery and at its end.
  void cut_recovery(const MemoryDisk& disk, const std::string& when) {
    if (enough()) return;
    ++report_.recoveries;
    const CrashFiles files = wrap(std::make_shared<MemoryFiles>(disk.clone()));
    const auto point = [&](const std::string& then) {
      power_cut(files.memory->disk(), bounds_.combinations_max_in_recovery, when + "; recovery cut " + then, false);
    };
    files.memory->before_operation([&] { point("before " + files.memory->operation(files.memory->operations())); });
    subject_.recover(files);
    files.memory->before_operation({});
    point("at its end");
    subject_.recovery_over();
  }

  CrashSubject& subject_;
  const CrashBounds bounds_;
  const MakeLiar& make_liar_;
  CrashReport report_;
  std::unordered_set<uint64_t> distinct_;       // hashes of disks
  std::unordered_set<uint64_t>& all_distinct_;  // of the group
  std::unordered_set<uint64_t> judged_;         // hashes of disks and obligations
};

}  // namespace

void record(const CrashReport& report) {
  const auto property = [](const char* name, uint64_t value) {
    ::testing::Test::RecordProperty(name, std::to_string(value));
  };
  property("crash_points", report.points);
  property("states_judged", report.judged);
  property("distinct_states", report.distinct);
  property("recoveries_cut", report.recoveries);
}

CrashReport explore_crashes(CrashSubject& subject, const std::string& group, const CrashBounds& bounds,
                            const MakeLiar& make_liar) {
  return Explorer(subject, group, bounds, make_liar).run();
}

void for_each_choice(const CrashChoices& choices, size_t combinations_max,
                     const std::function<void(const CrashChoice&)>& visit) {
  const size_t parts = choices.parts();
  size_t combinations = 1;
  for (size_t i = 0; i < parts && combinations <= combinations_max; ++i) combinations *= choices.alternatives(i);
  const CrashChoice all_old = choices.all_old(), all_new = choices.all_new();
  if (combinations <= combinations_max) {
    CrashChoice choice = all_old;
    for (size_t part = 0; part < parts;) {
      visit(choice);
      for (part = 0; part < parts && ++choice[part] == choices.alternatives(part); ++part) choice[part] = 0;
    }
    return;
  }
  visit(all_old);
  visit(all_new);
  CrashChoice prefix = all_old, suffix = all_new;
  for (size_t i = 0; i < parts; ++i) {
    for (size_t alternative = 0; alternative < choices.alternatives(i); ++alternative) {
      for (CrashChoice others : {all_old, all_new}) {
        others[i] = alternative;
        visit(others);
      }
    }
    prefix[i] = all_new[i];
    visit(prefix);
    suffix[i] = 0;
    visit(suffix);
    for (size_t j = i + 1; j < parts; ++j) {
      CrashChoice two_new = all_old, two_old = all_new;
      two_new[i] = all_new[i];
      two_new[j] = all_new[j];
      two_old[i] = two_old[j] = 0;
      visit(two_new);
      visit(two_old);
    }
  }
}

namespace {

MemoryDisk disk_with_sectors_in_doubt(size_t sectors) {
  MemoryDisk disk;
  auto inode = std::make_shared<MemoryDisk::Inode>();
  inode->now.resize(sectors * 512);
  disk.now["a"] = disk.durable["a"] = inode;
  inode->change({.bytes = Bytes(sectors * 512, 'x')});
  return disk;
}

size_t distinct_choices(const CrashChoices& choices, size_t combinations_max) {
  std::set<CrashChoice> seen;
  for_each_choice(choices, combinations_max, [&](const CrashChoice& choice) { seen.insert(choice); });
  return seen.size();
}

TEST(CrashExplorer, TakesEveryCombinationOrTheCover) {
  const MemoryDisk ten = disk_with_sectors_in_doubt(10);
  EXPECT_EQ(distinct_choices(CrashChoices(ten, 512), 1024), 1024u);
  // Runs that begin or end at an edge: 2 and 2 * 9; single ones inside: 2 * 8; pairs: 2 * 45, of which the two at
  // either edge are such runs already.
  EXPECT_EQ(distinct_choices(CrashChoices(ten, 512), 1023), 2u + 18 + 16 + 2 * (45 - 2));
  EXPECT_EQ(distinct_choices(CrashChoices(MemoryDisk{}, 512), 1), 1u);
}

// Writes a file in two sectors and acknowledges it; a correct run syncs the file and the directory.
class TwoSectors final : public CrashSubject {
 public:
  explicit TwoSectors(bool syncs) : syncs_(syncs) {}

  void run(const CrashFiles& files) override {
    auto file = files.seen().open("a", env::Files::Open::create_new).value();
    ASSERT_TRUE(file->write_at(0, Bytes(1024, 'x')));
    if (syncs_) {
      ASSERT_TRUE(file->sync());
    }
    ASSERT_TRUE(files.seen().sync_directory(""));
    acknowledged_ = true;
  }
  uint64_t obligations() const override { return acknowledged_ ? 1 : 0; }
  std::optional<std::string> judge(const std::shared_ptr<MemoryFiles>& files) override {
    const bool whole = files->exists("a").value() && files->content("a") == Bytes(1024, 'x');
    if (acknowledged_ && !whole) return "lost";
    return std::nullopt;
  }
  void recover(const CrashFiles&) override {}
  void recovery_over() override {}

 private:
  const bool syncs_;
  bool acknowledged_ = false;
};

TEST(CrashExplorer, FindsAMissingSync) {
  TwoSectors good(true), bad(false);
  const CrashReport right = explore_crashes(good, "", {.judged_one_in = 1});
  EXPECT_TRUE(right.violations.empty());
  EXPECT_EQ(right.points, 4u);
  EXPECT_EQ(right.distinct, 1u + 1 + 4) << "no file, an empty one, two sectors each old or new";
  const CrashReport wrong = explore_crashes(bad, "", {.judged_one_in = 1});
  ASSERT_EQ(wrong.violations.size(), 1u);
  EXPECT_EQ(wrong.violations[0],
            "at the end: sectors of 512, names 0 of 0; a: size 0; a: 2 sectors in doubt, new:: lost");
}

}  // namespace
}  // namespace conclave::storage::testing
