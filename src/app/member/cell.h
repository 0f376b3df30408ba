// What a change of members needs of a cell, one blocking call at a time. The real one (session.h) asks a cell; tests
// play one.
#pragma once

#include <functional>
#include <string>

#include "client/types.h"

namespace conclave::app {

class MemberCell {
 public:
  template <class T>
  using Outcome = client::Outcome<T>;

  virtual ~MemberCell() = default;
  // The newest list of members that the cell has acknowledged, as /zookeeper/config holds it.
  virtual Outcome<std::string> read() = 0;
  // Asks for the change and waits for the answer, the new list; `meanwhile` is called about once a second. Errors:
  // those of the cell; connection_loss or session_expired: it may take effect or not; operation_timeout: it was not
  // answered before the time was over, and may yet take effect.
  virtual Outcome<std::string> change(const client::MemberChange& change, const std::function<void()>& meanwhile) = 0;
  // What the leader says of a change under way; empty if it says nothing, or is not reached.
  virtual std::string progress() = 0;
  // Waits about a second. False: the time is over.
  virtual bool pause() = 0;
};

}  // namespace conclave::app
