// What the commands of the lock service print: for people and as JSON. Pure.
#pragma once

#include <string>
#include <string_view>

#include "app/chubby/waits.h"
#include "client/chubby/types.h"

namespace conclave::app {

// In quotes; bytes that are no UTF-8 must have been dealt with before.
std::string json_quoted(std::string_view text);
bool is_utf8(std::string_view bytes);
// "0x2500000003f"
std::string hex(uint64_t number);
// "2026-03-04T05:06:07.089Z"
std::string utc(int64_t unix_ms);

std::string stat_text(std::string_view name, const chubby::Stat& stat);
// Without the braces, so that others can be put beside it.
std::string stat_json(const chubby::Stat& stat);
std::string contents_json(std::string_view name, const chubby::Contents& contents);
std::string directory_text(const chubby::Directory& directory, bool with_stat);
std::string directory_json(const chubby::Directory& directory);
std::string acl_text(const std::optional<chubby::AclNames>& acl);
std::string acl_json(const std::optional<chubby::AclNames>& acl);
std::string event_text(std::string_view event, std::string_view child, int64_t unix_ms);
std::string event_json(std::string_view event, std::string_view child, int64_t unix_ms);
std::string locks_text(const std::vector<chubby::LockInfo>& locks, const std::vector<WaitCycle>& cycles);
std::string locks_json(const std::vector<chubby::LockInfo>& locks, const std::vector<WaitCycle>& cycles);
std::string sessions_text(const std::vector<chubby::SessionInfo>& sessions);
std::string sessions_json(const std::vector<chubby::SessionInfo>& sessions);

}  // namespace conclave::app
