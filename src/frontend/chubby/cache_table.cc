#include "frontend/chubby/cache_table.h"

#include <algorithm>

namespace conclave::frontend::chubby {

void CacheTable::cached(std::string_view path, SessionId session) {
  auto known = cachers_.find(path);
  if (known == cachers_.end()) known = cachers_.try_emplace(std::string(path)).first;
  if (known->second.insert(session).second) cached_by_[session].emplace(path);
}

size_t CacheTable::cached_by(SessionId session) const {
  const auto known = cached_by_.find(session);
  return known == cached_by_.end() ? 0 : known->second.size();
}

bool CacheTable::admit(const std::vector<std::string_view>& paths, Zxid zxid) {
  for (const std::string_view path : paths) {
    if (cachers_.contains(path)) return false;
    if (const auto round = rounds_.find(path); round != rounds_.end() && !round->second.waiting.empty()) return false;
  }
  for (const std::string_view path : paths) {
    changing_[path] = zxid;
    admitted_.emplace_back(zxid, path);
  }
  return true;
}

std::vector<CacheTable::Invalidation> CacheTable::hold(const std::vector<std::string_view>& paths, Ticket ticket) {
  std::vector<Invalidation> out;
  Held held;
  held.paths.assign(paths.begin(), paths.end());  // first: they may be views of our own, which move below
  std::ranges::sort(held.paths);
  held.paths.erase(std::ranges::unique(held.paths).begin(), held.paths.end());
  for (const std::string& path : held.paths) {
    Round& round = rounds_[path];
    round.tickets.insert(ticket);
    if (const auto cachers = cachers_.find(path); cachers != cachers_.end()) {
      for (const SessionId session : cachers->second) {
        out.push_back({session, path});
        waiting_for_[session].emplace(path);
        const auto by = cached_by_.find(session);
        by->second.erase(path);
        if (by->second.empty()) cached_by_.erase(by);
      }
      round.waiting = std::move(cachers->second);
      cachers_.erase(cachers);
    }
    if (!round.waiting.empty()) ++held.not_ready;
  }
  tickets_.emplace(ticket, std::move(held));
  return out;
}

void CacheTable::hold_until_open(Ticket ticket) {
  Held& held = tickets_.at(ticket);
  held.until_open = true;
  ++held.not_ready;
}

void CacheTable::open() {
  std::vector<Ticket> waiting;
  for (auto& [ticket, held] : tickets_) {
    if (std::exchange(held.until_open, false)) waiting.push_back(ticket);
  }
  for (const Ticket ticket : waiting) one_less(ticket);
}

void CacheTable::one_less(Ticket ticket) {
  if (--tickets_.at(ticket).not_ready == 0) ready_.push_back(ticket);
}

void CacheTable::acknowledged(SessionId session, std::string_view path) {
  const auto waiting = waiting_for_.find(session);
  if (waiting == waiting_for_.end()) return;
  const auto at = waiting->second.find(path);
  if (at == waiting->second.end()) return;
  waiting->second.erase(at);
  if (waiting->second.empty()) waiting_for_.erase(waiting);
  const auto round = rounds_.find(path);
  round->second.waiting.erase(session);
  if (!round->second.waiting.empty()) return;
  for (const Ticket ticket : round->second.tickets) one_less(ticket);
  if (round->second.tickets.empty()) rounds_.erase(round);
}

void CacheTable::session_ended(SessionId session) {
  if (const auto by = cached_by_.find(session); by != cached_by_.end()) {
    for (const std::string& path : by->second) {
      const auto cachers = cachers_.find(path);
      cachers->second.erase(session);
      if (cachers->second.empty()) cachers_.erase(cachers);
    }
    cached_by_.erase(by);
  }
  if (const auto waiting = waiting_for_.find(session); waiting != waiting_for_.end()) {
    for (const Paths paths = waiting->second; const std::string& path : paths) acknowledged(session, path);
  }
}

void CacheTable::applied(Zxid zxid) {
  if (passed_ <= zxid) passed_ = Zxid();
  while (!admitted_.empty() && admitted_.front().first <= zxid) {
    const auto changing = changing_.find(admitted_.front().second);
    if (changing != changing_.end() && changing->second <= zxid) changing_.erase(changing);
    admitted_.pop_front();
  }
}

void CacheTable::forget(Ticket ticket) {
  const auto held = tickets_.find(ticket);
  if (held == tickets_.end()) return;
  for (const std::string& path : held->second.paths) {
    const auto round = rounds_.find(path);
    round->second.tickets.erase(ticket);
    // Whoever has not answered yet will, and nobody waits for it. The name stays closed until then: an answer must not
    // be taken for one to a later round.
    if (round->second.tickets.empty() && round->second.waiting.empty()) rounds_.erase(round);
  }
  tickets_.erase(held);
}

}  // namespace conclave::frontend::chubby
