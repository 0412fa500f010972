#include "stats/performance.hpp"

#include "engine/base/error.hpp"
#include "stats/resample.hpp"
#include "stats/tear_sheet.hpp"
#include "tests/stats/measured.hpp"
#include "tests/stats/samples.hpp"

#include <doctest/doctest.h>
#include <limits>

using namespace walras;
using namespace walras::stats;

namespace {

std::string reason(std::string_view metric, const ReturnSeries& series) {
  const Evidence evidence = measure(metric, series);
  CHECK_FALSE(evidence.estimate.has_value());
  return evidence.reason;
}

}  // namespace

TEST_CASE("published values of ratios come out") {
  // esvhd/pypbo: tests/test_metrics.py
  const ReturnSeries yearly = spaced({.259, .198, .364, -.081, .057, .055, .188, .317, .24, .184, -.01, .526}, 1, 365.25);
  CHECK(estimate("sharpe", yearly, {.risk_free = .05}) == near(0.834364, 1e-6));
  CHECK(estimate("sortino", spaced({.17, .15, .23, -.05, .12, .09, .13, -.04}, 1, 365.25)) == near(4.417261, 1e-6));
  const ReturnSeries omega =
      spaced({.0089, .0012, -.002, .01, -.0002, .02, .03, .01, -.003, .01, .0102, -.01}, 1, 365.25);
  CHECK(estimate("omega", omega, {.minimum_acceptable = .01}) == near(0.4639017, 1e-6));
  // Bacon: .0255 and .04 as printed; six digits recomputed
  CHECK(estimate("downside_deviation", bacon(1), {.minimum_acceptable = .005}) == near(0.025537, 2e-5));
  CHECK(estimate("pain_index", bacon(1)) == near(0.039990, 2e-5));
  // pypbo: a wealth ratio of 1.673150317863489 over 827 days of 365
  std::vector<double> returns(827, 0);
  returns[400] = 0.673150317863489;
  CHECK(estimate("cagr_periods", spaced(std::move(returns), 365)) == near(0.25504157961707952, 1e-10));
}

TEST_CASE("metrics equal their formulas written out") {
  const std::vector<double> r{0.02, -0.01, 0.03, -0.04, 0.01, 0.0, 0.015, -0.005};
  const ReturnSeries series = spaced(r, 252);
  double mean = 0;
  for (const double x : r) mean += x / 8;
  double m2 = 0, m3 = 0, m4 = 0;
  for (const double x : r) {
    m2 += std::pow(x - mean, 2) / 8;
    m3 += std::pow(x - mean, 3) / 8;
    m4 += std::pow(x - mean, 4) / 8;
  }
  const double sd = std::sqrt(m2 * 8 / 7);
  double growth = 1;
  for (const double x : r) growth *= 1 + x;
  CHECK(estimate("total_return", series) == near(growth - 1));
  CHECK(estimate("cagr", series) == near(std::pow(growth, 365.25 / 8) - 1, 1e-10));
  CHECK(estimate("cagr_periods", series) == near(std::pow(growth, 252.0 / 8) - 1, 1e-10));
  CHECK(estimate("mean_return", series) == near(mean * 252));
  CHECK(estimate("volatility", series) == near(sd * std::sqrt(252.0)));
  CHECK(estimate("sharpe", series) == near(mean / sd * std::sqrt(252.0)));
  CHECK(estimate("skewness", series) == near(m3 / std::pow(m2, 1.5)));
  CHECK(estimate("raw_kurtosis", series) == near(m4 / (m2 * m2)));
  CHECK(estimate("gain_to_pain", series) == near((0.02 + 0.03 + 0.01 + 0.015 - 0.055) / 0.055));
  CHECK(estimate("hit_rate", series) == near(4.0 / 7));
  CHECK(estimate("payoff", series) == near((0.075 / 4) / (0.055 / 3)));
  CHECK(estimate("best_period", series) == 0.03);
  CHECK(estimate("worst_period", series) == -0.04);
  // type 7: position .05 * 7 = .35 between -.04 and -.01
  CHECK(estimate("var_historical", series) == near(0.04 - 0.35 * 0.03));
  CHECK(estimate("cvar_historical", series) == near(0.04));
  CHECK(estimate("tail_ratio", series) == near((0.02 + 0.65 * 0.01) / (0.04 - 0.35 * 0.03)));
  CHECK(estimate("var_gaussian", series) == near(-mean + 1.6448536269514722 * sd));
  CHECK(estimate("cvar_gaussian", series) == near(-mean + 0.10313564037537128 / 0.05 * sd, 1e-9));
}

TEST_CASE("the Cornish-Fisher CVaR is the mean of its quantiles below the tail") {
  std::vector<double> r = normals(4000, 0.0003, 0.01, 3);
  for (std::size_t t = 0; t < r.size(); t += 40) r[t] -= 0.015;
  const ReturnSeries series = spaced(r, 252);
  const int steps = 200'000;
  double sum = 0;
  for (int i = 0; i < steps; ++i) {
    Conventions conventions;
    const double u = 0.05 * (i + 0.5) / steps;
    // The quantile at u, written out from the metrics it uses.
    static const double mean = estimate("mean_return", series) / 252;
    static const double sd = estimate("volatility", series) / std::sqrt(252.0);
    static const double s = estimate("skewness", series);
    static const double k = estimate("raw_kurtosis", series) - 3;
    double low = -9, high = 0;  // bisection for the normal quantile
    for (int j = 0; j < 60; ++j) ((std::erfc(-(low + high) / 2 / std::sqrt(2.0)) / 2 < u) ? low : high) = (low + high) / 2;
    const double z = (low + high) / 2;
    sum += mean + sd * (z + (z * z - 1) * s / 6 + (z * z * z - 3 * z) * k / 24 -
                        (2 * z * z * z - 5 * z) * s * s / 36);
  }
  CHECK(estimate("cvar_cornish_fisher", series) == near(-sum / steps, 1e-4));
  CHECK(estimate("cvar_cornish_fisher", series) > estimate("var_cornish_fisher", series));
}

TEST_CASE("rule 3: one yearly risk-free rate becomes one rate a period, in every ratio") {
  CHECK(per_period_rate(0.05, 252) == near(std::pow(1.05, 1.0 / 252) - 1));
  const ReturnSeries series = spaced(normals(500, 0.0008, 0.01, 1), 252);
  ReturnSeries less = series;
  for (double& r : less.returns) r -= per_period_rate(0.05, 252);
  CHECK(estimate("sharpe", series, {.risk_free = 0.05}) == near(estimate("sharpe", less), 1e-10));
}

TEST_CASE("rule 4: a rolling Sharpe ratio is annualised by the bar frequency, not by the window") {
  const ReturnSeries series = spaced(normals(300, 0.0008, 0.01, 2), 252);
  const auto rolling = rolling_sharpe(series, 63);
  CHECK_FALSE(rolling[61].has_value());
  ReturnSeries window = series;
  window.times.erase(window.times.begin(), window.times.begin() + 100);
  window.returns.erase(window.returns.begin(), window.returns.begin() + 100);
  window.times.resize(63);
  window.returns.resize(63);
  window.start.reset();
  REQUIRE(rolling[162].has_value());
  CHECK(*rolling[162] == near(estimate("sharpe", window), 1e-10));
  CHECK(*rolling_volatility(series, 63)[162] == near(estimate("volatility", window), 1e-10));
  CHECK(*rolling_beta(series, series.returns, 63)[162] == near(1));
  const auto constant = rolling_sharpe(spaced(std::vector<double>(10, 0.01), 252), 5);
  CHECK_FALSE(constant[9].has_value());
}

TEST_CASE("rule 5: downside deviation divides by all observations") {
  const ReturnSeries series = spaced({0.02, -0.01, 0.03, -0.02}, 1, 365.25);
  CHECK(estimate("downside_deviation", series) == near(std::sqrt((0.0001 + 0.0004) / 4)));
}

TEST_CASE("rule 6: drawdowns start from capital, recover at or above the peak, or are ongoing") {
  const ReturnSeries series = spaced({-0.1, 1.0 / 9 + 1e-15, 0.1, -0.05, -0.05, 0.02}, 252);
  CHECK(estimate("max_drawdown", series) == near(0.1));
  const std::vector<Drawdown> worst = worst_drawdowns(series);
  REQUIRE(worst.size() == 2);
  CHECK(worst[0].peak == 0);
  CHECK(worst[0].peak_time == kFirstOf2020);
  CHECK(worst[0].trough == 1);
  REQUIRE(worst[0].recovery.has_value());
  CHECK(*worst[0].recovery == 2);
  CHECK_FALSE(worst[1].recovery_time.has_value());
  CHECK(worst[1].depth == near(1 - 0.95 * 0.95));
  CHECK(worst[1].length == Nanos{3 * kNanosPerDay});
  CHECK(estimate("longest_drawdown", series) == 3);
  CHECK(worst_drawdowns(series, 1).size() == 1);
}

TEST_CASE("rule 6: intraday lows deepen a drawdown, and are an option") {
  const std::vector<double> r{0.1, -0.02, 0.05};
  const std::vector<double> lows{-0.3, -0.04, 0.0};
  CHECK(underwater(r)[1] == near(0.02));
  const std::vector<double> deep = underwater(r, lows);
  CHECK(deep[0] == near(0.3));
  CHECK(deep[1] == near(0.04));
  CHECK(deep[2] == near(1 - 0.98));
}

TEST_CASE("rule 7: kurtosis carries its word, and a normal sample has about 3") {
  CHECK(estimate("raw_kurtosis", spaced(normals(80'000, 0, 1e-4, 5), 252)) == doctest::Approx(3).epsilon(0.03));
}

TEST_CASE("rule 8: adding a benchmark changes no strategy metric") {
  const ReturnSeries series = spaced(normals(200, 0.0005, 0.01, 1), 252);
  const ReturnSeries benchmark = spaced(normals(180, 0.0003, 0.01, 2), 252);
  const Resamples resamples{.replicates = 50, .mean_block = 3};
  const auto alone = measure_with_intervals(series, {}, nullptr, resamples);
  const auto beside = measure_with_intervals(series, {}, &benchmark, resamples);
  CHECK(beside.size() > alone.size());
  for (std::size_t k = 0; k < alone.size(); ++k) CHECK(to_json(alone[k]) == to_json(beside[k]));
  CHECK(find(beside, "beta").method.find("20 periods without a benchmark value") != std::string::npos);
}

TEST_CASE("rule 9: leading zeros are counted and shown") {
  TearSheetInput input;
  input.net = spaced({0, 0, 0, 0.01, 0, -0.01}, 252);
  input.resamples.replicates = 0;
  const auto sheet = tear_sheet(input);
  CHECK(*find(sheet, "leading_zeros").estimate == 3);
  CHECK(*find(sheet, "zero_returns").estimate == 4);
}

TEST_CASE("benchmark metrics equal their definitions") {
  const std::vector<double> b = normals(400, 0.0004, 0.012, 8);
  std::vector<double> x = normals(400, 0.0002, 0.004, 9);
  for (std::size_t t = 0; t < b.size(); ++t) x[t] += 0.7 * b[t];
  const ReturnSeries series = spaced(x, 252);
  const ReturnSeries benchmark = spaced(b, 252);
  const auto get = [&](std::string_view name) { return estimate(name, series, {.risk_free = 0.02}, &benchmark); };
  double mx = 0, mb = 0;
  for (std::size_t t = 0; t < 400; ++t) {
    mx += x[t] / 400;
    mb += b[t] / 400;
  }
  double sxb = 0, sbb = 0, sdd = 0, up_x = 0, up_b = 0, ups = 0;
  for (std::size_t t = 0; t < 400; ++t) {
    sxb += (x[t] - mx) * (b[t] - mb);
    sbb += (b[t] - mb) * (b[t] - mb);
    sdd += std::pow(x[t] - b[t] - (mx - mb), 2);
    if (b[t] > 0) {
      up_x += std::log1p(x[t]);
      up_b += std::log1p(b[t]);
      ups += 1;
    }
  }
  const double rf = per_period_rate(0.02, 252);
  CHECK(get("beta") == near(sxb / sbb, 1e-10));
  CHECK(get("alpha") == near((mx - rf - sxb / sbb * (mb - rf)) * 252, 1e-9));
  CHECK(get("tracking_error") == near(std::sqrt(sdd / 399 * 252), 1e-10));
  CHECK(get("information_ratio") == near((mx - mb) / std::sqrt(sdd / 399) * std::sqrt(252.0), 1e-9));
  CHECK(get("up_capture") == near(std::expm1(up_x / ups) / std::expm1(up_b / ups), 1e-10));
  CHECK(estimate("benchmark_correlation", benchmark, {}, &benchmark) == near(1, 1e-12));
  CHECK(measure("information_ratio", benchmark, {}, &benchmark).reason == "the returns do not differ from the benchmark's");
}

TEST_CASE("constant returns, no returns, one day and ruin give reasons, never NaN") {
  const std::vector<std::vector<double>> cases{{}, {0.01}, {0}, std::vector<double>(50, 0.001), std::vector<double>(50, 0.0),
                                               {0.01, -1, 0}, {-1}, {0.5, 0.5, 0.5, 0.4}};
  const ReturnSeries benchmark = spaced(std::vector<double>(60, 0.002), 252);
  for (const std::vector<double>& returns : cases) {
    TearSheetInput input;
    input.net = spaced(returns, 252);
    input.benchmark = &benchmark;
    input.trading = TradingFigures{};
    input.resamples.replicates = 20;
    for (const Evidence& evidence : tear_sheet(input)) {
      CAPTURE(returns.size());
      CAPTURE(evidence.name);
      CHECK(evidence.estimate.has_value() != !evidence.reason.empty());
      CHECK_NOTHROW((void)to_json(evidence).dump());
    }
  }
  CHECK(reason("sharpe", spaced(std::vector<double>(50, 0.001), 252)) == "the returns have no variance");
  CHECK(reason("sharpe", spaced({0.01}, 252)) == "one period tells nothing of the variance");
  CHECK(reason("calmar", spaced({0.01, 0.02, 0.01, 0.01, 0.01, 0.01, 0.01}, 252)) ==
        "the equity never fell below a former peak");
  CHECK(reason("cagr", spaced({0.01}, 252)).find("shorter than a week") != std::string::npos);
}

TEST_CASE("peer error: ruin is -100 %, not a number from an absolute value") {
  const ReturnSeries series = spaced({0.5, -1, 0, 0, 0, 0, 0, 0}, 252);
  CHECK(estimate("total_return", series) == -1);
  CHECK(estimate("cagr", series) == -1);
  CHECK(estimate("max_drawdown", series) == 1);
}

TEST_CASE("peer error: monthly data is not annualised with 252") {
  const ReturnSeries series = spaced(std::vector<double>{0.01, -0.002, 0.005, 0.004, 0.01, -0.01, 0.006, 0.007, 0.003,
                                                          0.002, 0.008, 0.005}, 12, 30.4375);
  CHECK(estimate("cagr", series) == doctest::Approx(estimate("total_return", series)).epsilon(1e-3));
  CHECK(infer_calendar(series.times).periods_per_year == 12);
}

TEST_CASE("peer error: returns above 1 are not taken for prices") {
  CHECK(estimate("sharpe", spaced({0.1, 1.5, 0.2, 2.0, 0.3}, 1, 365.25)) > 0);
  CHECK(estimate("total_return", spaced({1.0, 1.0}, 1, 365.25)) == near(3));
}

TEST_CASE("peer error: the information ratio is annualised") {
  const ReturnSeries benchmark = spaced(normals(100, 0, 0.01, 1), 252);
  const ReturnSeries series = spaced(normals(100, 0.001, 0.01, 2), 252);
  ReturnSeries yearly = series;
  yearly.periods_per_year = 1;
  CHECK(estimate("information_ratio", series, {}, &benchmark) ==
        near(std::sqrt(252.0) * estimate("information_ratio", yearly, {}, &benchmark), 1e-12));
}

TEST_CASE("peer error: CVaR is never below VaR, Gaussian or historical") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const ReturnSeries series = spaced(normals(100 + seed, 0.001, 0.02, seed), 252);
    CHECK(estimate("cvar_gaussian", series) > estimate("var_gaussian", series));
    CHECK(estimate("cvar_historical", series) >= estimate("var_historical", series));
  }
}

TEST_CASE("peer error: the Sharpe ratio divides by the deviation of excess returns") {
  const ReturnSeries series = spaced(normals(100, 0.001, 0.02, 4), 252);
  const double shifted = estimate("sharpe", series, {.risk_free = 0.03});
  const double direct = (estimate("mean_return", series) - per_period_rate(0.03, 252) * 252) / estimate("volatility", series);
  CHECK(shifted == near(direct, 1e-12));
}

TEST_CASE("peer error: time in market is not rounded") {
  const auto figures = trading_metrics({.exposure = 0.12345}, {});
  CHECK(*find(figures, "exposure").estimate == 0.12345);
}

TEST_CASE("trading metrics resample trades and survive none, one, and only winners") {
  const auto none = trading_metrics({}, {});
  CHECK(find(none, "trade_hit_rate").reason == "no round trips");
  CHECK(*find(none, "trades").estimate == 0);
  const auto one = trading_metrics({.trades = {{5}}}, {});
  CHECK(*find(one, "trade_expectancy").estimate == 5);
  const auto wins = trading_metrics({.trades = {{5}, {6}, {7}}}, {.replicates = 200});
  CHECK(find(wins, "profit_factor").reason == "no losing round trip");
  CHECK(find(wins, "trade_expectancy").interval.has_value());
  std::vector<double> many = normals(400, 1, 10, 3);
  std::vector<TradeFacts> trips;
  for (const double profit : many) trips.push_back({.profit = profit});
  const auto mixed = trading_metrics({.turnover = 2, .trades = trips}, {.replicates = 500});
  const Evidence& rate = find(mixed, "trade_hit_rate");
  REQUIRE(rate.interval.has_value());
  CHECK(rate.interval->low < *rate.estimate);
  CHECK(rate.interval->high > *rate.estimate);
  // about +-1.96 sqrt(p (1 - p) / n)
  CHECK(rate.interval->high - rate.interval->low == doctest::Approx(2 * 1.96 * 0.5 / 20).epsilon(0.15));
}

TEST_CASE("months and years compound to the whole") {
  const ReturnSeries series = spaced(normals(800, 0.0005, 0.01, 6), 365);
  const std::vector<YearReturns> years = yearly_returns(series);
  REQUIRE(years.size() == 3);
  CHECK(years[0].year == 2020);
  CHECK(years[2].year == 2022);
  CHECK_FALSE(years[2].months[11].has_value());
  double whole = 1;
  for (const YearReturns& year : years) {
    double months = 1;
    for (const auto& month : year.months) months *= 1 + month.value_or(0);
    CHECK(months - 1 == near(year.total, 1e-10));
    whole *= 1 + year.total;
  }
  CHECK(whole - 1 == near(estimate("total_return", series), 1e-10));
}

TEST_CASE("intervals surround, paths have ranges, and threads change no bit") {
  const ReturnSeries series = spaced(normals(600, 0.0006, 0.01, 12), 252);
  const auto sheet = measure_with_intervals(series, {}, nullptr, {.replicates = 400, .seed = 3});
  for (const std::string name : {"mean_return", "sharpe", "volatility", "cagr", "sortino", "var_historical"}) {
    const Evidence& evidence = find(sheet, name);
    CAPTURE(name);
    REQUIRE(evidence.interval.has_value());
    CHECK(evidence.interval->low < *evidence.estimate);
    CHECK(evidence.interval->high > *evidence.estimate);
    CHECK_FALSE(evidence.range.has_value());
  }
  CHECK(find(sheet, "max_drawdown").range.has_value());
  CHECK_FALSE(find(sheet, "max_drawdown").interval.has_value());
}

TEST_CASE("resampled metrics equal the metric of the written-out resample") {
  const ReturnSeries series = spaced(normals(120, 0.0006, 0.01, 12), 252);
  const ReturnSeries benchmark = spaced(normals(120, 0.0004, 0.01, 13), 252);
  const auto list = measure(series, {}, &benchmark);
  const Resamples resamples{.replicates = 300, .mean_block = 4, .seed = 5};
  const auto sheet = measure_with_intervals(series, {}, &benchmark, resamples);
  const ResamplePlan plan{120, 300, 4, 5};
  std::vector<std::vector<double>> naive(list.size());
  for (std::size_t b = 0; b < plan.replicates; ++b) {
    ReturnSeries sample = series;
    ReturnSeries against = benchmark;
    const std::vector<std::uint32_t> indices = draw_indices(plan, b);
    for (std::size_t t = 0; t < indices.size(); ++t) {
      sample.returns[t] = series.returns[indices[t]];
      against.returns[t] = benchmark.returns[indices[t]];
    }
    const auto values = measure(sample, {}, &against);
    for (std::size_t k = 0; k < values.size(); ++k) {
      if (values[k].estimate) naive[k].push_back(*values[k].estimate);
    }
  }
  const std::vector<MetricInfo> info = metric_list();
  for (std::size_t k = 0; k < list.size(); ++k) {
    CAPTURE(list[k].name);
    if (info[k].resampling == Resampling::None || list[k].name == "sharpe" || list[k].name == "mean_return") continue;
    const Bounds bounds = percentile_bounds(naive[k], 0.95);
    const auto& got = info[k].resampling == Resampling::Interval ? sheet[k].interval : sheet[k].range;
    if (!got) {  // undefined in too many resamples
      CHECK(naive[k].size() < 300);
      continue;
    }
    CHECK(got->low == doctest::Approx(bounds.low).epsilon(1e-9));
    CHECK(got->high == doctest::Approx(bounds.high).epsilon(1e-9));
  }
}

TEST_CASE("evidence survives the way through JSON") {
  Evidence evidence = measure("sharpe", spaced(normals(50, 0.001, 0.01, 1), 252));
  evidence.interval = Bounds{-1, 2};
  evidence.p_value = 0.25;
  evidence.null = "none";
  const Evidence back = evidence_from_json("sharpe", Json::parse(to_json(evidence).dump()));
  CHECK(to_json(back) == to_json(evidence));
  evidence.estimate = std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS((void)to_json(evidence), Error);
}

TEST_CASE("in-sample figures are means over folds") {
  const auto one = measure(spaced({0.01, -0.02, 0.03, 0.01, 0.01, -0.01, 0.02, 0.01}, 252));
  const auto two = measure(spaced(std::vector<double>(8, 0.01), 252));
  const std::vector<std::vector<Evidence>> folds{one, two};
  const auto mean = average(folds);
  CHECK(*find(mean, "mean_return").estimate ==
        near((*find(one, "mean_return").estimate + *find(two, "mean_return").estimate) / 2));
  CHECK(*find(mean, "sharpe").estimate == *find(one, "sharpe").estimate);
  CHECK(find(mean, "sharpe").method == "mean over 1 of 2 folds");
}
