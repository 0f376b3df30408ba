#include "sim/check/register.h"

namespace conclave::sim::check {
namespace {

// What the cell has to answer.
Code answer_of(const Step& step, const Register& state) {
  if (step.action == Action::create) return state.exists ? Code::node_exists : Code::ok;
  if (!state.exists) return Code::no_node;
  const bool conditional = step.action == Action::set || step.action == Action::remove || step.action == Action::check;
  return conditional && step.asked != -1 && step.asked != state.version ? Code::bad_version : Code::ok;
}

// Codes that say the same of this node: without its parent it is not there either, and one that has children could have
// been removed but for them.
bool agrees(Code told, Code expected, Action action) {
  if (told == expected) return true;
  if (action == Action::create && expected == Code::ok) {
    return told == Code::no_node || told == Code::no_children_for_ephemerals;
  }
  return action == Action::remove && expected == Code::ok && told == Code::not_empty;
}

void change(const Step& step, Register* state) {
  if (step.action == Action::create) *state = {.exists = true, .version = 0, .data = step.written};
  if (step.action == Action::remove) *state = {};
  if (step.action != Action::set) return;
  ++state->version;
  state->data = step.written;
}

}  // namespace

bool take(const Step& step, Register* state) {
  const Code expected = answer_of(step, *state);
  if (!step.known) {
    if (expected == Code::ok) change(step, state);
    return true;
  }
  if (!agrees(step.code, expected, step.action)) return false;
  if (step.code != Code::ok) return true;
  change(step, state);
  if (step.version && step.action != Action::remove && *step.version != state->version) return false;
  return step.action != Action::get || step.read == state->data;
}

}  // namespace conclave::sim::check
