#include "app/chubby/text.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/base64.h"

namespace conclave::app {
namespace {

using chubby::LockInfo;
using chubby::LockMode;
using chubby::LockPlace;
using chubby::SessionInfo;
using chubby::Stat;

std::string_view kind_of(const Stat& stat) {
  if (stat.directory) return stat.ephemeral ? "ephemeral directory" : "directory";
  return stat.ephemeral ? "ephemeral file" : "file";
}

std::string_view text_of(bool value) {
  return value ? "true" : "false";
}

std::string session_text(SessionId session) {
  return hex(static_cast<uint64_t>(session.value));
}

std::string place_json(const LockPlace& place) {
  return fmt::format(R"({{"session":"{}","handle":{},"mode":"{}","lost":{}}})", session_text(place.session),
                     place.handle, place.mode == LockMode::shared ? "shared" : "exclusive", text_of(place.lost));
}

std::string places_json(const std::vector<LockPlace>& places) {
  std::vector<std::string> out;
  out.reserve(places.size());
  for (const LockPlace& place : places) out.push_back(place_json(place));
  return fmt::format("[{}]", fmt::join(out, ","));
}

std::string place_text(const LockPlace& place) {
  return fmt::format("session {} handle {} {}{}", session_text(place.session), place.handle,
                     place.mode == LockMode::shared ? "shared" : "exclusive",
                     place.lost ? ", lost: its lock-delay passes" : "");
}

// What follows a byte that begins a character: how many, 0 for none, -1 for no beginning.
int continuation_of(unsigned char byte) {
  if (byte < 0x80) return 0;
  if (byte >= 0xc2 && byte < 0xe0) return 1;
  if (byte >= 0xe0 && byte < 0xf0) return 2;
  return byte >= 0xf0 && byte < 0xf5 ? 3 : -1;
}

}  // namespace

std::string json_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

bool is_utf8(std::string_view bytes) {
  for (size_t i = 0; i < bytes.size();) {
    const auto first = static_cast<unsigned char>(bytes[i++]);
    for (int n = continuation_of(first); n != 0; --n) {
      if (n < 0 || i == bytes.size()) return false;
      const auto next = static_cast<unsigned char>(bytes[i++]);
      if ((next & 0xc0) != 0x80) return false;
      // Too long a form, a surrogate, or above the last character: told by the second byte.
      const bool second = n == continuation_of(first);
      if (second && ((first == 0xe0 && next < 0xa0) || (first == 0xed && next > 0x9f) ||
                     (first == 0xf0 && next < 0x90) || (first == 0xf4 && next > 0x8f))) {
        return false;
      }
    }
  }
  return true;
}

std::string hex(uint64_t number) {
  return fmt::format("{:#x}", number);
}

std::string utc(int64_t unix_ms) {
  using namespace std::chrono;
  const sys_time<milliseconds> moment{milliseconds(unix_ms)};
  const auto day = floor<days>(moment);
  const year_month_day date(day);
  const hh_mm_ss time(moment - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count(), time.subseconds().count());
}

std::string stat_text(std::string_view name, const Stat& stat) {
  std::string out = fmt::format(
      "name                {}\nkind                {}\nlength              {}\nchecksum            {}\n"
      "modified            {}\ninstance            {}\ncontent generation  {}\nlock generation     {}\n"
      "acl generation      {}\n",
      name, kind_of(stat), stat.length, hex(stat.checksum), utc(stat.modified_ms), hex(stat.instance),
      hex(stat.content_generation), hex(stat.lock_generation), stat.acl_generation);
  return out + acl_text(stat.acl);
}

std::string stat_json(const Stat& stat) {
  return fmt::format(R"("directory":{},"ephemeral":{},"length":{},"checksum":"{}","modified":"{}","instance":"{}",)"
                     R"("content_generation":"{}","lock_generation":"{}","acl_generation":{},"acl":{})",
                     text_of(stat.directory), text_of(stat.ephemeral), stat.length, hex(stat.checksum),
                     utc(stat.modified_ms), hex(stat.instance), hex(stat.content_generation), hex(stat.lock_generation),
                     stat.acl_generation, acl_json(stat.acl));
}

std::string contents_json(std::string_view name, const chubby::Contents& contents) {
  const bool text = is_utf8(contents.contents);
  return fmt::format("{{\"name\":{},\"{}\":{},{}}}\n", json_quoted(name), text ? "contents" : "contents_base64",
                     json_quoted(text ? contents.contents : base64_encode(contents.contents)),
                     stat_json(contents.stat));
}

std::string directory_text(const chubby::Directory& directory, bool with_stat) {
  std::string out;
  for (const auto& [name, stat] : directory) {
    if (with_stat) {
      out += fmt::format("{:<19} {:>8} {} lock {:<14} ", kind_of(stat), stat.length, utc(stat.modified_ms),
                         hex(stat.lock_generation));
    }
    out += name;
    out += stat.directory ? "/\n" : "\n";
  }
  return out;
}

std::string directory_json(const chubby::Directory& directory) {
  std::vector<std::string> out;
  for (const auto& [name, stat] : directory) {
    out.push_back(fmt::format("{{\"name\":{},{}}}", json_quoted(name), stat_json(stat)));
  }
  return fmt::format("[{}]\n", fmt::join(out, ",\n "));
}

std::string acl_text(const std::optional<chubby::AclNames>& acl) {
  if (!acl) return "acl                 not given by names (see getAcl of conclave shell)\n";
  return fmt::format("read                {}\nwrite               {}\nchange acl          {}\n", acl->read, acl->write,
                     acl->change_acl);
}

std::string acl_json(const std::optional<chubby::AclNames>& acl) {
  if (!acl) return "null";
  return fmt::format(R"({{"read":{},"write":{},"change_acl":{}}})", json_quoted(acl->read), json_quoted(acl->write),
                     json_quoted(acl->change_acl));
}

std::string event_text(std::string_view event, std::string_view child, int64_t unix_ms) {
  return fmt::format("{} {}{}{}\n", utc(unix_ms), event, child.empty() ? "" : " ", child);
}

std::string event_json(std::string_view event, std::string_view child, int64_t unix_ms) {
  const std::string more = child.empty() ? "" : fmt::format(",\"child\":{}", json_quoted(child));
  return fmt::format("{{\"time\":\"{}\",\"event\":{}{}}}\n", utc(unix_ms), json_quoted(event), more);
}

std::string locks_text(const std::vector<LockInfo>& locks, const std::vector<WaitCycle>& cycles) {
  std::string out;
  for (const LockInfo& lock : locks) {
    out += fmt::format("{} generation {}\n", lock.path, hex(lock.generation));
    for (const LockPlace& place : lock.holders) out += fmt::format("  held by      {}\n", place_text(place));
    for (const LockPlace& place : lock.waiters) out += fmt::format("  waited for   {}\n", place_text(place));
  }
  for (const WaitCycle& cycle : cycles) {
    out += fmt::format("DEADLOCK of {} session{}\n", cycle.size(), cycle.size() == 1 ? "" : "s");
    for (const Wait& wait : cycle) {
      out += fmt::format("  {} waits for {} behind {}\n", session_text(wait.waiter), wait.path,
                         session_text(wait.blocker));
    }
  }
  return out;
}

std::string locks_json(const std::vector<LockInfo>& locks, const std::vector<WaitCycle>& cycles) {
  std::vector<std::string> lock_texts, cycle_texts;
  for (const LockInfo& lock : locks) {
    lock_texts.push_back(fmt::format(R"({{"path":{},"generation":"{}","holders":{},"waiters":{}}})",
                                     json_quoted(lock.path), hex(lock.generation), places_json(lock.holders),
                                     places_json(lock.waiters)));
  }
  for (const WaitCycle& cycle : cycles) {
    std::vector<std::string> waits;
    for (const Wait& wait : cycle) {
      waits.push_back(fmt::format(R"({{"session":"{}","waits_for":{},"behind":"{}"}})", session_text(wait.waiter),
                                  json_quoted(wait.path), session_text(wait.blocker)));
    }
    cycle_texts.push_back(fmt::format("[{}]", fmt::join(waits, ",")));
  }
  return fmt::format("{{\"locks\":[{}],\n \"deadlocks\":[{}]}}\n", fmt::join(lock_texts, ",\n  "),
                     fmt::join(cycle_texts, ",\n  "));
}

std::string sessions_text(const std::vector<SessionInfo>& sessions) {
  std::string out = fmt::format("{:<19} {:<22} {:>8} {:>8} {}\n", "SESSION", "CLIENT", "HANDLES", "CACHED", "NOTICES");
  for (const SessionInfo& session : sessions) {
    out += fmt::format("{:<19} {:<22} {:>8} {:>8} {}\n", session_text(session.id),
                       session.client.empty() ? "not connected" : session.client, session.handles, session.cached,
                       session.acknowledged ? "-" : "on their way");
  }
  return out;
}

std::string sessions_json(const std::vector<SessionInfo>& sessions) {
  std::vector<std::string> out;
  out.reserve(sessions.size());
  for (const SessionInfo& session : sessions) {
    out.push_back(fmt::format(R"({{"session":"{}","client":{},"handles":{},"cached":{},"acknowledged":{}}})",
                              session_text(session.id), session.client.empty() ? "null" : json_quoted(session.client),
                              session.handles, session.cached, text_of(session.acknowledged)));
  }
  return fmt::format("[{}]\n", fmt::join(out, ",\n "));
}

}  // namespace conclave::app
