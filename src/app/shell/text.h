// What the shell prints, and access control lists as text. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "client/types.h"

namespace conclave::app {

// The fields of a stat, one a line, under ZooKeeper's names.
std::string stat_text(const client::Stat& stat);

// "scheme:id:permissions", separated by commas; permissions are letters of "cdrwa", an id may hold colons.
Result<client::Acl> parse_acl(std::string_view text);
// One entry a line, in the same form.
std::string acl_text(const client::Acl& acl);

// For a person's eyes: bytes that a terminal would not show as they are become \xHH. Text in UTF-8 stays.
std::string printable(std::string_view data);

// What an error means for the operation on this node, in words.
std::string error_text(client::ErrorCode code, std::string_view path);

std::string event_text(const client::WatchEvent& event);

}  // namespace conclave::app
