#include <fmt/format.h>
#include <fmt/ranges.h>
#include <functional>
#include <memory>
#include <utility>

#include "app/commands/commands.h"
#include "app/member/run.h"

namespace conclave::app {
namespace {

struct MemberArguments {
  std::string command;
  std::string servers;
  std::vector<std::string> auth;
  int64_t timeout_s = 600;
  bool json = false;
  bool observer = false;
  std::string spec;
  std::string id;
  std::vector<std::string> ids;  // of remove
};

using Arguments = std::shared_ptr<MemberArguments>;

int refuse(const MemberArguments& arguments, std::string_view why) {
  fmt::print(stderr, "conclave member {}: {}\n", arguments.command, why);
  return kExitUsage;
}

Result<MemberOptions> read_options(const MemberArguments& arguments) {
  auto servers = parse_servers(arguments.servers);
  if (!servers) return std::unexpected(servers.error());
  for (const std::string& identity : arguments.auth) {
    const size_t colon = identity.find(':');
    if (colon == std::string::npos || colon == 0) {
      return fail(ErrorKind::invalid_argument, "--auth is not of the form scheme:credentials");
    }
  }
  return MemberOptions{
      .servers = *std::move(servers), .auth = arguments.auth, .timeout = Duration::seconds(arguments.timeout_s)};
}

// What stands in the arguments is read before the cell is asked: a mistake in it is one of usage.
Result<std::vector<int64_t>> read_ids(const MemberArguments& arguments) {
  auto ids = wire::zookeeper::parse_server_ids(fmt::format("{}", fmt::join(arguments.ids, ",")));
  if (ids && ids->empty()) return fail(ErrorKind::invalid_argument, "no member is named");
  return ids;
}

Result<int64_t> read_id(const MemberArguments& arguments) {
  const auto ids = wire::zookeeper::parse_server_ids(arguments.id);
  if (!ids) return std::unexpected(ids.error());
  if (ids->size() != 1) return fail(ErrorKind::invalid_argument, "one member is to be named");
  return ids->front();
}

Result<MemberSpec> read_spec(const MemberArguments& arguments) {
  auto spec = parse_member_spec(arguments.spec);
  if (!spec || !arguments.observer) return spec;
  if (spec->role_given && !spec->server.observer) {
    return fail(ErrorKind::invalid_argument, "--observer contradicts the role \"participant\"");
  }
  spec->server.observer = true;
  spec->role_given = true;
  return spec;
}

int run_list(const MemberArguments& arguments) {
  const auto options = read_options(arguments);
  return options ? list_members(*options, arguments.json) : refuse(arguments, options.error().message);
}

using MakePlan = std::function<Result<MemberPlan>(const MemberConfig&)>;

int run_change(const MemberArguments& arguments, const Result<MakePlan>& plan) {
  const auto options = read_options(arguments);
  if (!options) return refuse(arguments, options.error().message);
  if (!plan) return refuse(arguments, plan.error().message);
  return change_members(*options, arguments.command, *plan);
}

Result<MakePlan> add_plan(const MemberArguments& arguments) {
  auto spec = read_spec(arguments);
  if (!spec) return std::unexpected(spec.error());
  return [spec = *std::move(spec)](const MemberConfig& config) { return plan_add(config, spec); };
}

Result<MakePlan> remove_plan(const MemberArguments& arguments) {
  auto ids = read_ids(arguments);
  if (!ids) return std::unexpected(ids.error());
  return [ids = *std::move(ids)](const MemberConfig& config) { return plan_remove(config, ids); };
}

Result<MakePlan> promote_plan(const MemberArguments& arguments) {
  const auto id = read_id(arguments);
  if (!id) return std::unexpected(id.error());
  return [id = *id](const MemberConfig& config) { return plan_promote(config, id); };
}

Result<MakePlan> replace_plan(const MemberArguments& arguments) {
  const auto old_id = read_id(arguments);
  if (!old_id) return std::unexpected(old_id.error());
  auto spec = read_spec(arguments);
  if (!spec) return std::unexpected(spec.error());
  return [old_id = *old_id, spec = *std::move(spec)](const MemberConfig& config) {
    return plan_replace(config, old_id, spec);
  };
}

std::pair<CLI::App*, Arguments> add_part(CLI::App* parent, const char* name, const char* help) {
  CLI::App* part = parent->add_subcommand(name, help);
  const auto arguments = std::make_shared<MemberArguments>();
  arguments->command = name;
  part->add_option("--servers", arguments->servers, "HOST[:PORT],... where clients of ZooKeeper connect (port 2181)")
      ->required();
  part->add_option("--auth", arguments->auth, "scheme:credentials to show first; may be repeated")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false)
      ->envname("CONCLAVE_AUTH");
  part->add_option("--timeout", arguments->timeout_s, "of all together, in seconds (default 600)")
      ->check(CLI::Range(1, 86'400));
  return {part, arguments};
}

void add_change(CLI::App* part, const Arguments& arguments, Result<MakePlan> (*plan)(const MemberArguments&),
                int* exit_code) {
  part->callback([arguments, plan, exit_code] { *exit_code = run_change(*arguments, plan(*arguments)); });
}

constexpr char kSpecHelp[] = "ID=HOST:PEER[:ELECTION];[HOST:]CLIENT, in quotes";

}  // namespace

void add_member_command(CLI::App& app, int* exit_code) {
  CLI::App* command = app.add_subcommand("member", "see the members of a running cell and change them");
  command->require_subcommand(1);
  command->footer(
      "docs/membership.md tells how to add and replace a replica. Exit codes: 0 done; 1 failed; 2 bad arguments.");

  const auto [list, list_arguments] = add_part(command, "list", "who is a member, and what each says of itself");
  list->add_flag("--json", list_arguments->json, "for programs");
  list->callback([arguments = list_arguments, exit_code] { *exit_code = run_list(*arguments); });

  const auto [add, add_arguments] = add_part(command, "add", "a replica that has been started becomes a member");
  add->add_option("member", add_arguments->spec, kSpecHelp)->required();
  add->add_flag("--observer", add_arguments->observer, "it does not vote");
  add_change(add, add_arguments, add_plan, exit_code);

  const auto [remove, remove_arguments] = add_part(command, "remove", "members leave the cell");
  remove->add_option("ids", remove_arguments->ids, "ID ...")->required();
  add_change(remove, remove_arguments, remove_plan, exit_code);

  const auto [promote, promote_arguments] = add_part(command, "promote", "an observer becomes a voter");
  promote->add_option("id", promote_arguments->id, "ID")->required();
  add_change(promote, promote_arguments, promote_plan, exit_code);

  const auto [replace, replace_arguments] =
      add_part(command, "replace", "a member leaves and another one takes its place");
  replace->add_option("old", replace_arguments->id, "ID of the one that leaves")->required();
  replace->add_option("new", replace_arguments->spec, kSpecHelp)->required();
  replace->add_flag("--observer", replace_arguments->observer, "the new one does not vote");
  add_change(replace, replace_arguments, replace_plan, exit_code);
}

}  // namespace conclave::app
