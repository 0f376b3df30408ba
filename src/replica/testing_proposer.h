// Test only: a proposer over a real state, with an engine that does what the test says.
#pragma once

#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

#include "replica/proposer.h"
#include "replica/testing_cell.h"

namespace conclave::replica {

using state::Code;
using wire::peer::Answers;
using wire::peer::Forward;
using wire::peer::ForwardKind;

inline const ReplicaId kSelf(1), kPeer(2);
inline constexpr uint64_t kPeerIncarnation = 50;

inline Options test_options() {
  Options options{.cell = CellId(1)};
  options.consensus.self = kSelf;
  options.consensus.members = {{kSelf, true}, {kPeer, true}, {ReplicaId(3), true}};
  options.consensus.slots_in_flight_max = 4;
  options.transactions_in_flight_max = 4;
  options.evaluator.epoch_counter_high = 1000;
  return options;
}

// A proposer over a real state, with an engine that does what the test says.
class ProposerTest : public testing::Test, public ProposerPorts {
 protected:
  void propose(consensus::Propose proposal) override {
    if (engine_refuses || proposal.payloads.size() > options.consensus.slots_in_flight_max)
      return proposer.on_refused();
    for (const Blob& payload : proposal.payloads) log.push_back(payload);
    ++proposals;
  }
  void ask_read_barrier(uint64_t token) override {
    barriers.push_back(token);
    if (lease_valid) proposer.on_read_granted(token, Index(9));
  }
  bool admit(const state::Transaction& txn, uint64_t ticket) override {
    if (!gate || gate(txn)) return true;
    tickets.push_back(ticket);
    return false;
  }
  std::expected<bool, Code> reconfigured(const state::ReconfigRequest&, const state::RequestTag&,
                                         uint64_t ticket) override {
    tickets.push_back(ticket);
    return reconfiguration;
  }
  std::string member_config() const override { return config; }
  void take_next_ballot() override { ++ballots_asked; }
  void answer(ReplicaId origin, Answers batch) override {
    for (auto& item : batch.items) answers.emplace_back(origin, std::move(item));
  }

  // Applies everything proposed so far.
  void apply_all() {
    for (; applied < log.size(); ++applied) {
      const auto txn = state::decode_transaction(log[applied].view());
      ASSERT_TRUE(txn);
      const state::Applied result = service.apply(*txn);
      EXPECT_FALSE(result.skipped);
      results.push_back(result);
      proposer.on_applied(result, log[applied].size(), now, 0);
    }
  }
  void settle() {
    for (int i = 0; i < 10; ++i) {
      proposer.flush();
      apply_all();
    }
  }
  void begin(uint32_t epoch = 2) { proposer.begin(Epoch(epoch), secret, now, 1000); }
  Forward from_peer(uint64_t first_sequence, std::vector<state::Request> requests, uint32_t epoch = 2) {
    Forward forward{Epoch(epoch), kPeerIncarnation, first_sequence, 1, {}};
    for (uint64_t number = first_sequence + 1000; const state::Request& request : requests) {
      Bytes body;
      encode(request, &body);
      forward.items.push_back({ForwardKind::request, number++, Blob(std::move(body))});
    }
    return forward;
  }
  Code code(size_t i) { return state::decode_outcome(answers[i].second.outcome)->code; }

  const Options options = test_options();
  std::string config;                                // of the members in force
  std::expected<bool, Code> reconfiguration = true;  // what is said of every one
  Bytes secret = Bytes(state::kCellSecretBytes, 's');
  Instant now{1'000'000};
  state::Service service;
  Proposer proposer{service, options, *this};
  std::vector<Blob> log;
  size_t applied = 0;
  std::vector<state::Applied> results;
  std::vector<uint64_t> barriers;
  std::function<bool(const state::Transaction&)> gate;  // empty: open
  std::vector<uint64_t> tickets;                        // of what it did not let pass
  std::vector<std::pair<ReplicaId, Answers::Item>> answers;
  int proposals = 0;
  int ballots_asked = 0;
  bool engine_refuses = false;
  bool lease_valid = true;
};

}  // namespace conclave::replica
