#include "app/chubby/waits.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <map>
#include <set>
#include <utility>

namespace conclave::app {
namespace {

using chubby::LockInfo;
using chubby::LockMode;
using chubby::LockPlace;

struct Edge {
  const std::string* path;
  SessionId blocker;
};
using Graph = std::map<SessionId, std::vector<Edge>>;

bool conflict(const LockPlace& a, const LockPlace& b) {
  return a.mode == LockMode::exclusive || b.mode == LockMode::exclusive;
}

Graph graph_of(const std::vector<LockInfo>& locks) {
  Graph graph;
  for (const LockInfo& lock : locks) {
    for (size_t i = 0; i < lock.waiters.size(); ++i) {
      const LockPlace& waiter = lock.waiters[i];
      std::vector<Edge>& edges = graph[waiter.session];
      for (const LockPlace& holder : lock.holders) {
        // A lost lock is given up when its delay is over, whatever anybody does.
        if (!holder.lost && conflict(waiter, holder)) edges.push_back({&lock.path, holder.session});
      }
      // Those before it, up to one that waits for all the rest itself. That a session waits behind itself is no harm.
      for (size_t before = i; before-- > 0;) {
        const LockPlace& earlier = lock.waiters[before];
        if (!conflict(waiter, earlier)) continue;
        if (earlier.session != waiter.session) edges.push_back({&lock.path, earlier.session});
        if (earlier.mode == LockMode::exclusive) break;
      }
    }
  }
  return graph;
}

std::map<SessionId, std::vector<SessionId>> reversed(const Graph& graph) {
  std::map<SessionId, std::vector<SessionId>> out;
  for (const auto& [waiter, edges] : graph) {
    for (const Edge& edge : edges) out[edge.blocker].push_back(waiter);
  }
  return out;
}

// Drops sessions that wait for nobody who waits: no cycle can be reached from them.
void prune(Graph* graph) {
  const auto waiting_for = reversed(*graph);
  std::map<SessionId, size_t> open;
  std::vector<SessionId> done;
  for (const auto& [waiter, edges] : *graph) open[waiter] = edges.size();
  for (const auto& [session, waiters] : waiting_for) {
    if (!graph->contains(session) || graph->at(session).empty()) done.push_back(session);
  }
  while (!done.empty()) {
    const SessionId session = done.back();
    done.pop_back();
    graph->erase(session);
    const auto waiters = waiting_for.find(session);
    if (waiters == waiting_for.end()) continue;
    for (const SessionId waiter : waiters->second) {
      if (--open.at(waiter) == 0) done.push_back(waiter);
    }
  }
  for (auto& [waiter, edges] : *graph) {
    std::erase_if(edges, [&](const Edge& edge) { return !graph->contains(edge.blocker); });
  }
  std::erase_if(*graph, [](const auto& entry) { return entry.second.empty(); });
}

template <class Neighbours>
std::set<SessionId> reachable(SessionId start, const Neighbours& neighbours) {
  std::set<SessionId> seen = {start};
  std::vector<SessionId> rest = {start};
  while (!rest.empty()) {
    const SessionId at = rest.back();
    rest.pop_back();
    neighbours(at, [&](SessionId next) {
      if (seen.insert(next).second) rest.push_back(next);
    });
  }
  return seen;
}

// One of the shortest cycles through `start`; empty: there is none.
WaitCycle shortest_through(SessionId start, const Graph& graph) {
  std::map<SessionId, Wait> reached_by;
  std::deque<SessionId> queue = {start};
  while (!queue.empty() && !reached_by.contains(start)) {
    const SessionId at = queue.front();
    queue.pop_front();
    for (const Edge& edge : graph.at(at)) {
      const bool fresh = reached_by.emplace(edge.blocker, Wait{at, *edge.path, edge.blocker}).second;
      if (fresh && edge.blocker != start) queue.push_back(edge.blocker);
    }
  }
  WaitCycle cycle;
  if (!reached_by.contains(start)) return cycle;
  for (SessionId at = start; cycle.empty() || at != start; at = cycle.back().waiter) cycle.push_back(reached_by.at(at));
  std::ranges::reverse(cycle);
  const auto smallest = std::ranges::min_element(cycle, {}, &Wait::waiter);
  std::ranges::rotate(cycle, smallest);
  return cycle;
}

}  // namespace

std::vector<WaitCycle> waiting_cycles(const std::vector<LockInfo>& locks) {
  Graph graph = graph_of(locks);
  prune(&graph);
  std::vector<WaitCycle> cycles;
  const auto waiting_for = reversed(graph);
  std::set<SessionId> told;  // in a group that has been seen
  for (const auto& [session, edges] : graph) {
    if (told.contains(session)) continue;
    WaitCycle cycle = shortest_through(session, graph);
    if (cycle.empty()) continue;
    cycles.push_back(std::move(cycle));
    // The group: who waits for this one, and is waited for by it.
    const std::set<SessionId> before = reachable(session, [&](SessionId at, auto&& go) {
      for (const Edge& edge : graph.at(at)) go(edge.blocker);
    });
    const std::set<SessionId> behind = reachable(session, [&](SessionId at, auto&& go) {
      const auto waiters = waiting_for.find(at);
      if (waiters == waiting_for.end()) return;
      for (const SessionId waiter : waiters->second) go(waiter);
    });
    std::ranges::set_intersection(before, behind, std::inserter(told, told.end()));
  }
  return cycles;
}

}  // namespace conclave::app
