#include "app/bench/plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <ranges>
#include <vector>

namespace conclave::app::bench {
namespace {

constexpr double kWidth = 960;
constexpr double kHeight = 600;
constexpr double kLeft = 84;
constexpr double kRight = 24;

// The part of the picture that one quantity has.
struct Panel {
  double top, bottom;
};
constexpr Panel kLatency{.top = 70, .bottom = 390};
constexpr Panel kThroughput{.top = 430, .bottom = 540};

struct Curve {
  std::string_view name;
  std::string_view colour;
  uint64_t TimeSeries::Row::* value;
};
constexpr std::array<Curve, 3> kCurves = {{{"p50", "#1b6ca8", &TimeSeries::Row::p50_ns},
                                           {"p99", "#d98200", &TimeSeries::Row::p99_ns},
                                           {"max", "#b3261e", &TimeSeries::Row::max_ns}}};

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else
      out += c;
  }
  return out;
}

// A round step that cuts `range` into at most `parts`: 1, 2 or 5 times a power of ten.
double round_step(double range, double parts) {
  const double raw = range / parts;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (power * factor >= raw) return power * factor;
  return power * 10;
}

std::string latency_text(double ns) {
  if (ns < 1e6) return fmt::format("{:g} us", ns / 1e3);
  if (ns < 1e9) return fmt::format("{:g} ms", ns / 1e6);
  return fmt::format("{:g} s", ns / 1e9);
}

std::string rate_text(double per_s) {
  return per_s < 10'000 ? fmt::format("{:g}", per_s) : fmt::format("{:g} k", per_s / 1e3);
}

class Drawing {
 public:
  explicit Drawing(const TimeSeries& series)
      : series_(series), interval_s_(static_cast<double>(series.interval_ns()) / 1e9) {
    end_s_ = std::max(interval_s_, interval_s_ * static_cast<double>(series.rows().size()));
    double lowest_ns = 1e18, highest_ns = 0;
    for (const TimeSeries::Row& row : series.rows()) {
      if (row.count == 0) continue;
      lowest_ns = std::min(lowest_ns, static_cast<double>(std::max<uint64_t>(row.p50_ns, 1)));
      highest_ns = std::max(highest_ns, static_cast<double>(row.max_ns));
      peak_per_s_ = std::max(peak_per_s_, static_cast<double>(row.count) / interval_s_);
    }
    if (highest_ns == 0) lowest_ns = 1e5, highest_ns = 1e6;
    lowest_decade_ = std::floor(std::log10(lowest_ns));
    highest_decade_ = std::max(lowest_decade_ + 1, std::ceil(std::log10(highest_ns)));
  }

  std::string draw(std::string_view title, const std::optional<Mark>& mark) {
    out_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:g} {1:g}\" width=\"{0:g}\" height=\"{1:g}\" "
        "font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n"
        "<rect width=\"{0:g}\" height=\"{1:g}\" fill=\"white\"/>\n",
        kWidth, kHeight);
    text(kLeft, 26, "start", title, "font-size=\"16\"");
    legend();
    time_axis();
    latency_axis();
    throughput_axis();
    throughput();
    for (const Curve& curve : std::views::reverse(kCurves)) latency(curve);  // the median on top
    frame(kLatency);
    frame(kThroughput);
    if (mark) draw_mark(*mark);
    return out_ + "</svg>\n";
  }

 private:
  double x(double at_s) const { return kLeft + at_s / end_s_ * (kWidth - kLeft - kRight); }
  double y_of_latency(double ns) const {
    const double part = (std::log10(std::max(ns, 1.0)) - lowest_decade_) / (highest_decade_ - lowest_decade_);
    return kLatency.bottom - part * (kLatency.bottom - kLatency.top);
  }
  double y_of_rate(double per_s) const {
    return kThroughput.bottom - per_s / rate_top_ * (kThroughput.bottom - kThroughput.top);
  }
  double middle_s(size_t row) const { return (static_cast<double>(row) + 0.5) * interval_s_; }

  void text(double at_x, double at_y, std::string_view anchor, std::string_view words, std::string_view extra = "") {
    out_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" {}>{}</text>\n", at_x, at_y, anchor, extra,
                        escape(words));
  }
  void line(double x1, double y1, double x2, double y2, std::string_view style) {
    out_ += fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>\n", x1, y1, x2, y2, style);
  }
  void grid(double y, std::string_view label) {
    line(kLeft, y, kWidth - kRight, y, "stroke=\"#ddd\"");
    text(kLeft - 8, y + 4, "end", label);
  }
  void axis_title(const Panel& panel, std::string_view words) {
    const double middle = (panel.top + panel.bottom) / 2;
    text(18, middle, "middle", words, fmt::format("transform=\"rotate(-90 18 {:g})\"", middle));
  }
  void frame(const Panel& panel) {
    out_ += fmt::format("<rect x=\"{:g}\" y=\"{:g}\" width=\"{:g}\" height=\"{:g}\" fill=\"none\" stroke=\"#888\"/>\n",
                        kLeft, panel.top, kWidth - kLeft - kRight, panel.bottom - panel.top);
  }

  void legend() {
    double at = kLeft;
    for (const Curve& curve : kCurves) {
      line(at, 50, at + 24, 50, fmt::format("stroke=\"{}\" stroke-width=\"2.5\"", curve.colour));
      text(at + 30, 54, "start", curve.name);
      at += 80;
    }
    text(at, 54, "start", fmt::format("of the answers in each {:g} ms", interval_s_ * 1e3), "fill=\"#666\"");
  }

  void time_axis() {
    const double step = round_step(end_s_, 12);
    for (int i = 0; i * step <= end_s_ * 1.0001; ++i) {
      for (const Panel& panel : {kLatency, kThroughput})
        line(x(i * step), panel.top, x(i * step), panel.bottom, "stroke=\"#eee\"");
      text(x(i * step), kThroughput.bottom + 18, "middle", fmt::format("{:g}", i * step));
    }
    text((kLeft + kWidth - kRight) / 2, kThroughput.bottom + 40, "middle", "time, s");
  }

  void latency_axis() {
    const int decades = static_cast<int>(std::lround(highest_decade_ - lowest_decade_));
    for (int decade = 0; decade <= decades; ++decade) {
      const double ns = std::pow(10, lowest_decade_ + decade);
      grid(y_of_latency(ns), latency_text(ns));
      for (int i = 2; i < 10 && decade < decades; ++i)
        line(kLeft, y_of_latency(ns * i), kWidth - kRight, y_of_latency(ns * i), "stroke=\"#f4f4f4\"");
    }
    axis_title(kLatency, "latency (logarithmic)");
  }

  void throughput_axis() {
    const double step = round_step(std::max(peak_per_s_, 1.0), 3);
    rate_top_ = step * std::ceil(std::max(peak_per_s_, 1.0) / step);
    for (int i = 0; i * step <= rate_top_ * 1.0001; ++i) grid(y_of_rate(i * step), rate_text(i * step));
    axis_title(kThroughput, "operations/s");
  }

  void throughput() {
    const auto& rows = series_.rows();
    if (rows.empty()) return;
    std::string points = fmt::format("{:.1f},{:.1f}", x(0), kThroughput.bottom);
    for (size_t i = 0; i < rows.size(); ++i) {
      const double y = y_of_rate(static_cast<double>(rows[i].count) / interval_s_);
      const double from_s = static_cast<double>(i) * interval_s_;
      points += fmt::format(" {:.1f},{:.1f} {:.1f},{:.1f}", x(from_s), y, x(from_s + interval_s_), y);
    }
    points += fmt::format(" {:.1f},{:.1f}", x(end_s_), kThroughput.bottom);
    out_ += fmt::format("<polygon points=\"{}\" fill=\"#9db8cc\" stroke=\"#4a6f8a\"/>\n", points);
  }

  // One line for each stretch of intervals with answers; an interval alone is a dot.
  void latency(const Curve& curve) {
    const auto& rows = series_.rows();
    for (size_t i = 0; i < rows.size(); ++i) {
      if (rows[i].count == 0) continue;
      const size_t first = i;
      std::string points;
      for (; i < rows.size() && rows[i].count > 0; ++i)
        points += fmt::format("{}{:.1f},{:.1f}", points.empty() ? "" : " ", x(middle_s(i)),
                              y_of_latency(static_cast<double>(rows[i].*curve.value)));
      if (i - first == 1)
        out_ += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2\" fill=\"{}\"/>\n", x(middle_s(first)),
                            y_of_latency(static_cast<double>(rows[first].*curve.value)), curve.colour);
      else
        out_ += fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\"/>\n", points,
                            curve.colour);
    }
  }

  void draw_mark(const Mark& mark) {
    const double at = x(mark.at_s);
    line(at, kLatency.top, at, kThroughput.bottom, "stroke=\"#000\" stroke-width=\"1.5\" stroke-dasharray=\"5 4\"");
    const bool on_the_left = mark.at_s > end_s_ / 2;
    text(at + (on_the_left ? -6 : 6), kLatency.top + 16, on_the_left ? "end" : "start", mark.label,
         "font-weight=\"bold\"");
  }

  const TimeSeries& series_;
  double interval_s_;
  double end_s_ = 0;
  double peak_per_s_ = 0;
  double rate_top_ = 1;
  double lowest_decade_ = 0;
  double highest_decade_ = 0;
  std::string out_;
};

}  // namespace

std::string draw_svg(const TimeSeries& series, std::string_view title, const std::optional<Mark>& mark) {
  return Drawing(series).draw(title, mark);
}

void add_plot(Report* report, const Options& options, const TimeSeries& series, const std::optional<Mark>& mark) {
  if (options.svg_file.empty()) return;
  report->svg = draw_svg(series,
                         fmt::format("{} of {} B, {} connections x {} outstanding", to_string(options.workload),
                                     options.size_bytes, options.connections, options.outstanding),
                         mark);
}

}  // namespace conclave::app::bench
