#include "sim/world/disk_faults.h"

#include <utility>

#include "base/assert.h"

namespace conclave::sim {
namespace {

constexpr DiskOperations kMayLie = {DiskOperation::write, DiskOperation::sync, DiskOperation::sync_directory};
constexpr DiskOperations kTransfers = {DiskOperation::read, DiskOperation::write};

bool concerns(const DiskFault& rule, const DiskCall& call) {
  if (!rule.on.contains(call.operation) || !call.name.starts_with(rule.prefix)) return false;
  if (DiskOperations{call.operation}.within(kTransfers)) {
    return call.offset < rule.to && rule.from < call.offset + call.size;
  }
  return true;
}

}  // namespace

std::string_view to_string(DiskOperation operation) {
  switch (operation) {
    case DiskOperation::open:
      return "open";
    case DiskOperation::create:
      return "create";
    case DiskOperation::read:
      return "read";
    case DiskOperation::write:
      return "write";
    case DiskOperation::resize:
      return "resize";
    case DiskOperation::sync:
      return "sync";
    case DiskOperation::rename:
      return "rename";
    case DiskOperation::remove:
      return "remove";
    case DiskOperation::make_directory:
      return "make directory";
    case DiskOperation::list:
      return "list";
    case DiskOperation::sync_directory:
      return "sync directory";
  }
  std::unreachable();
}

std::string_view to_string(DiskEffect effect) {
  switch (effect) {
    case DiskEffect::io_error:
      return "disk io error";
    case DiskEffect::no_space:
      return "disk out of space";
    case DiskEffect::lie:
      return "disk lie";
    case DiskEffect::misdirect:
      return "disk misdirected";
    case DiskEffect::stall:
      return "disk stall";
    case DiskEffect::kill:
      return "killed in disk call";
    case DiskEffect::power_cut:
      return "power cut in disk call";
  }
  std::unreachable();
}

DiskFaultId DiskFaultPlan::add(DiskFault fault) {
  CONCLAVE_ASSERT(!fault.on.empty());
  CONCLAVE_ASSERT((fault.nth > 0) != (fault.per_million > 0));
  CONCLAVE_ASSERT(fault.effect != DiskEffect::lie || fault.on.within(kMayLie));
  CONCLAVE_ASSERT(fault.effect != DiskEffect::misdirect || fault.on.within(kTransfers));
  rules_.emplace(++last_id_, std::move(fault));
  return last_id_;
}

DiskFaultPlan::Verdict DiskFaultPlan::judge_by_rules(const DiskCall& call) {
  Verdict verdict;
  for (auto it = rules_.begin(); it != rules_.end();) {
    DiskFault& rule = it->second;
    // Every rule counts every call that concerns it, whatever the others do: "the third write" is the third write.
    const bool struck = concerns(rule, call) && strikes(rule);
    if (struck && rule.effect == DiskEffect::stall) {
      verdict.stall = verdict.stall + rule.time;
    } else if (struck && !verdict.effect) {
      verdict.effect = rule.effect;
    }
    const bool spent = struck && rule.per_million == 0;
    it = spent ? rules_.erase(it) : std::next(it);
  }
  return verdict;
}

bool DiskFaultPlan::strikes(DiskFault& rule) {
  if (rule.per_million > 0) return random_.chance(rule.per_million, 1'000'000);
  return --rule.nth == 0;
}

}  // namespace conclave::sim
