// Several files that change together: each version is a directory of files that are never changed again, and one small
// file, the pointer, names the version that counts. Who follows the pointer sees a whole version or a whole other one;
// switching it is one compare-and-swap. Loop thread only.
//
//   <directory>/current        "7"
//   <directory>/7/routes, <directory>/7/limits ...
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client/chubby/recipe_file.h"

namespace conclave::chubby {

class ConfigSet {
 public:
  struct Version {
    uint64_t number = 0;  // 0: nothing was published yet
    std::map<std::string, Bytes> files;
  };

  // `changed`: another version counts; read() it.
  ConfigSet(LockService& service, const std::string& directory, std::function<void()> changed = nullptr);

  // All of the version that counts.
  void read(Completion<Version> done);
  // Makes this the version that counts, if `expected` still does, and removes that one; tells its number. Fails with
  // generation_mismatch if somebody else was faster: read() again, and decide.
  void publish(uint64_t expected, std::map<std::string, Bytes> files, Completion<uint64_t> done);

 private:
  struct Reading;
  struct Publishing;
  using Finished = std::move_only_function<void(const Outcome<void>&)>;

  void with_pointer(std::move_only_function<void(Outcome<Contents>)> use);
  void read_version(const std::shared_ptr<Reading>& reading);
  void read_files(const std::shared_ptr<Reading>& reading);
  void again(const std::shared_ptr<Reading>& reading, const CallError& why);
  void make_directory(const std::shared_ptr<Publishing>& publishing);
  void write_files(const std::shared_ptr<Publishing>& publishing);
  void swap(const std::shared_ptr<Publishing>& publishing);
  // Best effort: what is left over does no harm.
  void remove_version(uint64_t number);
  void remove_node(const std::string& path);
  std::string path_of(uint64_t number) const { return directory_.name() + "/" + std::to_string(number); }

  LockService& service_;
  RecipeFile directory_;
  RecipeFile pointer_;
};

}  // namespace conclave::chubby
