// What the commands of the shell need of a session, one blocking call at a time. The real one (session_access.h) asks a
// cell; tests use a tree in memory.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/types.h"

namespace conclave::app {

class Access {
 public:
  template <class T>
  using Outcome = client::Outcome<T>;

  virtual ~Access() = default;
  // `watch`: events come to whoever shows them to the user.
  virtual Outcome<client::Created> create(std::string_view path, std::string_view data,
                                          const client::CreateOptions& options) = 0;
  virtual Outcome<void> remove(std::string_view path, int32_t version) = 0;
  virtual Outcome<client::Stat> exists(std::string_view path, bool watch) = 0;
  virtual Outcome<client::NodeData> get(std::string_view path, bool watch) = 0;
  virtual Outcome<client::Children> children(std::string_view path, bool watch) = 0;
  virtual Outcome<client::Stat> set(std::string_view path, std::string_view data, int32_t version) = 0;
  virtual Outcome<client::NodeAcl> get_acl(std::string_view path) = 0;
  virtual Outcome<client::Stat> set_acl(std::string_view path, const client::Acl& acl, int32_t version) = 0;
  virtual Outcome<void> sync(std::string_view path) = 0;
  virtual Outcome<client::NodeData> reconfig(const client::MemberChange& change) = 0;
  virtual Outcome<int32_t> count_descendants(std::string_view path) = 0;
  virtual Outcome<std::vector<std::string>> ephemerals(std::string_view prefix) = 0;
  virtual Outcome<std::vector<client::Identity>> who_am_i() = 0;
  virtual Outcome<void> add_watch(std::string_view path, client::AddWatchMode mode) = 0;
  virtual Outcome<void> remove_watches(std::string_view path) = 0;
  virtual Outcome<void> add_auth(std::string_view scheme, std::string_view credentials) = 0;
  // A few lines about the session.
  virtual std::string describe() = 0;
};

}  // namespace conclave::app
