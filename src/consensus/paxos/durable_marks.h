// Which acceptances of ours became durable with which Persisted event. A mark names its ballot: acceptances of an older
// ballot that become durable late count for nothing under a newer one (B20). Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <vector>

#include "consensus/api/ballot.h"
#include "consensus/api/state_fold.h"

namespace conclave::paxos {

struct DurableMark {
  uint64_t persist = 0;
  consensus::Ballot ballot;  // zero: entries learnt as chosen, which holds under every ballot
  Index first, last;         // accepted under `ballot`
  Index received;            // all up to here were accepted under `ballot` or committed, once this is durable
};

class DurableMarks {
 public:
  void add(DurableMark mark) { marks_.push_back(mark); }
  // `persists_ahead(n)`: how many persists after the last durable one number n is.
  void fold(consensus::StateFold& fold, const auto& persists_ahead) const {
    fold.add(marks_.size());
    for (const DurableMark& mark : marks_) {
      fold.add(persists_ahead(mark.persist), mark.ballot, mark.first, mark.last, mark.received);
    }
  }
  bool empty() const { return marks_.empty(); }
  // Is all that was accepted or learnt at `index` and below durable?
  bool all_durable(Index index) const {
    return std::ranges::none_of(marks_, [index](const DurableMark& mark) { return mark.first <= index; });
  }

  // The marks that persist number `persist` completes, oldest first.
  std::vector<DurableMark> persisted(uint64_t persist) {
    std::vector<DurableMark> done;
    while (!marks_.empty() && marks_.front().persist <= persist) {
      done.push_back(marks_.front());
      marks_.pop_front();
    }
    return done;
  }

 private:
  std::deque<DurableMark> marks_;
};

}  // namespace conclave::paxos
