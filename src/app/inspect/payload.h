// A transaction of the log in one line of words, for `conclave journal dump --payload`. Pure.
#pragma once

#include <string>

#include "state/txn/transaction.h"

namespace conclave::app {

// "zxid=0x100000002 session=0x1 create /a (12 bytes, ephemeral)"; parts of a multi are separated by semicolons.
// Passwords of sessions are not shown.
std::string transaction_text(const state::Transaction& txn);

}  // namespace conclave::app
