#include "app/chubby/cell_run.h"

#include <fmt/format.h>
#include <stdio.h>
#include <utility>

namespace conclave::app {
namespace {

constexpr Duration kEndPatience = Duration::seconds(1);

chubby::Options client_options(const CellOptions& options) {
  chubby::Options out;
  out.replicas = options.servers;
  out.cell = options.cell;
  for (const std::string& user : options.users) out.credentials.push_back({.scheme = "digest", .secret = user});
  if (options.keep_session) out.idle_end = Duration();
  return out;
}

}  // namespace

CellRun::CellRun(os::World& world, CellOptions options)
    : world_(world),
      options_(std::move(options)),
      client_(world.env().clock, world.loop(), world.network(), world.env().entropy, client_options(options_)) {
  patience_ = world_.loop().schedule(options_.patience, [this] {
    const std::string& why = client_.last_failure();
    complain(
        fmt::format("no answer from the cell within {} ms{}{}", options_.patience.ms(), why.empty() ? "" : ": ", why));
    finish(options_.unreachable);
  });
}

void CellRun::print(std::string_view text) {
  fwrite(text.data(), 1, text.size(), stdout);
  fflush(stdout);
}

void CellRun::complain(std::string_view text) {
  fmt::print(stderr, "conclave {}: {}\n", options_.command, text);
}

void CellRun::finish(int code) {
  if (std::exchange(finished_, true)) return;
  exit_code_ = code;
  world_.loop().cancel(patience_);
  client_.end(kEndPatience, [this] { world_.stop(); });
}

int run_on_cell(CellOptions options, const std::function<std::shared_ptr<void>(CellRun&)>& start) {
  auto world = os::World::create({});
  if (!world) {
    fmt::print(stderr, "conclave {}: {}\n", options.command, world.error().message);
    return kCellUnreachable;
  }
  CellRun run(**world, std::move(options));
  std::shared_ptr<void> command = start(run);
  (*world)->run();
  command.reset();
  if (fflush(stdout) != 0 || ferror(stdout) != 0) {
    run.complain("cannot write to standard output");
    return run.exit_code() == kCellDone ? kCellRefused : run.exit_code();
  }
  return run.exit_code();
}

}  // namespace conclave::app
