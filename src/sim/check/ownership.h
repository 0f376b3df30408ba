// Which operation each transaction of the log belongs to. An acknowledged write owns the transaction at the zxid it was
// told, and that must be what it asked for and was told. A write whose outcome its client never learnt owns one
// transaction or none: its unique data (create, set), or session and path (remove, check), and its window tell which.
// Nothing else may be in the log but what the cell does by itself: starts of epochs, sessions, expiry, its
// configuration. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/check/index.h"
#include "sim/check/model.h"

namespace conclave::sim::check {

class Ownership {
 public:
  Ownership(const History& history, const Model& model, const HistoryIndex& index);

  // By position in History::log; nothing for the cell's own.
  const std::vector<std::optional<size_t>>& owners() const { return owners_; }
  const Violations& violations() const { return violations_; }

 private:
  void claim_acknowledged(size_t operation);
  void claim_close(size_t operation, size_t position);
  void check_match(size_t operation, const Transaction& transaction);
  std::string mismatch(const Call& call, const Answer* answer, const Change& change, Position at,
                       SessionId session) const;
  std::string wrong_version(const Call& call, Position at) const;
  std::string wrong_path(const Call& call, const Created& created, Position at) const;
  std::string wrong_stat(const Answer* answer, std::string_view path, Position at) const;

  void claim_unknown();
  bool is_own_doing(const Transaction& transaction) const;
  std::string why_not(size_t operation, const Transaction& transaction) const;
  // A version that was asked for rules the operation out as the owner.
  bool asked_for_other_versions(size_t operation, const Transaction& transaction) const;
  void note_owner(size_t position);
  void complain_unowned(size_t position);
  void complain(std::string what);

  const History& history_;
  const Model& model_;
  const HistoryIndex& index_;
  std::vector<std::optional<size_t>> owners_;
  std::vector<std::optional<Zxid>> owned_;  // by operation
  // The latest operation of each session among the owners of the transactions looked at so far.
  std::map<SessionId, size_t> latest_;
  Violations violations_;
};

}  // namespace conclave::sim::check
