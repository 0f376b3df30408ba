// Raft among peers that say anything (engine_driver.h).
#include "consensus/raft/messages.h"
#include "engine_driver.h"

namespace conclave::fuzz {
namespace {

class RaftDriver final : public Driver {
 public:
  explicit RaftDriver(Input& in) : Driver(in, EngineKind::raft) {}

 private:
  Ballot ballot(ReplicaId owner) override { return {.round = 1 + in_.number() % UINT32_MAX, .replica = owner}; }
  Message message() override { return raft::encode(body()); }
  bool refused(const Message& message) const override { return !raft::decode(message); }

  // Of a leader's log, from `prev` on, under terms that do not decrease.
  std::vector<Entry> log(Index prev, Ballot leader) {
    std::vector<Entry> out(in_.below(4));
    for (Entry& entry : out) {
      prev = prev.next();
      entry = {.index = prev, .ballot = leader, .kind = static_cast<EntryKind>(in_.below(2)), .payload = {}};
      if (entry.kind == EntryKind::transaction) entry.payload = Blob(Bytes(in_.bytes()));
    }
    return out;
  }
  uint64_t term() { return in_.flag() ? promised_.round + 1 : in_.number(); }

  raft::Body body() {
    const Ballot any = in_.flag() ? Ballot{promised_.round, peer()} : ballot(peer());
    switch (in_.below(8)) {
      case 0:
        return raft::RequestVote{.ballot = any,
                                 .pre = in_.flag(),
                                 .last_index = index(),
                                 .last_ballot = in_.flag() ? any : ballot(peer()),
                                 .proof = in_.flag() ? promised_ : Ballot()};
      case 1:
        return raft::Vote{.ballot = in_.flag() ? promised_ : any,
                          .pre = in_.flag(),
                          .granted = in_.flag(),
                          .term = term(),
                          .retry_after = Duration{static_cast<int64_t>(in_.number())}};
      case 2: {
        raft::Append append{.ballot = any, .prev_index = index(), .committed = index(), .stamp = stamp()};
        append.prev_ballot = append.prev_index == Index() ? Ballot() : in_.flag() ? any : ballot(peer());
        append.entries = log(append.prev_index, any);
        append.last = append.prev_index + append.entries.size() + in_.below(4);
        return append;
      }
      case 3:
        return raft::Appended{.ballot = promised_, .received = index(), .durable = index(), .stamp = stamp()};
      case 4:
        return raft::Conflict{
            .ballot = promised_, .prev_index = index(), .hint_index = index(), .hint_term = term(), .stamp = stamp()};
      case 5:
        return raft::HigherTerm{.term = term()};
      case 6:
        return raft::Committed{.ballot = any, .committed = index()};
      default:
        return raft::TimeoutNow{.ballot = any};
    }
  }

  std::optional<Message> answer_to(const Message& asked) override {
    const auto question = raft::decode(asked);
    if (const auto* request = std::get_if<raft::RequestVote>(&*question)) {
      const uint64_t term = request->ballot.round - (request->pre ? 1 : 0);
      return raft::encode(raft::Vote{.ballot = request->ballot, .pre = request->pre, .granted = true, .term = term});
    }
    const auto* append = std::get_if<raft::Append>(&*question);
    if (!append) return std::nullopt;
    const Index upto = append->prev_index + append->entries.size();
    if (in_.below(4) != 0) {
      return raft::encode(
          raft::Appended{.ballot = append->ballot, .received = upto, .durable = upto, .stamp = append->stamp});
    }
    if (append->prev_index == Index()) return std::nullopt;
    return raft::encode(raft::Conflict{.ballot = append->ballot,
                                       .prev_index = append->prev_index,
                                       .hint_index = Index(in_.below(append->prev_index.value % 256 + 1)),
                                       .hint_term = in_.number() % (append->ballot.round + 1),
                                       .stamp = append->stamp});
  }
};

}  // namespace
}  // namespace conclave::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  conclave::fuzz::Input in(data, size);
  conclave::fuzz::RaftDriver(in).run();
  return 0;
}
