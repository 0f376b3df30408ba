#include "client/chubby/recipe_config_set.h"

#include <charconv>
#include <utility>

namespace conclave::chubby {
namespace {

constexpr int kReadsMax = 5;             // of a set that is published anew while it is read
constexpr uint64_t kNumbersTried = 100;  // that publishers left unfinished

Outcome<uint64_t> number_of(const Bytes& text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    return failed(CallCode::bad_argument, "not the number of a version: " + text);
  return number;
}

bool is_gone(CallCode code) {
  return code == CallCode::no_node || code == CallCode::handle_invalid;
}

}  // namespace

struct ConfigSet::Reading {
  Completion<Version> done;
  int reads = 0;
  Version version;
  HandleId directory;
  std::vector<std::string> names;  // not read yet
};

struct ConfigSet::Publishing {
  Completion<uint64_t> done;
  uint64_t expected = 0;
  uint64_t pointer_generation = 0;
  uint64_t number = 0;
  HandleId directory;
  std::map<std::string, Bytes> files;  // not written yet
};

ConfigSet::ConfigSet(LockService& service, const std::string& directory, std::function<void()> changed)
    : service_(service),
      directory_(service, directory, {.creation = Creation::if_missing, .directory = true}),
      pointer_(service, directory + "/current",
               {.mode = {.read = true, .write = true},
                .events = {.contents = true},
                .creation = Creation::if_missing,
                .contents = "0",
                .on_event = [changed = std::move(changed)](const Event& event) {
                  const bool news = event.kind == EventKind::contents_changed || event.kind == EventKind::fail_over;
                  if (news && changed) changed();
                }}) {}

void ConfigSet::with_pointer(std::move_only_function<void(Outcome<Contents>)> use) {
  // The directory first: the pointer is made in it.
  directory_.with<Contents>(std::move(use), [this](HandleId, Completion<Contents> done) {
    pointer_.with<Contents>(std::move(done), [this](HandleId handle, Completion<Contents> then) {
      service_.get_contents(handle, std::move(then));
    });
  });
}

// --- reading

void ConfigSet::read(Completion<Version> done) {
  auto reading = std::make_shared<Reading>();
  reading->done = std::move(done);
  read_version(reading);
}

void ConfigSet::read_version(const std::shared_ptr<Reading>& reading) {
  ++reading->reads;
  with_pointer(pointer_.guarded([this, reading](const Outcome<Contents>& pointer) {
    if (!pointer) return answer<Version>(reading->done, std::unexpected(pointer.error()));
    const Outcome<uint64_t> number = number_of(pointer->contents);
    if (!number) return answer<Version>(reading->done, std::unexpected(number.error()));
    reading->version = {.number = *number, .files = {}};
    if (*number == 0) return answer<Version>(reading->done, std::move(reading->version));
    service_.open(path_of(*number), {}, pointer_.opening([this, reading](const Outcome<Opened>& opened) {
      if (!opened) return again(reading, opened.error());
      reading->directory = opened->handle;
      service_.read_directory(opened->handle, pointer_.guarded([this, reading](const Outcome<Directory>& listed) {
        if (!listed) return again(reading, listed.error());
        for (const DirectoryEntry& entry : *listed) reading->names.push_back(entry.name);
        read_files(reading);
      }));
    }));
  }));
}

void ConfigSet::read_files(const std::shared_ptr<Reading>& reading) {
  if (reading->names.empty()) {
    service_.close(std::exchange(reading->directory, HandleId()), nullptr);
    return answer<Version>(reading->done, std::move(reading->version));
  }
  service_.open(reading->directory, reading->names.back(), {},
                pointer_.opening([this, reading](const Outcome<Opened>& opened) {
                  if (!opened) return again(reading, opened.error());
                  service_.get_contents(opened->handle, pointer_.guarded([this, reading](Outcome<Contents> read) {
                    if (!read) return again(reading, read.error());
                    reading->version.files[reading->names.back()] = std::move(read->contents);
                    reading->names.pop_back();
                    read_files(reading);
                  }));
                  service_.close(opened->handle, nullptr);  // behind the read
                }));
}

// The version may have been replaced and removed meanwhile: follow the pointer anew.
void ConfigSet::again(const std::shared_ptr<Reading>& reading, const CallError& why) {
  if (reading->directory != HandleId()) service_.close(std::exchange(reading->directory, HandleId()), nullptr);
  reading->names.clear();
  if (!is_gone(why.code) || reading->reads == kReadsMax) return answer<Version>(reading->done, std::unexpected(why));
  read_version(reading);
}

// --- publishing

void ConfigSet::publish(uint64_t expected, std::map<std::string, Bytes> files, Completion<uint64_t> done) {
  auto publishing = std::make_shared<Publishing>();
  publishing->done = std::move(done);
  publishing->expected = expected;
  publishing->number = expected;
  publishing->files = std::move(files);
  with_pointer(pointer_.guarded([this, publishing](const Outcome<Contents>& pointer) {
    if (!pointer) return answer<uint64_t>(publishing->done, std::unexpected(pointer.error()));
    const Outcome<uint64_t> number = number_of(pointer->contents);
    if (!number) return answer<uint64_t>(publishing->done, std::unexpected(number.error()));
    if (*number != publishing->expected)
      return answer<uint64_t>(publishing->done, failed(CallCode::generation_mismatch));
    publishing->pointer_generation = pointer->stat.content_generation;
    make_directory(publishing);
  }));
}

// Under the first number that nobody has used: another publisher may be at work, or have failed half way.
void ConfigSet::make_directory(const std::shared_ptr<Publishing>& publishing) {
  ++publishing->number;
  service_.open(path_of(publishing->number), {.creation = Creation::must, .directory = true},
                pointer_.opening([this, publishing](const Outcome<Opened>& opened) {
                  const bool more = publishing->number - publishing->expected < kNumbersTried;
                  if (!opened && opened.error().code == CallCode::node_exists && more)
                    return make_directory(publishing);
                  if (!opened) return answer<uint64_t>(publishing->done, std::unexpected(opened.error()));
                  publishing->directory = opened->handle;
                  write_files(publishing);
                }));
}

void ConfigSet::write_files(const std::shared_ptr<Publishing>& publishing) {
  if (publishing->files.empty()) return swap(publishing);
  auto file = publishing->files.extract(publishing->files.begin());
  service_.open(publishing->directory, file.key(), {.creation = Creation::must, .contents = std::move(file.mapped())},
                pointer_.opening([this, publishing](const Outcome<Opened>& opened) {
                  if (!opened) {
                    service_.close(publishing->directory, nullptr);
                    remove_version(publishing->number);
                    return answer<uint64_t>(publishing->done, std::unexpected(opened.error()));
                  }
                  service_.close(opened->handle, nullptr);
                  write_files(publishing);
                }));
}

void ConfigSet::swap(const std::shared_ptr<Publishing>& publishing) {
  service_.close(publishing->directory, nullptr);
  pointer_.with<Stat>(pointer_.guarded([this, publishing](const Outcome<Stat>& written) {
    if (written) {
      if (publishing->expected != 0) remove_version(publishing->expected);
      return answer<uint64_t>(publishing->done, publishing->number);
    }
    // Whether a call that failed otherwise had taken effect is not known: nothing is removed then.
    if (written.error().code == CallCode::generation_mismatch) remove_version(publishing->number);
    answer<uint64_t>(publishing->done, std::unexpected(written.error()));
  }),
                      [this, publishing](HandleId handle, Completion<Stat> then) {
                        service_.set_contents(handle, std::to_string(publishing->number),
                                              publishing->pointer_generation, std::move(then));
                      });
}

void ConfigSet::remove_version(uint64_t number) {
  const std::string path = path_of(number);
  service_.open(path, {}, pointer_.opening([this, path](const Outcome<Opened>& opened) {
    if (!opened) return;
    service_.read_directory(opened->handle, pointer_.guarded([this, path](const Outcome<Directory>& listed) {
      if (!listed) return;
      for (const DirectoryEntry& entry : *listed) remove_node(path + "/" + entry.name);
      remove_node(path);  // behind its files: calls of a session are carried out in order
    }));
    service_.close(opened->handle, nullptr);
  }));
}

void ConfigSet::remove_node(const std::string& path) {
  service_.open(path, {.mode = {.read = true, .write = true}}, pointer_.opening([this](const Outcome<Opened>& opened) {
    if (!opened) return;
    service_.remove(opened->handle, nullptr);
    service_.close(opened->handle, nullptr);
  }));
}

}  // namespace conclave::chubby
