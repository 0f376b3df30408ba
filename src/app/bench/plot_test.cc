#include "app/bench/plot.h"

#include <gtest/gtest.h>

namespace conclave::app::bench {
namespace {

size_t count_of(std::string_view text, std::string_view what) {
  size_t n = 0;
  for (size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

// One second in tenths: 1 ms, then silence for three, then 100 ms.
TimeSeries with_a_gap() {
  TimeSeries series(100'000'000);
  for (const uint64_t tenth : {0, 1, 2, 6, 7, 8, 9})
    series.record(tenth * 100'000'000, tenth < 3 ? 1'000'000 : 99'000'000);
  series.end(1'000'000'000);
  return series;
}

TEST(Plot, HasAxesUnitsALegendAndTheTitle) {
  const std::string svg = draw_svg(with_a_gap(), "writes <1 KiB & more", {});
  EXPECT_TRUE(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  for (const std::string_view words :
       {"writes &lt;1 KiB &amp; more", ">time, s<", ">latency (logarithmic)<", ">operations/s<", ">p50<", ">p99<",
        ">max<", ">1 ms<", ">10 ms<", ">100 ms<", "in each 100 ms", ">0.5<"})
    EXPECT_NE(svg.find(words), std::string::npos) << words;
}

TEST(Plot, SilenceLeavesAHoleInTheLatency) {
  EXPECT_EQ(count_of(draw_svg(with_a_gap(), "", {}), "<polyline"), 6u) << "three curves in two pieces";
}

TEST(Plot, TheAxisIsLogarithmic) {
  TimeSeries series(100);
  series.record(0, 1'000'000);
  series.record(200, 10'000'000);
  series.record(400, 100'000'000);
  series.end(500);
  const std::string svg = draw_svg(series, "", {});
  // The panel goes from 390 (1 ms) to 70 (100 ms): the middle decade is in the middle.
  for (const std::string_view dot : {"cy=\"390.0\"", "cy=\"70.0\""}) EXPECT_EQ(count_of(svg, dot), 3u) << dot;
  EXPECT_NE(svg.find("cy=\"23"), std::string::npos) << "10 ms, to the accuracy of the histogram, at 230";
}

TEST(Plot, MarksTheInstant) {
  EXPECT_EQ(draw_svg(with_a_gap(), "", {}).find("stroke-dasharray"), std::string::npos);
  const std::string svg = draw_svg(with_a_gap(), "", Mark{.at_s = 0.25, .label = "SIGKILL"});
  EXPECT_NE(svg.find(">SIGKILL<"), std::string::npos);
  EXPECT_NE(svg.find("x1=\"297.0\" y1=\"70.0\" x2=\"297.0\" y2=\"540.0\""), std::string::npos)
      << "a quarter of the way from 84 to 936, over both panels";
}

TEST(Plot, AnEmptySeriesIsAPictureToo) {
  TimeSeries series(100);
  EXPECT_TRUE(draw_svg(series, "nothing", {}).ends_with("</svg>\n"));
}

}  // namespace
}  // namespace conclave::app::bench
