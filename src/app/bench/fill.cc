// Creates nodes until so many exist below the base, under directories of a thousand. Paths are the same on every run,
// so a run goes on where an earlier one stopped: what is there already is counted, not created. Reported besides the
// usual: whether the rate stays flat as the tree grows, and the servers' memory per node.
//
// A connection makes a directory and then, in order on the same session, its nodes; so nothing has to wait for a
// parent.
#include <algorithm>
#include <array>
#include <cstring>
#include <fmt/format.h>
#include <numeric>

#include "app/bench/key_space.h"
#include "app/bench/plot.h"
#include "app/bench/processes.h"
#include "app/bench/recorder.h"
#include "app/bench/sessions.h"
#include "app/bench/workload.h"

namespace conclave::app::bench {
namespace {

constexpr uint32_t kChildren = 1000;

class Fill final : public Runner, private Listener {
 public:
  explicit Fill(const Options& options)
      : options_(options), sessions_(options, this), recorder_(options), payload_(make_payload(options)) {}

  Result<Report> run() override {
    for (const auto step : {&Fill::prepare, &Fill::fill, &Fill::catch_up})
      if (auto ok = (this->*step)(); !ok) return std::unexpected(ok.error());
    resident_after_ = sample_resident_kib(options_.watch_pids);
    if (auto ok = recorder_.check_zxids(); !ok) return std::unexpected(ok.error());
    if (auto ok = sessions_.close_all(); !ok) return std::unexpected(ok.error());
    return report();
  }

 private:
  // What a connection is making: a directory and as many nodes in it as are still wanted.
  struct Directory {
    uint32_t number = 0;
    uint32_t made = 0;  // requests sent, that for the directory first
    uint32_t wanted = 0;
  };

  Result<> prepare() {
    if (auto ok = sessions_.connect(options_.connections); !ok) return ok;
    directories_.resize(options_.connections);
    if (auto ok = make_base(options_, &sessions_); !ok) return ok;
    resident_before_ = sample_resident_kib(options_.watch_pids);
    return {};
  }
  Result<> fill();
  // Every server has applied everything before its memory is looked at.
  Result<> catch_up();
  bool issue(Connection* connection);
  Result<> on_answer(Connection* connection, const Answer& answer) override;
  void add_rates(Report* report) const;
  void add_memory(Report* report) const;
  Report report() const;

  const Options& options_;
  Sessions sessions_;
  Recorder recorder_;
  Bytes payload_;
  std::vector<Directory> directories_;  // by connection
  uint32_t assigned_ = 0;               // nodes that some connection makes or has made, directories included
  uint32_t next_directory_ = 0;
  uint64_t answered_ = 0;
  uint64_t existed_ = 0;
  uint64_t known_bytes_ = 0;        // paths and data of what was created
  std::vector<uint64_t> tenth_ns_;  // when each tenth of the nodes was there
  std::vector<uint64_t> resident_before_;
  std::vector<uint64_t> resident_after_;
};

Result<> Fill::fill() {
  recorder_.begin(sessions_.refresh_clock());
  for (Connection& connection : sessions_.connections())
    for (uint32_t i = 0; i < options_.outstanding && issue(&connection); ++i) {
    }
  if (auto ok = sessions_.flush_all(); !ok) return ok;
  sessions_.progressed();
  while (answered_ < options_.nodes) {
    if (auto ok = sessions_.turn(sessions_.now_ns() + Sessions::kTurnNs); !ok) return ok;
    if (auto ok = sessions_.check_progress("filling"); !ok) return ok;
    if (recorder_.progress_due(sessions_.now_ns()))
      recorder_.tick(sessions_.now_ns(), fmt::format("{:>9} of {} nodes", answered_, options_.nodes));
  }
  recorder_.end(sessions_.refresh_clock());
  return {};
}

Result<> Fill::catch_up() {
  for (Connection& connection : sessions_.connections()) connection.sync(sessions_.now_ns(), options_.base);
  if (auto ok = sessions_.flush_all(); !ok) return ok;
  return sessions_.drain("catching up");
}

// The next node of this connection's directory, or the next directory; false when no more are wanted.
bool Fill::issue(Connection* connection) {
  Directory& directory = directories_[connection->number()];
  const uint64_t now_ns = sessions_.now_ns();
  if (directory.made == directory.wanted) {
    if (assigned_ == options_.nodes) return false;
    directory = {.number = next_directory_++, .wanted = std::min(kChildren + 1, options_.nodes - assigned_)};
    assigned_ += directory.wanted;
  }
  std::string path = fmt::format("{}/f{:06}", options_.base, directory.number);
  const bool first = directory.made++ == 0;
  if (!first) path += fmt::format("/n{:04}", directory.made - 2);
  const auto stamp = uint64_t{directory.number} * (kChildren + 1) + directory.made;
  std::memcpy(payload_.data(), &stamp, sizeof(stamp));
  const BytesView data = first ? BytesView() : BytesView(payload_);
  known_bytes_ += path.size() + data.size();
  connection->create(now_ns, path, data, true);
  return true;
}

Result<> Fill::on_answer(Connection* connection, const Answer& answer) {
  if (answer.request.opcode != Opcode::create || !recorder_.measures()) return {};
  ++answered_;
  if (answer.existed)
    ++existed_;
  else
    recorder_.write(sessions_.now_ns(), answer.request.sent_ns, answer.zxid);
  while (tenth_ns_.size() < 10 && answered_ * 10 >= options_.nodes * (tenth_ns_.size() + 1))
    tenth_ns_.push_back(sessions_.now_ns() - recorder_.began_ns());
  issue(connection);
  return {};
}

void Fill::add_rates(Report* report) const {
  std::vector<double> rates;
  uint64_t before_ns = 0;
  for (const uint64_t at_ns : tenth_ns_) {
    rates.push_back(options_.nodes / 10.0 / (static_cast<double>(std::max(at_ns - before_ns, uint64_t{1})) / 1e9));
    before_ns = at_ns;
  }
  // Seconds, of the finer intervals of the plot.
  const auto& rows = recorder_.series().rows();
  const size_t width = std::max<size_t>(1, 1000 / options_.interval_ms);
  std::optional<double> slowest;
  for (size_t i = 0; i + width <= rows.size(); i += width) {
    uint64_t count = 0;
    for (size_t j = i; j < i + width; ++j) count += rows[j].count;
    const double rate = static_cast<double>(count) * 1000.0 / static_cast<double>(width * options_.interval_ms);
    slowest = std::min(slowest.value_or(rate), rate);
  }
  report->list("tenths_ops_per_s", rates, 1);
  report->number("first_tenth_ops_per_s", rates.front(), 1);
  report->number("last_tenth_ops_per_s", rates.back(), 1);
  report->number("slowest_second_ops_per_s", slowest, 1);
  std::string text;
  for (const double rate : rates) text += fmt::format("{:.0f} ", rate);
  report->row("rate of each tenth, /s", text);
  report->row("flatness",
              fmt::format("last tenth / first tenth {:.2f}; slowest second {}", rates.back() / rates.front(),
                          slowest ? fmt::format("{:.0f}/s", *slowest) : "unknown, it took less than one"));
}

void Fill::add_memory(Report* report) const {
  const auto created = static_cast<double>(recorder_.writes());
  if (options_.watch_pids.empty() || created == 0) return;
  const double known = static_cast<double>(known_bytes_) / options_.nodes;
  std::vector<double> before, after, beyond;
  for (size_t i = 0; i < resident_before_.size(); ++i) {
    before.push_back(static_cast<double>(resident_before_[i]));
    after.push_back(static_cast<double>(resident_after_[i]));
    const double per_node = (after[i] - before[i]) * 1024 / created;
    beyond.push_back(per_node - known);
    report->row(fmt::format("memory of process {}", options_.watch_pids[i]),
                fmt::format("{:.0f} KiB before, {:.0f} after: {:.0f} B a node, {:.0f} beyond path and data", before[i],
                            after[i], per_node, beyond[i]));
  }
  report->list("resident_before_kib", before, 0);
  report->list("resident_after_kib", after, 0);
  report->number("path_and_data_bytes", known, 1);
  report->list("bytes_per_node_beyond", beyond, 1);
}

Report Fill::report() const {
  Report report;
  add_operations(&report, options_, recorder_, sessions_.verified());
  report.integer("nodes", options_.nodes);
  report.integer("existed", existed_);
  report.row("nodes", fmt::format("{} there now, {} of them before", options_.nodes, existed_));
  add_rates(&report);
  add_memory(&report);
  add_plot(&report, options_, recorder_.series(), {});
  return report;
}

}  // namespace

std::unique_ptr<Runner> make_fill(const Options& options) {
  return std::make_unique<Fill>(options);
}

}  // namespace conclave::app::bench
