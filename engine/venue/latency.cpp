#include "engine/venue/latency.hpp"

#include "engine/base/archive.hpp"
#include "engine/base/error.hpp"
#include "engine/base/registry.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

namespace walras::engine {
namespace {

template <class Params>
void scale_fields(auto& field) {
  field("replace_scale", &Params::replace_scale, {.min = 0, .max = 1000, .doc = "entry delay of a replace, as a multiple"});
  field("cancel_scale", &Params::cancel_scale, {.min = 0, .max = 1000, .doc = "entry delay of a cancel, as a multiple"});
}
double scale_of(const auto& params, Request request) {
  return request == Request::New ? 1 : request == Request::Replace ? params.replace_scale : params.cancel_scale;
}

constexpr double kLongest = 1e15;  // 11.6 days; longer delays are mistakes in a unit

class None final : public LatencyModel {
 public:
  struct Params {
    static void fields(auto&&) {}
  };
  None(Params, Rng) {}
  Nanos feed(Nanos, Nanos) noexcept override { return {}; }
  Nanos entry(Nanos, Request) noexcept override { return {}; }
  Nanos response(Nanos) noexcept override { return {}; }
};

class Constant final : public LatencyModel {
 public:
  struct Params {
    std::int64_t feed_ns = 50'000;
    std::int64_t entry_ns = 50'000;
    std::int64_t response_ns = 50'000;
    std::optional<std::int64_t> replace_ns, cancel_ns;
    static void fields(auto&& field) {
      field("feed_ns", &Params::feed_ns,
            {.unit = "ns", .min = 0, .max = kLongest, .doc = "venue to trader, public events"});
      field("entry_ns", &Params::entry_ns,
            {.unit = "ns", .min = 0, .max = kLongest, .doc = "decision to venue"});
      field("response_ns", &Params::response_ns,
            {.unit = "ns", .min = 0, .max = kLongest, .doc = "venue to trader, fills and answers"});
      field("replace_ns", &Params::replace_ns,
            {.unit = "ns", .min = 0, .max = kLongest, .doc = "of a replace; absent: as entry_ns"});
      field("cancel_ns", &Params::cancel_ns,
            {.unit = "ns", .min = 0, .max = kLongest, .doc = "of a cancel; absent: as entry_ns"});
    }
  };
  Constant(const Params& params, Rng)
      : feed_{params.feed_ns},
        entry_{Nanos{params.entry_ns}, Nanos{params.replace_ns.value_or(params.entry_ns)}, Nanos{params.cancel_ns.value_or(params.entry_ns)}},
        response_{params.response_ns} {}
  Nanos feed(Nanos, Nanos) noexcept override { return feed_; }
  Nanos entry(Nanos, Request request) noexcept override { return entry_[static_cast<std::size_t>(request)]; }
  Nanos response(Nanos) noexcept override { return response_; }

 private:
  Nanos feed_;
  std::array<Nanos, 3> entry_;
  Nanos response_;
};

class Lognormal final : public LatencyModel {
 public:
  struct Params {
    double feed_median_ns = 50'000;
    double entry_median_ns = 50'000;
    double response_median_ns = 50'000;
    double sigma = 0.5;
    double replace_scale = 1, cancel_scale = 1;
    static void fields(auto&& field) {
      field("feed_median_ns", &Params::feed_median_ns,
            {.unit = "ns",
             .min = 0,
             .max = kLongest,
             .doc = "median, venue to trader, public events"});
      field("entry_median_ns", &Params::entry_median_ns,
            {.unit = "ns", .min = 0, .max = kLongest, .doc = "median, decision to venue"});
      field("response_median_ns", &Params::response_median_ns,
            {.unit = "ns",
             .min = 0,
             .max = kLongest,
             .doc = "median, venue to trader, fills and answers"});
      field("sigma", &Params::sigma,
            {.min = 0, .max = 5, .doc = "standard deviation of the log of each delay"});
      scale_fields<Params>(field);
    }
  };
  // One stream a leg: how many orders are sent does not move the delays of the feed.
  Lognormal(Params params, Rng random)
      : params_(params),
        feed_(random.child("feed")),
        entry_(random.child("entry")),
        response_(random.child("response")) {}
  Nanos feed(Nanos, Nanos) noexcept override { return draw(params_.feed_median_ns, feed_); }
  Nanos entry(Nanos, Request request) noexcept override {
    return draw(params_.entry_median_ns * scale_of(params_, request), entry_);
  }
  Nanos response(Nanos) noexcept override { return draw(params_.response_median_ns, response_); }
  void state(Archive& archive) override { archive(feed_, entry_, response_); }

 private:
  Nanos draw(double median, Rng& random) const noexcept {
    const double delay = median * std::exp(params_.sigma * random.normal());
    return {static_cast<std::int64_t>(std::min(delay, kLongest))};
  }

  Params params_;
  Rng feed_, entry_, response_;
};

Nanos whole(double delay) { return {static_cast<std::int64_t>(std::clamp(delay, 0.0, kLongest))}; }

/// minimum + a gamma variate on each leg: mean - minimum = shape x scale.
class Gamma final : public LatencyModel {
 public:
  struct Params {
    double minimum_ns = 20'000;
    double feed_mean_ns = 50'000, entry_mean_ns = 50'000, response_mean_ns = 50'000;
    double shape = 2;
    double replace_scale = 1, cancel_scale = 1;
    static void fields(auto&& field) {
      field("minimum_ns", &Params::minimum_ns, {.unit = "ns", .min = 0, .max = kLongest, .doc = "shortest delay of each leg"});
      field("feed_mean_ns", &Params::feed_mean_ns, {.unit = "ns", .min = 0, .max = kLongest, .doc = "mean, venue to trader, public events; at least the minimum"});
      field("entry_mean_ns", &Params::entry_mean_ns, {.unit = "ns", .min = 0, .max = kLongest, .doc = "mean, decision to venue"});
      field("response_mean_ns", &Params::response_mean_ns, {.unit = "ns", .min = 0, .max = kLongest, .doc = "mean, venue to trader, fills and answers"});
      field("shape", &Params::shape, {.min = 0.1, .max = 1000, .doc = "of the gamma distribution beyond the minimum; 1 = exponential"});
      scale_fields<Params>(field);
    }
  };
  Gamma(const Params& params, Rng random)
      : params_(params), feed_(random.child("feed")), entry_(random.child("entry")), response_(random.child("response")) {}
  Nanos feed(Nanos, Nanos) noexcept override { return draw(params_.feed_mean_ns, feed_); }
  Nanos entry(Nanos, Request request) noexcept override {
    const Nanos delay = draw(params_.entry_mean_ns, entry_);
    return request == Request::New ? delay : whole(static_cast<double>(delay.value) * scale_of(params_, request));
  }
  Nanos response(Nanos) noexcept override { return draw(params_.response_mean_ns, response_); }
  void state(Archive& archive) override { archive(feed_, entry_, response_); }

 private:
  Nanos draw(double mean, Rng& random) const noexcept {
    const double beyond = std::max(0.0, mean - params_.minimum_ns);
    return whole(params_.minimum_ns + beyond / params_.shape * gamma(params_.shape, random));
  }
  /// Marsaglia and Tsang (2000); shapes below one by a power of a uniform.
  static double gamma(double shape, Rng& random) noexcept {
    if (shape < 1) return gamma(shape + 1, random) * std::pow(random.uniform(), 1 / shape);
    const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
    for (;;) {
      const double x = random.normal(), root = 1 + c * x;
      if (root <= 0) continue;
      const double v = root * root * root, u = random.uniform();
      if (std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
    }
  }
  Params params_;
  Rng feed_, entry_, response_;
};

/// minimum + unit x a / x^3, x uniform on (clip, 1].
class Cubic final : public LatencyModel {
 public:
  struct Params {
    double minimum_ns = 20'000;
    double a = 0.5, clip = 0.1;
    double replace_scale = 1, cancel_scale = 1;
    static void fields(auto&& field) {
      field("minimum_ns", &Params::minimum_ns, {.unit = "ns", .min = 0, .max = kLongest, .doc = "delay on top of which the jitter comes; its unit is a tenth of it"});
      field("a", &Params::a, {.min = 0, .max = 1000, .doc = "size of the jitter a / x^3"});
      field("clip", &Params::clip, {.min = 0.001, .max = 0.999, .doc = "x is uniform between this and 1"});
      scale_fields<Params>(field);
    }
  };
  Cubic(const Params& params, Rng random)
      : params_(params), feed_(random.child("feed")), entry_(random.child("entry")), response_(random.child("response")) {}
  Nanos feed(Nanos, Nanos) noexcept override { return draw(1, feed_); }
  Nanos entry(Nanos, Request request) noexcept override { return draw(scale_of(params_, request), entry_); }
  Nanos response(Nanos) noexcept override { return draw(1, response_); }
  void state(Archive& archive) override { archive(feed_, entry_, response_); }

 private:
  Nanos draw(double scale, Rng& random) const noexcept {
    const double x = params_.clip + (1 - params_.clip) * (1 - random.uniform());
    return whole(scale * (params_.minimum_ns + params_.a / (x * x * x) * params_.minimum_ns / 10));
  }
  Params params_;
  Rng feed_, entry_, response_;
};

/// Delays that were measured, as rows of time sent, time at the venue and time of the answer: interpolated between rows,
/// and the nearest row's beyond them; or drawn from the rows one by one.
class Measured final : public LatencyModel {
 public:
  struct Params {
    std::vector<double> sent_s, entry_ns, response_ns;
    double feed_ns = 0;
    bool draw = false;
    double replace_scale = 1, cancel_scale = 1;
    static void fields(auto&& field) {
      field("sent_s", &Params::sent_s, {.unit = "s", .min = -1e10, .max = 1e10, .doc = "when each measured order was sent, since 1970 (generated markets: since the start); ascending"});
      field("entry_ns", &Params::entry_ns, {.unit = "ns", .min = 0, .max = kLongest, .required = true, .doc = "its way to the venue"});
      field("response_ns", &Params::response_ns, {.unit = "ns", .min = 0, .max = kLongest, .required = true, .doc = "the way of its answer"});
      field("feed_ns", &Params::feed_ns, {.unit = "ns", .min = 0, .max = kLongest, .doc = "venue to trader, public events, on top of what a recording holds"});
      field("draw", &Params::draw, {.doc = "draw a row for each order (the empirical distribution) instead of interpolating by time"});
      scale_fields<Params>(field);
    }
  };
  Measured(Params params, Rng random) : params_(std::move(params)), random_(random.child("rows")) {
    const std::size_t rows = params_.entry_ns.size();
    if (rows == 0 || params_.response_ns.size() != rows || (!params_.draw && params_.sent_s.size() != rows)) {
      fail(Fault::Scenario, "/venue/latency/entry_ns",
           "expected as many entry_ns as response_ns and, to interpolate, sent_s, at least one of each");
    }
    if (!std::is_sorted(params_.sent_s.begin(), params_.sent_s.end()))
      fail(Fault::Scenario, "/venue/latency/sent_s", "expected times in ascending order");
  }
  Nanos feed(Nanos, Nanos) noexcept override { return whole(params_.feed_ns); }
  Nanos entry(Nanos now, Request request) noexcept override {
    if (params_.draw) row_ = random_.below(params_.entry_ns.size());
    return whole(at(params_.entry_ns, now) * scale_of(params_, request));
  }
  Nanos response(Nanos now) noexcept override { return whole(at(params_.response_ns, now)); }
  void state(Archive& archive) override { archive(random_, row_); }

 private:
  [[nodiscard]] double at(const std::vector<double>& column, Nanos now) const noexcept {
    if (params_.draw) return column[row_];
    const double time = static_cast<double>(now.value) * 1e-9;
    const auto next = std::upper_bound(params_.sent_s.begin(), params_.sent_s.end(), time);
    if (next == params_.sent_s.begin()) return column.front();
    if (next == params_.sent_s.end()) return column.back();
    const auto right = static_cast<std::size_t>(next - params_.sent_s.begin());
    const double span = params_.sent_s[right] - params_.sent_s[right - 1];
    const double share = span > 0 ? (time - params_.sent_s[right - 1]) / span : 0;
    return column[right - 1] + share * (column[right] - column[right - 1]);
  }
  Params params_;
  Rng random_;
  std::size_t row_ = 0;
};

/// The delay that the recorded feed shows at that moment, for orders too: a slow network is slow both ways.
class Recorded final : public LatencyModel {
 public:
  struct Params {
    double entry_scale = 1, response_scale = 1;
    double minimum_ns = 1'000;
    double half_life_events = 0;
    double replace_scale = 1, cancel_scale = 1;
    static void fields(auto&& field) {
      field("entry_scale", &Params::entry_scale, {.min = 0, .max = 1000, .doc = "entry delay as a multiple of the feed's"});
      field("response_scale", &Params::response_scale, {.min = 0, .max = 1000, .doc = "response delay as a multiple of the feed's"});
      field("minimum_ns", &Params::minimum_ns, {.unit = "ns", .min = 0, .max = kLongest, .doc = "shortest delay of an order or an answer"});
      field("half_life_events", &Params::half_life_events, {.min = 0, .max = 1e9, .doc = "the feed's delay is averaged with this half-life; 0: the last event's"});
      scale_fields<Params>(field);
    }
  };
  Recorded(const Params& params, Rng)
      : params_(params), keep_(params.half_life_events > 0 ? std::exp2(-1 / params.half_life_events) : 0) {}
  Nanos feed(Nanos, Nanos recorded) noexcept override {
    const auto last = static_cast<double>(recorded.value);
    delay_ = first_ ? last : keep_ * delay_ + (1 - keep_) * last;
    first_ = false;
    return {};
  }
  Nanos entry(Nanos, Request request) noexcept override {
    return whole(std::max(params_.minimum_ns, delay_ * params_.entry_scale) * scale_of(params_, request));
  }
  Nanos response(Nanos) noexcept override { return whole(std::max(params_.minimum_ns, delay_ * params_.response_scale)); }
  void state(Archive& archive) override { archive(delay_, first_); }

 private:
  Params params_;
  double keep_, delay_ = 0;
  bool first_ = true;
};

/// A wire, and a gateway that serves one message after another: what comes while it is busy waits (Lindley's recursion).
/// Public events keep it busy too, so that orders sent into a burst arrive late.
class Queueing final : public LatencyModel {
 public:
  struct Params {
    double feed_ns = 50'000, entry_ns = 50'000, response_ns = 50'000;
    double service_ns = 5'000, event_service_ns = 500;
    static void fields(auto&& field) {
      field("feed_ns", &Params::feed_ns, {.unit = "ns", .min = 0, .max = kLongest, .doc = "wire, venue to trader, public events"});
      field("entry_ns", &Params::entry_ns, {.unit = "ns", .min = 0, .max = kLongest, .doc = "wire, trader to gateway"});
      field("response_ns", &Params::response_ns, {.unit = "ns", .min = 0, .max = kLongest, .doc = "wire, venue to trader, fills and answers"});
      field("service_ns", &Params::service_ns, {.unit = "ns", .min = 0, .max = 1e12, .doc = "time the gateway takes for a message of a trader"});
      field("event_service_ns", &Params::event_service_ns, {.unit = "ns", .min = 0, .max = 1e12, .doc = "time the venue takes for a public event"});
    }
  };
  Queueing(const Params& params, Rng) : params_(params) {}
  Nanos feed(Nanos now, Nanos) noexcept override {
    serve(now, whole(params_.event_service_ns));
    return whole(params_.feed_ns);
  }
  Nanos entry(Nanos now, Request) noexcept override {
    const Nanos wire = whole(params_.entry_ns);
    return wire + serve(now + wire, whole(params_.service_ns));
  }
  Nanos response(Nanos) noexcept override { return whole(params_.response_ns); }
  void state(Archive& archive) override { archive(free_); }

 private:
  /// Waiting plus service of what arrives at `at`.
  Nanos serve(Nanos at, Nanos service) noexcept {
    free_ = std::max(at, free_) + service;
    return free_ - at;
  }
  Params params_;
  Nanos free_{Nanos::min()};
};

}  // namespace

void add_latency_models(Registry<LatencyModel, Rng>& registry) {
  registry.add<None>("none",
                     "no delays: for bars, where a decision at a close trades at the next open");
  registry.add<Constant>("constant", "a fixed delay on each leg");
  registry.add<Lognormal>(
      "lognormal",
      "independent log-normal delays on each leg; messages of one trader never overtake");
  registry.add<Gamma>("gamma", "a shortest delay and a gamma variate on each leg");
  registry.add<Cubic>("cubic", "a shortest delay and a heavy-tailed jitter on each leg");
  registry.add<Measured>("measured", "measured orders, interpolated by time or drawn");
  registry.add<Recorded>("recorded", "orders are as slow as the recorded feed is at that moment");
  registry.add<Queueing>("queueing", "a gateway that serves one message after another, and is busy in bursts of the market");
}

}  // namespace walras::engine
