#include <fmt/format.h>
#include <iostream>
#include <iterator>
#include <memory>
#include <utility>

#include "app/chubby/files.h"
#include "app/commands/cell_arguments.h"
#include "app/commands/commands.h"
#include "app/config/load.h"

namespace conclave::app {
namespace {

constexpr char kExitCodes[] =
    "Names are /path, or /ls/CELL/path. Exit codes: 0 done; 1 refused; 2 bad arguments; 3 the cell did not answer.";

CLI::App* add(CLI::App& app, const std::string& name, const std::string& what) {
  CLI::App* command = app.add_subcommand(name, what);
  command->footer(kExitCodes);
  return command;
}

void add_ls(CLI::App& app, int* exit_code) {
  struct Arguments {
    std::string name;
    bool with_stat = false;
  };
  CLI::App* command = add(app, "ls", "lock service: what is in a directory");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("name", arguments->name, "of the directory")->required();
  command->add_flag("-l,--long", arguments->with_stat, "kind, bytes, time of change and lock generation of each");
  const auto cell = add_cell_arguments(command);
  command->callback(
      [=] { *exit_code = run_with(*cell, [&](CellRun& run) { run_ls(run, arguments->name, arguments->with_stat); }); });
}

void add_cat_and_stat(CLI::App& app, int* exit_code) {
  using Command = void (*)(Run&, const std::string&);
  for (const auto& [name, what, run_it] :
       {std::tuple<const char*, const char*, Command>("cat", "lock service: contents of a file, as they are", run_cat),
        std::tuple<const char*, const char*, Command>(
            "stat", "lock service: generations, checksum and rights of a node", run_stat)}) {
    CLI::App* command = add(app, name, what);
    const auto node = std::make_shared<std::string>();
    command->add_option("name", *node, "of the node")->required();
    const auto cell = add_cell_arguments(command);
    command->callback([=, start = run_it] { *exit_code = run_with(*cell, [&](CellRun& run) { start(run, *node); }); });
  }
}

void add_put(CLI::App& app, int* exit_code) {
  struct Arguments {
    PutOptions put;
    std::string contents;
    std::string file;
    std::string generation;
  };
  CLI::App* command = add(app, "put", "lock service: write a whole file, or make it or a directory");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("name", arguments->put.name, "of the file")->required();
  CLI::Option* contents = command->add_option("contents", arguments->contents, "the contents; -: from standard input");
  CLI::Option* file = command->add_option("--file", arguments->file, "file with the contents")->excludes(contents);
  command->add_flag("--directory,-d", arguments->put.directory, "make a directory")->excludes(contents)->excludes(file);
  command->add_flag("--parents,-p", arguments->put.parents, "make missing directories above it, too");
  CLI::Option* fresh = command->add_flag("--new", arguments->put.fresh, "only if there is no such node yet");
  CLI::Option* generation =
      command->add_option("--generation", arguments->generation, "only over contents of this generation (see stat)");
  generation->excludes(fresh);
  const auto cell = add_cell_arguments(command);
  command->callback([=] {
    PutOptions put = arguments->put;
    const auto refuse = [&](const std::string& why) {
      fmt::print(stderr, "conclave put: {}\n", why);
      *exit_code = kExitUsage;
    };
    if (generation->count() > 0) {
      size_t used = 0;
      try {
        put.generation = std::stoull(arguments->generation, &used, 0);
      } catch (const std::exception&) {
        used = 0;
      }
      if (used == 0 || used != arguments->generation.size() || *put.generation == 0) {
        return refuse(fmt::format("\"{}\" is no generation", arguments->generation));
      }
    }
    if (file->count() > 0) {
      auto text = read_whole_file(arguments->file);
      if (!text) return refuse(fmt::format("{}: {}", arguments->file, text.error().message));
      put.contents = *std::move(text);
    } else if (contents->count() == 0 && !put.directory) {
      return refuse("give the contents, or - to read them from standard input");
    } else if (arguments->contents == "-") {
      put.contents.assign(std::istreambuf_iterator<char>(std::cin), {});
    } else {
      put.contents = arguments->contents;
    }
    *exit_code = run_with(*cell, [&](CellRun& run) { run_put(run, put); });
  });
}

void add_rm(CLI::App& app, int* exit_code) {
  CLI::App* command = add(app, "rm", "lock service: remove a node");
  const auto options = std::make_shared<RemoveOptions>();
  command->add_option("name", options->name, "of the node")->required();
  command->add_flag("--recursive,-r", options->recursive, "and all below it");
  command->add_flag("--force,-f", options->missing_is_good, "that there is none is no error");
  const auto cell = add_cell_arguments(command);
  command->callback([=] { *exit_code = run_with(*cell, [&](CellRun& run) { run_rm(run, *options); }); });
}

void add_acl(CLI::App& app, int* exit_code) {
  struct Arguments {
    std::string name;
    std::string action = "get";
    std::string read, write, change;
  };
  CLI::App* command = add(app, "acl", "lock service: which lists of /acl say who may use a node");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("name", arguments->name, "of the node")->required();
  command->add_option("action", arguments->action, "get (default) or set")->check(CLI::IsMember({"get", "set"}));
  CLI::Option* read = command->add_option("--read", arguments->read, "set: name of the list of those who may read");
  CLI::Option* write = command->add_option("--write", arguments->write, "set: likewise, write and lock");
  CLI::Option* change = command->add_option("--change-acl", arguments->change, "set: likewise, change these names");
  const auto cell = add_cell_arguments(command);
  command->callback([=] {
    AclChange wanted;
    if (read->count() > 0) wanted.read = arguments->read;
    if (write->count() > 0) wanted.write = arguments->write;
    if (change->count() > 0) wanted.change_acl = arguments->change;
    const bool any = wanted.read || wanted.write || wanted.change_acl;
    if (any != (arguments->action == "set")) {
      fmt::print(stderr, "conclave acl: set needs --read, --write or --change-acl, and get takes none\n");
      *exit_code = kExitUsage;
      return;
    }
    *exit_code = run_with(*cell, [&](CellRun& run) {
      if (any) return run_acl_set(run, arguments->name, wanted);
      run_acl_get(run, arguments->name);
    });
  });
}

}  // namespace

void add_chubby_file_commands(CLI::App& app, int* exit_code) {
  add_ls(app, exit_code);
  add_cat_and_stat(app, exit_code);
  add_put(app, exit_code);
  add_rm(app, exit_code);
  add_acl(app, exit_code);
}

}  // namespace conclave::app
