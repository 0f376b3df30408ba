#include "gateway/call_table.h"

#include <fmt/format.h>

namespace conclave::gateway {
namespace {

Answer refusal(api::Code code, std::string message) {
  return std::unexpected(Failure{.code = code, .message = std::move(message)});
}

}  // namespace

WaiterId CallTable::call(const CallOptions& options, Start start, Done done) {
  const auto refuse = [&](api::Code code, std::string message) {
    done(refusal(code, std::move(message)));
    return WaiterId();
  };
  if ((options.kind == CallKind::read) != (options.number == 0)) {
    return refuse(api::BAD_NUMBER,
                  fmt::format("{} {} a number", options.method, options.number == 0 ? "needs" : "does not take"));
  }
  if (options.number != 0) {
    if (options.number < acknowledged_below_) {
      return refuse(api::BAD_NUMBER, fmt::format("call {} was acknowledged already", options.number));
    }
    const auto known = numbers_.find(options.number);
    if (known != numbers_.end()) {
      const Entry& entry = entries_.at(known->second);
      if (!entry.method.empty() && entry.method != options.method) {
        return refuse(api::BAD_NUMBER, fmt::format("call {} is a {}", options.number, entry.method));
      }
      if (!entry.answer) return wait(known->second, std::move(done));
      done(*entry.answer);
      return {};
    }
    if (numbers_.size() >= kept_max_) {
      return refuse(api::TOO_MANY_CALLS, fmt::format("{} answers are not acknowledged", kept_max_));
    }
  }
  if (running_ >= running_max_) {
    return refuse(api::TOO_MANY_CALLS, fmt::format("{} calls are under way", running_max_));
  }
  const EntryId id = ++last_entry_;
  entries_[id] = {.number = options.number, .method = std::string(options.method), .kind = options.kind};
  if (options.number != 0) numbers_[options.number] = id;
  ++running_;
  const WaiterId waiter = wait(id, std::move(done));
  const chubby::CallId call =
      start([this, id](Answer answer, Task undo) { finish(id, std::move(answer), std::move(undo)); });
  const auto entry = entries_.find(id);
  if (entry == entries_.end() || entry->second.answer) return {};
  entry->second.call = call;
  return waiter;
}

WaiterId CallTable::wait(EntryId id, Done done) {
  const WaiterId waiter(++last_waiter_);
  entries_.at(id).waiters[waiter] = std::move(done);
  waiters_[waiter] = id;
  return waiter;
}

void CallTable::finish(EntryId id, Answer answer, Task undo) {
  const auto at = entries_.find(id);
  if (at == entries_.end() || at->second.answer) return;  // given up
  Entry& entry = at->second;
  --running_;
  if (entry.cancelled) {
    if (undo) undo();
    undo = nullptr;
    answer = refusal(api::CANCELLED, "cancelled");
  }
  entry.answer = answer;
  entry.undo = std::move(undo);
  answer_waiters(entry, answer);
  if (entry.number < acknowledged_below_ || entry.number == 0) erase(id);
}

void CallTable::answer_waiters(Entry& entry, const Answer& answer) {
  auto waiters = std::exchange(entry.waiters, {});
  for (auto& [waiter, done] : waiters) {
    waiters_.erase(waiter);
    done(answer);
  }
}

void CallTable::erase(EntryId id) {
  const auto entry = entries_.find(id);
  if (!entry->second.answer) --running_;
  numbers_.erase(entry->second.number);
  entries_.erase(entry);
}

void CallTable::acknowledge(uint64_t below) {
  if (below <= acknowledged_below_) return;
  acknowledged_below_ = below;
  while (!numbers_.empty() && numbers_.begin()->first < below) {
    const auto [number, id] = *numbers_.begin();
    // What is under way although it is acknowledged goes when it ends.
    if (entries_.at(id).answer) {
      erase(id);
    } else {
      numbers_.erase(number);
    }
  }
}

void CallTable::abandon(WaiterId waiter) {
  const auto at = waiters_.find(waiter);
  if (at == waiters_.end()) return;
  const EntryId id = at->second;
  waiters_.erase(at);
  Entry& entry = entries_.at(id);
  entry.waiters.erase(waiter);
  if (!entry.waiters.empty() || entry.kind == CallKind::change) return;
  // The library undoes what succeeds all the same. False: the answer is on its way, and is kept as usual.
  if (cancel_call_(entry.call)) erase(id);
}

Answer CallTable::cancel(uint64_t number) {
  const Answer done = std::shared_ptr<const google::protobuf::Message>(std::make_shared<api::CancelReply>());
  if (number == 0) return refusal(api::BAD_NUMBER, "no call has the number 0");
  if (number < acknowledged_below_) return done;
  const auto known = numbers_.find(number);
  if (known == numbers_.end()) {
    // It may still be on its way here.
    if (numbers_.size() >= kept_max_) {
      return refusal(api::TOO_MANY_CALLS, fmt::format("{} answers are not acknowledged", kept_max_));
    }
    const EntryId id = ++last_entry_;
    numbers_[number] = id;
    entries_[id] = {.number = number, .kind = CallKind::undoable, .answer = refusal(api::CANCELLED, "cancelled")};
    return done;
  }
  Entry& entry = entries_.at(known->second);
  if (entry.kind != CallKind::undoable) {
    return refusal(api::BAD_NUMBER, fmt::format("a {} cannot be cancelled", entry.method));
  }
  if (entry.answer) {
    if (Task undo = std::exchange(entry.undo, nullptr)) {
      undo();
      entry.answer = refusal(api::CANCELLED, "cancelled");
    }
    return done;
  }
  entry.cancelled = true;
  if (cancel_call_(entry.call)) finish(known->second, refusal(api::CANCELLED, "cancelled"), nullptr);
  return done;
}

void CallTable::fail_all(const Failure& why) {
  auto entries = std::exchange(entries_, {});
  numbers_.clear();
  waiters_.clear();
  running_ = 0;
  for (auto& [id, entry] : entries) {
    for (auto& [waiter, done] : entry.waiters) done(std::unexpected(why));
  }
}

}  // namespace conclave::gateway
