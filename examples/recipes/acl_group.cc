// Rights: a group is a file of /acl with one principal a line; nodes name the groups that may use them.
#include "example.h"

using namespace conclave::chubby;
using conclave::blocking::Client;
using conclave::blocking::Handle;

// `printf 'jane:secret' | openssl dgst -sha1 -binary | base64`
constexpr const char* kJane = "digest:jane:nxgmDUAAM+8W5WPPo/wH+kjumVM=";

// [group]
// Makes or replaces a group.
Outcome<Stat> set_group(Client& client, const std::string& name, const std::string& principals) {
  const auto directory = client.open("/acl", {.creation = Creation::if_missing, .directory = true});
  if (!directory) return std::unexpected(directory.error());
  const auto file = directory->open(name, {.mode = {.read = true, .write = true}, .creation = Creation::if_missing});
  if (!file) return std::unexpected(file.error());
  return file->set_contents(principals);
}
// [end]

int main(int argc, char** argv) {
  const auto client = client_of(argc, argv);
  need(set_group(*client, "payroll", std::string(kJane) + "\n"));

  // [file]
  // What is made with names has these; what is made without has those of its directory.
  const AclNames names{.read = "payroll", .write = "payroll", .change_acl = "payroll"};
  const auto file = client->open("/salaries", {.creation = Creation::if_missing, .contents = "1000", .acl = names});
  // [end]
  say("by us: " + std::string(file ? "ok" : to_string(file.error().code)));

  // [jane]
  Options options;
  options.credentials = {{.scheme = "digest", .secret = "jane:secret"}};
  const auto jane = Client::create(argv[1], options);
  // [end]
  say("by jane: " + need(need((*jane)->open("/salaries")).get_contents()).contents);
  const auto refused = client->open("/salaries");
  say("again by us: " + std::string(refused ? "WRONG" : to_string(refused.error().code)));
}
