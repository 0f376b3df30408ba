// The commands on files and directories: ls, cat, put, rm, stat, acl.
#pragma once

#include <optional>
#include <string>

#include "app/chubby/run.h"
#include "base/bytes.h"

namespace conclave::app {

struct PutOptions {
  std::string name;
  Bytes contents;
  bool directory = false;
  bool parents = false;                // makes what is missing above it
  bool fresh = false;                  // an existing node is an error
  std::optional<uint64_t> generation;  // only over contents of this one
};

struct RemoveOptions {
  std::string name;
  bool recursive = false;
  bool missing_is_good = false;
};

struct AclChange {
  std::optional<std::string> read, write, change_acl;  // nothing: as it is
};

void run_ls(Run& run, const std::string& name, bool with_stat);
void run_cat(Run& run, const std::string& name);
void run_put(Run& run, PutOptions options);
void run_rm(Run& run, const RemoveOptions& options);
void run_stat(Run& run, const std::string& name);
void run_acl_get(Run& run, const std::string& name);
void run_acl_set(Run& run, const std::string& name, AclChange change);

}  // namespace conclave::app
