#include "app/chubby/files.h"

#include <fmt/format.h>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "app/chubby/text.h"

namespace conclave::app {
namespace {

using chubby::CallCode;
using chubby::CallError;
using chubby::Contents;
using chubby::Creation;
using chubby::Directory;
using chubby::HandleId;
using chubby::Mode;
using chubby::Opened;
using chubby::OpenOptions;
using chubby::Outcome;
using chubby::Stat;

constexpr Mode kWrite = {.read = false, .write = true};

// Opens and goes on with the handle, or says why not and ends.
void with_open(Run& run, const std::string& name, OpenOptions options,
               std::move_only_function<void(const Opened&)> go) {
  run.service().open(name, std::move(options), [&run, name, go = std::move(go)](const Outcome<Opened>& opened) mutable {
    if (!opened) return run.fail(name, opened.error());
    go(*opened);
  });
}

std::string parent_of(const std::string& name) {
  const size_t slash = name.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : name.substr(0, slash);
}

// Makes the directories that lead to `name`, the highest first.
void make_parents(Run& run, const std::string& name, std::move_only_function<void()> then) {
  const std::string parent = parent_of(name);
  if (parent == "/") return then();
  OpenOptions look;
  run.service().open(
      parent, std::move(look), [&run, parent, then = std::move(then)](const Outcome<Opened>& found) mutable {
        if (found) {
          run.service().close(found->handle, nullptr);
          return then();
        }
        if (found.error().code != CallCode::no_node) return run.fail(parent, found.error());
        make_parents(run, parent, [&run, parent, then = std::move(then)]() mutable {
          OpenOptions make{.creation = Creation::if_missing, .directory = true};
          with_open(run, parent, std::move(make), [then = std::move(then)](const Opened&) mutable { then(); });
        });
      });
}

void print_written(Run& run, const std::string& name, const Stat& stat) {
  if (run.json()) run.print(fmt::format("{{\"name\":{},{}}}\n", json_quoted(name), stat_json(stat)));
  run.finish(kCellDone);
}

void put_now(Run& run, const std::shared_ptr<PutOptions>& put) {
  OpenOptions open{
      .mode = kWrite, .creation = Creation::if_missing, .directory = put->directory, .contents = put->contents};
  if (put->fresh) open.creation = Creation::must;
  if (put->generation) open.creation = Creation::never;
  with_open(run, put->name, std::move(open), [&run, put](const Opened& opened) {
    if (opened.created) return print_written(run, put->name, opened.stat);
    if (put->directory && opened.stat.directory) return print_written(run, put->name, opened.stat);
    run.service().set_contents(opened.handle, put->contents, put->generation,
                               [&run, put](const Outcome<Stat>& written) {
                                 if (!written) return run.fail(put->name, written.error());
                                 print_written(run, put->name, *written);
                               });
  });
}

// Removes a node and, if wanted, what is below it first.
class Removal : public std::enable_shared_from_this<Removal> {
 public:
  using Done = std::move_only_function<void(const std::string& name, const CallError* error)>;

  Removal(Run& run, std::string name, bool recursive, Done done)
      : run_(run), name_(std::move(name)), recursive_(recursive), done_(std::move(done)) {}

  void start() {
    run_.service().open(name_, {.mode = {.read = recursive_, .write = true}},
                        [self = shared_from_this()](const Outcome<Opened>& opened) {
                          if (!opened) return self->end(opened.error());
                          self->handle_ = opened->handle;
                          if (!self->recursive_ || !opened->stat.directory) return self->remove();
                          self->list();
                        });
  }

 private:
  void list() {
    run_.service().read_directory(handle_, [self = shared_from_this()](Outcome<Directory> directory) {
      if (!directory) return self->end(directory.error());
      self->below_ = std::move(*directory);
      self->next();
    });
  }
  void next() {
    if (below_.empty()) return remove();
    const std::string child = (name_ == "/" ? "" : name_) + "/" + below_.back().name;
    below_.pop_back();
    std::make_shared<Removal>(run_, child, true,
                              [self = shared_from_this()](const std::string& name, const CallError* error) {
                                if (error == nullptr || error->code == CallCode::no_node) return self->next();
                                self->done_(name, error);
                              })
        ->start();
  }
  void remove() {
    run_.service().remove(handle_, [self = shared_from_this()](const Outcome<void>& removed) {
      if (!removed) return self->end(removed.error());
      self->run_.service().close(self->handle_, nullptr);
      self->done_(self->name_, nullptr);
    });
  }
  void end(const CallError& error) { done_(name_, &error); }

  Run& run_;
  std::string name_;
  bool recursive_;
  Done done_;
  HandleId handle_;
  Directory below_;
};

}  // namespace

void run_ls(Run& run, const std::string& name, bool with_stat) {
  with_open(run, name, {}, [&run, name, with_stat](const Opened& opened) {
    run.service().read_directory(opened.handle, [&run, name, with_stat](const Outcome<Directory>& directory) {
      if (!directory) return run.fail(name, directory.error());
      run.print(run.json() ? directory_json(*directory) : directory_text(*directory, with_stat));
      run.finish(kCellDone);
    });
  });
}

void run_cat(Run& run, const std::string& name) {
  with_open(run, name, {}, [&run, name](const Opened& opened) {
    run.service().get_contents(opened.handle, [&run, name](const Outcome<Contents>& contents) {
      if (!contents) return run.fail(name, contents.error());
      run.print(run.json() ? contents_json(name, *contents) : contents->contents);
      run.finish(kCellDone);
    });
  });
}

void run_put(Run& run, PutOptions options) {
  const auto put = std::make_shared<PutOptions>(std::move(options));
  if (!put->parents) return put_now(run, put);
  make_parents(run, put->name, [&run, put] { put_now(run, put); });
}

void run_rm(Run& run, const RemoveOptions& options) {
  std::make_shared<Removal>(run, options.name, options.recursive,
                            [&run, options](const std::string& name, const CallError* error) {
                              if (error == nullptr || (error->code == CallCode::no_node && options.missing_is_good)) {
                                return run.finish(kCellDone);
                              }
                              run.fail(name, *error);
                            })
      ->start();
}

void run_stat(Run& run, const std::string& name) {
  with_open(run, name, {}, [&run, name](const Opened& opened) {
    if (run.json()) return print_written(run, name, opened.stat);
    run.print(stat_text(name, opened.stat));
    run.finish(kCellDone);
  });
}

void run_acl_get(Run& run, const std::string& name) {
  with_open(run, name, {}, [&run](const Opened& opened) {
    run.print(run.json() ? acl_json(opened.stat.acl) + "\n" : acl_text(opened.stat.acl));
    run.finish(kCellDone);
  });
}

void run_acl_set(Run& run, const std::string& name, AclChange change) {
  with_open(run, name, {.mode = {.read = false, .change_acl = true}},
            [&run, name, change = std::move(change)](const Opened& opened) {
              // What is not named stays; an empty name would let everybody in.
              if (!opened.stat.acl && !(change.read && change.write && change.change_acl)) {
                run.complain(name + ": its rights are not given by names now: name all three");
                return run.finish(kCellRefused);
              }
              chubby::AclNames acl = opened.stat.acl.value_or(chubby::AclNames());
              acl.read = change.read.value_or(acl.read);
              acl.write = change.write.value_or(acl.write);
              acl.change_acl = change.change_acl.value_or(acl.change_acl);
              run.service().set_acl(opened.handle, acl, opened.stat.acl_generation,
                                    [&run, name](const Outcome<Stat>& written) {
                                      if (!written) return run.fail(name, written.error());
                                      print_written(run, name, *written);
                                    });
            });
}

}  // namespace conclave::app
