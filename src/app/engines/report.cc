#include "app/engines/report.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <iterator>
#include <string_view>
#include <vector>

namespace conclave::app::engines {
namespace {

using sim::compare::CompareOptions;
using sim::compare::Comparison;
using sim::compare::Distribution;
using sim::compare::Settings;
using sim::compare::Steady;
using sim::compare::Traffic;

using Row = std::vector<std::string>;

constexpr std::string_view kIntroduction =
    R"(Virtual time, in ms. A link takes {:.2f} to {:.2f} one way, clients' links too, a sync of a disk {:.1f} to {:.1f}.
Computing takes none, unless turns of the loop are given a time. A write has {} bytes.

)";
const std::string kWrites =
    R"(Writes. MESSAGES and BYTES between replicas, and FSYNCS of all of them, are those of one write; ALL- has what goes
on without writes, too. WRITES/FSYNC: how many one sync of a replica makes durable. MEDIAN, P99: until the client is
answered.

)";
const std::string kKinds = R"(
Messages of one write, by kind

)";
constexpr std::string_view kFailOver = R"(
Fail-over: time without an acknowledged write, {} seeds

)";
constexpr std::string_view kPartitions = R"(
Partial partitions of {} s, {} seeds. PROGRESS: runs in which writes are acknowledged at the end of it. OUTAGE: the
longest time without one. SERVED: replicas whose clients are, at the end, in the worst run. MASTERS: new ones, at most.
WHOLE: from the end of it until every client is served.

)";

double ms(Duration time) {
  return static_cast<double>(time.us) / 1000;
}

std::string decimal(double value, int digits) {
  return fmt::format("{:.{}f}", value, digits);
}

double per(uint64_t count, uint64_t writes) {
  return static_cast<double>(count) / static_cast<double>(std::max<uint64_t>(writes, 1));
}

// Columns as wide as their widest cell, two spaces apart; nothing behind the last cell of a row.
std::string table(const std::vector<Row>& rows) {
  std::vector<size_t> widths(rows.front().size());
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const Row& row : rows) {
    for (size_t i = 0; i + 1 < row.size(); ++i)
      fmt::format_to(std::back_inserter(out), "{:<{}}", row[i], widths[i] + 2);
    out += row.back() + "\n";
  }
  return out;
}

std::string by_kind(const Steady& measured, bool background) {
  std::vector<std::string> parts;
  for (const auto& [name, kind] : measured.traffic.kinds) {
    if (kind.background != background) continue;
    parts.push_back(fmt::format("{} {}", name, decimal(per(kind.count.messages, measured.writes), 2)));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string write_table(const Comparison& comparison) {
  std::vector<Row> rows = {{"REPLICAS", "LOAD", "ENGINE", "MESSAGES", "BYTES", "ALL-MESSAGES", "ALL-BYTES", "FSYNCS",
                            "WRITES/FSYNC", "MEDIAN", "P99"}};
  for (const Comparison::Writes& row : comparison.writes) {
    const Steady& m = row.measured;
    const Traffic::Count own = m.traffic.total(/*background=*/false);
    const Traffic::Count background = m.traffic.total(/*background=*/true);
    const auto replicas = static_cast<uint64_t>(row.replicas);
    rows.push_back({std::to_string(row.replicas), std::string(row.load), std::string(to_string(row.engine)),
                    decimal(per(own.messages, m.writes), 2), decimal(per(own.bytes, m.writes), 0),
                    decimal(per(own.messages + background.messages, m.writes), 2),
                    decimal(per(own.bytes + background.bytes, m.writes), 0), decimal(per(m.syncs, m.writes), 2),
                    decimal(per(m.writes * replicas, m.syncs), 2), decimal(ms(m.latency.median()), 2),
                    decimal(ms(m.latency.percentile(99)), 2)});
  }
  return table(rows);
}

std::string kind_table(const Comparison& comparison) {
  std::vector<Row> rows = {{"REPLICAS", "LOAD", "ENGINE", "OF-THE-WRITE", "BESIDES"}};
  for (const Comparison::Writes& row : comparison.writes) {
    rows.push_back({std::to_string(row.replicas), std::string(row.load), std::string(to_string(row.engine)),
                    by_kind(row.measured, /*background=*/false), by_kind(row.measured, /*background=*/true)});
  }
  return table(rows);
}

std::string fail_over_table(const Comparison& comparison) {
  std::vector<Row> rows = {{"MASTER", "REPLICAS", "ENGINE", "MIN", "P50", "P90", "P99", "MAX"}};
  for (const Comparison::FailOver& row : comparison.fail_overs) {
    Row cells = {std::string(to_string(row.loss)), std::to_string(row.replicas), std::string(to_string(row.engine))};
    for (const size_t percent : {0, 50, 90, 99, 100}) {
      cells.push_back(decimal(ms(row.outages.percentile(percent)), 0));
    }
    rows.push_back(std::move(cells));
  }
  return table(rows);
}

std::string partition_table(const Comparison& comparison) {
  std::vector<Row> rows = {{"", "TOPOLOGY", "REPLICAS", "ENGINE", "PROGRESS", "OUTAGE-MEDIAN", "OUTAGE-MAX", "SERVED",
                            "MASTERS", "WHOLE-MEDIAN", "WHOLE-MAX"}};
  for (const Comparison::Partition& row : comparison.partitions) {
    const Distribution outages = row.outages();
    const Distribution recoveries = row.recoveries();
    rows.push_back(
        {std::string(row.topology->number), std::string(row.topology->name), std::to_string(row.topology->replicas),
         std::string(to_string(row.engine)), fmt::format("{}/{}", row.with_progress(), row.outcomes.size()),
         decimal(ms(outages.median()), 0), decimal(ms(outages.max()), 0), std::to_string(row.served_least()),
         std::to_string(row.masters_most()), decimal(ms(recoveries.median()), 0), decimal(ms(recoveries.max()), 0)});
  }
  return table(rows);
}

std::string samples(const Distribution& distribution) {
  std::vector<int64_t> us;
  for (const Duration time : distribution.samples()) us.push_back(time.us);
  return fmt::format("[{}]", fmt::join(us, ", "));
}

std::string json_of(const Comparison::Writes& row) {
  const Steady& m = row.measured;
  std::vector<std::string> kinds;
  for (const auto& [name, kind] : m.traffic.kinds) {
    kinds.push_back(fmt::format("\"{}\": {{\"background\": {}, \"messages\": {}, \"bytes\": {}}}", name,
                                kind.background, kind.count.messages, kind.count.bytes));
  }
  return fmt::format(
      "{{\"engine\": \"{}\", \"replicas\": {}, \"load\": \"{}\", \"writes\": {}, \"elapsed_us\": {}, \"fsyncs\": {}, "
      "\"fsyncs_master\": {}, \"latency_p50_us\": {}, \"latency_p99_us\": {}, \"kinds\": {{{}}}}}",
      to_string(row.engine), row.replicas, row.load, m.writes, m.elapsed.us, m.syncs, m.syncs_master,
      m.latency.median().us, m.latency.percentile(99).us, fmt::join(kinds, ", "));
}

std::string json_of(const Comparison::FailOver& row) {
  return fmt::format("{{\"engine\": \"{}\", \"replicas\": {}, \"master\": \"{}\", \"outages_us\": {}}}",
                     to_string(row.engine), row.replicas, to_string(row.loss), samples(row.outages));
}

std::string json_of(const Comparison::Partition& row) {
  return fmt::format(
      "{{\"engine\": \"{}\", \"number\": \"{}\", \"topology\": \"{}\", \"replicas\": {}, \"runs\": {}, "
      "\"with_progress\": {}, \"served_min\": {}, \"masters_max\": {}, \"outages_us\": {}, \"whole_us\": {}}}",
      to_string(row.engine), row.topology->number, row.topology->name, row.topology->replicas, row.outcomes.size(),
      row.with_progress(), row.served_least(), row.masters_most(), samples(row.outages()), samples(row.recoveries()));
}

template <class T>
std::string list_of(const std::vector<T>& rows) {
  std::vector<std::string> parts;
  for (const T& row : rows) parts.push_back(json_of(row));
  return fmt::format("[{}]", fmt::join(parts, ", "));
}

}  // namespace

std::string to_text(const Comparison& comparison, const CompareOptions& options) {
  const Settings cell;
  std::string out = fmt::format(kIntroduction, ms(cell.link_min), ms(cell.link_max), ms(cell.sync_min),
                                ms(cell.sync_max), cell.data_bytes);
  out += kWrites + write_table(comparison) + kKinds + kind_table(comparison);
  out += fmt::format(kFailOver, options.seeds) + fail_over_table(comparison);
  out += fmt::format(kPartitions, sim::compare::kPartition.ms() / 1000, options.partition_seeds());
  return out + partition_table(comparison);
}

std::string to_json(const Comparison& comparison, const CompareOptions& options) {
  const Settings cell;
  return fmt::format(
      "{{\"seeds\": {}, \"link_us\": [{}, {}], \"sync_us\": [{}, {}], \"data_bytes\": {}, \"writes\": {}, "
      "\"fail_overs\": {}, \"partitions\": {}}}\n",
      options.seeds, cell.link_min.us, cell.link_max.us, cell.sync_min.us, cell.sync_max.us, cell.data_bytes,
      list_of(comparison.writes), list_of(comparison.fail_overs), list_of(comparison.partitions));
}

}  // namespace conclave::app::engines
