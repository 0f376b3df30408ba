// Are reads of files ever stale? Judges reads, writes and deletions of all clients as they begin and end, in one order
// of true time (CH-06, CH-56): a read shows what was there at some moment between its beginning and its end, so it may
// not show what was replaced before it began, whether it came from a cache or from the master. Generations grow with
// every change of a name, also from one node of that name to the next (CH-27), which makes the question one of
// comparing numbers. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace conclave::sim::check {

class FileOracle {
 public:
  // What was known when an operation on a file began.
  struct Begun {
    std::string path;
    uint64_t seen = 0;   // the newest generation that had been shown or made
    uint64_t floor = 0;  // older ones were replaced, or their node deleted
    uint64_t deletions = 0;
    bool surely_there = false;
    bool calm = true;  // no deletion was under way
  };
  // What is wrong, if anything.
  using Fault = std::optional<std::string>;

  Begun begin(const std::string& path);
  Begun begin_deletion(const std::string& path);

  // The file was there with this generation, by a read or a write of it. `content`: a hash of it, 0: not shown.
  Fault ended_there(const Begun& begun, uint64_t generation, uint64_t content);
  // There was no such file.
  Fault ended_absent(const Begun& begun);
  // It was deleted, or surely not. One that is not heard of again may happen at any time.
  void ended_deletion(const Begun& begun, bool done);

  uint64_t judged() const { return judged_; }

 private:
  struct File {
    uint64_t seen = 0;
    uint64_t floor = 0;
    uint64_t deletions = 0;                 // begun
    uint64_t under_way = 0;                 // of them
    bool surely_there = false;              // somebody saw it, and no deletion has begun since before that
    std::map<uint64_t, uint64_t> contents;  // by generation
  };

  std::map<std::string, File> files_;
  uint64_t judged_ = 0;
};

}  // namespace conclave::sim::check
