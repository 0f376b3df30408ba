// Files in memory, without crashes and without counting: as fast as a fuzzer wants them.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "env/clock.h"
#include "env/executor.h"
#include "env/files.h"

namespace conclave::fuzz {

class MemoryFiles final : public env::Files {
 public:
  // Full names ("journal/segment-...") to contents.
  std::map<std::string, std::shared_ptr<Bytes>, std::less<>> contents;

  // The content of a file, made if it is not there.
  Bytes& content(const std::string& name) {
    auto& found = contents[name];
    if (!found) found = std::make_shared<Bytes>();
    return *found;
  }
  void copy_from(const MemoryFiles& other) {
    for (const auto& [name, bytes] : other.contents) contents[name] = std::make_shared<Bytes>(*bytes);
  }

  Result<std::unique_ptr<env::File>> open(std::string_view name, Open mode) override {
    const bool there = contents.contains(name);
    if (mode == Open::create_new && there) return fail(ErrorKind::already_exists, std::string(name) + ": File exists");
    if (mode != Open::create_new && mode != Open::create_or_truncate && !there) {
      return fail(ErrorKind::not_found, std::string(name) + ": No such file or directory");
    }
    if (mode == Open::create_new || mode == Open::create_or_truncate) {
      contents[std::string(name)] = std::make_shared<Bytes>();
    }
    return std::make_unique<MemoryFile>(contents.find(name)->second);
  }
  Result<std::vector<std::string>> list(std::string_view directory) override {
    std::vector<std::string> out;
    const std::string prefix = std::string(directory) + "/";
    for (const auto& [name, content] : contents) {
      if (name.starts_with(prefix)) out.push_back(name.substr(prefix.size()));
    }
    return out;
  }
  Result<bool> exists(std::string_view name) override { return contents.contains(name); }
  Result<> make_directory(std::string_view) override { return {}; }
  Result<> rename(std::string_view from, std::string_view to) override {
    auto moved = contents.extract(std::string(from));
    if (moved.empty()) return fail(ErrorKind::not_found, std::string(from) + ": No such file or directory");
    contents[std::string(to)] = std::move(moved.mapped());
    return {};
  }
  Result<> remove(std::string_view name) override {
    contents.erase(std::string(name));
    return {};
  }
  Result<> sync_directory(std::string_view) override { return {}; }
  Result<> lock() override { return {}; }
  Result<uint64_t> free_bytes() override { return uint64_t{1} << 40; }

 private:
  class MemoryFile final : public env::File {
   public:
    explicit MemoryFile(std::shared_ptr<Bytes> content) : content_(std::move(content)) {}
    Result<> write_at(uint64_t offset, BytesView bytes) override {
      if (content_->size() < offset + bytes.size()) content_->resize(static_cast<size_t>(offset) + bytes.size());
      std::ranges::copy(bytes, content_->begin() + static_cast<std::ptrdiff_t>(offset));
      return {};
    }
    Result<Bytes> read_at(uint64_t offset, size_t size) override {
      if (offset >= content_->size()) return Bytes();
      return content_->substr(static_cast<size_t>(offset), size);
    }
    Result<> sync() override { return {}; }
    Result<uint64_t> size() override { return content_->size(); }
    Result<> resize(uint64_t size) override {
      content_->resize(static_cast<size_t>(size));
      return {};
    }

   private:
    const std::shared_ptr<Bytes> content_;
  };
};

// Does work when told to.
class QueueWorker final : public env::Worker {
 public:
  void submit(Task work, Task done) override { jobs_.push_back({std::move(work), std::move(done)}); }
  void run() {
    while (!jobs_.empty()) {
      auto [work, done] = std::move(jobs_.front());
      jobs_.pop_front();
      work();
      done();
    }
  }

 private:
  std::deque<std::pair<Task, Task>> jobs_;
};

class StoppedClock final : public env::Clock {
 public:
  Instant now() const override { return {}; }
  int64_t wall_ms() const override { return 0; }
};

// Changes one content: a flipped bit, bytes set, zeroed or moved, an end cut off or put on.
template <class Input>
void damage(Input& in, Bytes* content) {
  if (content->empty()) return;
  // Anywhere, or near a 512-byte border, where headers, marks and stamps stand.
  const size_t any = (static_cast<size_t>(in.byte()) << 8 | in.byte()) % content->size();
  const size_t near_border = std::min(any / 512 * 512 + any % 512 / 4, content->size() - 1);
  const size_t at = in.flag() ? any : near_border;
  switch (in.below(7)) {
    case 0:
    case 1:
      (*content)[at] = static_cast<char>((*content)[at] ^ (1 << in.below(8)));
      return;
    case 2: {
      const BytesView bytes = in.bytes();
      content->replace(at, std::min(bytes.size(), content->size() - at), bytes.substr(0, content->size() - at));
      return;
    }
    case 3: {  // whole sectors that were never written
      const size_t from = at / 512 * 512;
      std::fill_n(content->begin() + static_cast<std::ptrdiff_t>(from),
                  std::min((1 + in.below(4)) * 512, content->size() - from), '\0');
      return;
    }
    case 4: {  // a sector at the wrong place
      const Bytes sector = content->substr(in.below(64) * 512 % content->size(), 512);
      const size_t to = std::min(at / 512 * 512, content->size() - std::min(content->size(), sector.size()));
      content->replace(to, sector.size(), sector);
      return;
    }
    case 5:
      content->resize(at);
      return;
    default:
      content->append(in.bytes());
  }
}

}  // namespace conclave::fuzz
