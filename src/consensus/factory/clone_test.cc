// A copy of an engine behaves like the original for ever, and folds like it (consensus/api/engine.h).
#include <gtest/gtest.h>

#include "consensus/factory/testing_engines.h"

namespace conclave::consensus::harness {
namespace {

std::string text(EngineKind kind, const std::vector<Envelope>& envelopes) {
  std::string out;
  for (const Envelope& envelope : envelopes) {
    out += "\n    to " + to_string(envelope.to) + " " + describe(kind, envelope.message);
  }
  return out;
}

std::string text(const std::vector<Entry>& entries) {
  std::string out;
  for (const Entry& entry : entries) out += " [" + to_string(entry) + "]";
  return out;
}

std::string text(EngineKind kind, const Output& output) {
  std::string out = "persist " + std::to_string(output.persist.number) + text(output.persist.entries);
  if (const auto& state = output.persist.hard_state) {
    out += " promised " + to_string(state->promised) + " committed " + to_string(state->committed);
  }
  out += "\n  send" + text(kind, output.send) + "\n  when durable" + text(kind, output.send_when_durable);
  out += "\n  committed" + text(output.committed);
  for (const ReadGrant& grant : output.reads) {
    out += " granted " + std::to_string(grant.token) + "@" + to_string(grant.index);
  }
  for (uint64_t token : output.reads_refused) out += " read refused " + std::to_string(token);
  for (uint64_t cookie : output.refused) out += " refused " + std::to_string(cookie);
  for (const SnapshotNeeded& needed : output.snapshots_needed) {
    out += " snapshot to " + to_string(needed.to) + " of " + to_string(needed.at_least);
  }
  if (output.role) {
    out += " role " + std::to_string(static_cast<int>(output.role->role)) + " " + to_string(output.role->ballot) + " " +
           to_string(output.role->master) + " " + output.role->reason;
  }
  return out;
}

Bytes fold_of(const Engine& engine, Instant now) {
  Bytes out;
  StateFold fold(&out, now);
  engine.fold(fold);
  return out;
}

// Steps the original and a copy that is copied anew before every event.
class Twin final : public Engine {
 public:
  Twin(EngineKind kind, std::unique_ptr<Engine> original)
      : kind_(kind), original_(std::move(original)), copy_(original_->clone()) {}

  Output step(const Event& event) override {
    copy_ = copy_->clone();
    Output output = original_->step(event);
    EXPECT_EQ(text(kind_, copy_->step(event)), text(kind_, output));
    EXPECT_EQ(fold_of(*copy_, event.now), fold_of(*original_, event.now));
    const Instant later = event.now + Duration::millis(150);
    EXPECT_EQ(fold_of(*copy_, later), fold_of(*original_, later));
    ++steps;
    return output;
  }
  EngineStatus status(Instant now) const override { return original_->status(now); }
  std::unique_ptr<Engine> clone() const override { return original_->clone(); }
  void fold(StateFold& fold) const override { original_->fold(fold); }

  static inline size_t steps = 0;

 private:
  const EngineKind kind_;
  std::unique_ptr<Engine> original_;
  std::unique_ptr<Engine> copy_;
};

void pair_up(EngineKind kind, Replica& replica) {
  if (replica.engine) replica.engine = std::make_unique<Twin>(kind, std::move(replica.engine));
}

void run(EngineKind kind, const Kind& engine, uint64_t seed) {
  Options options{.kind = engine, .seed = seed};
  options.faults = {.drop_permille = 30, .duplicate_permille = 50, .delay_max_us = 20'000, .disk_max_us = 20'000};
  options.config.leases = seed % 2 == 0;
  options.config.learning = static_cast<Learning>(seed % 3);
  options.config.message_bytes_max = 16;
  options.snapshot_every = seed % 4 == 0 ? 10 : 0;
  Cell cell(options);
  for (unsigned id = 1; id <= 3; ++id) pair_up(kind, cell[id]);
  for (unsigned i = 0; i < 120 && !testing::Test::HasFailure(); ++i) {
    cell.run(Duration::micros(static_cast<int64_t>(cell.random().below(40'000))));
    const auto id = static_cast<unsigned>(cell.random().between(1, 3));
    if (i % 20 == 7) cell.crash(id);
    for (unsigned down = 1; i % 20 == 15 && down <= 3; ++down) {
      if (cell[down].engine) continue;
      cell.restart(down);
      pair_up(kind, cell[down]);
    }
    if (i % 30 == 11) cell.isolate(id);
    if (i % 30 == 20) cell.heal();
    const unsigned master = cell.master();
    if (master == 0) continue;
    cell.propose(master, {"value " + std::to_string(i), "another"});
    cell.read(master);
    if (i % 25 == 9) cell.step(master, TransferLead{ReplicaId(static_cast<uint8_t>(id))});
    if (i % 25 == 19) cell.step(master, PeerHint{ReplicaId(static_cast<uint8_t>(id)), i % 2 == 0});
  }
}

class Clone : public EveryEngine {};
INSTANTIATE_TEST_SUITE_P(Engines, Clone, kEngines, name_of_engine);

TEST_P(Clone, BehavesLikeTheOriginalForEver) {
  Twin::steps = 0;
  for (uint64_t seed = 1; seed <= 24 && !HasFailure(); ++seed) run(GetParam(), kind(), seed);
  EXPECT_GT(Twin::steps, 20'000u);
}

}  // namespace
}  // namespace conclave::consensus::harness
