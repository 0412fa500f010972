#include "engine/venue/latency.hpp"

#include "engine/base/registry.hpp"

#include <algorithm>
#include <cmath>

namespace walras::engine {
namespace {

constexpr double kLongest = 1e15;  // 11.6 days; longer delays are mistakes in a unit

class None final : public LatencyModel {
 public:
  struct Params {
    static void fields(auto&&) {}
  };
  None(Params, Rng) {}
  Nanos feed(Nanos) noexcept override { return {}; }
  Nanos entry(Nanos) noexcept override { return {}; }
  Nanos response(Nanos) noexcept override { return {}; }
};

class Constant final : public LatencyModel {
 public:
  struct Params {
    std::int64_t feed_ns = 50'000;
    std::int64_t entry_ns = 50'000;
    std::int64_t response_ns = 50'000;
    static void fields(auto&& field) {
      field("feed_ns", &Params::feed_ns,
            {.unit = "ns", .min = 0, .max = kLongest, .doc = "venue to trader, public events"});
      field("entry_ns", &Params::entry_ns,
            {.unit = "ns", .min = 0, .max = kLongest, .doc = "decision to venue"});
      field("response_ns", &Params::response_ns,
            {.unit = "ns", .min = 0, .max = kLongest, .doc = "venue to trader, fills and answers"});
    }
  };
  Constant(Params params, Rng)
      : feed_{params.feed_ns}, entry_{params.entry_ns}, response_{params.response_ns} {}
  Nanos feed(Nanos) noexcept override { return feed_; }
  Nanos entry(Nanos) noexcept override { return entry_; }
  Nanos response(Nanos) noexcept override { return response_; }

 private:
  Nanos feed_, entry_, response_;
};

class Lognormal final : public LatencyModel {
 public:
  struct Params {
    double feed_median_ns = 50'000;
    double entry_median_ns = 50'000;
    double response_median_ns = 50'000;
    double sigma = 0.5;
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
    }
  };
  // One stream a leg: how many orders are sent does not move the delays of the feed.
  Lognormal(Params params, Rng random)
      : params_(params),
        feed_(random.child("feed")),
        entry_(random.child("entry")),
        response_(random.child("response")) {}
  Nanos feed(Nanos) noexcept override { return draw(params_.feed_median_ns, feed_); }
  Nanos entry(Nanos) noexcept override { return draw(params_.entry_median_ns, entry_); }
  Nanos response(Nanos) noexcept override { return draw(params_.response_median_ns, response_); }

 private:
  Nanos draw(double median, Rng& random) const noexcept {
    const double delay = median * std::exp(params_.sigma * random.normal());
    return {static_cast<std::int64_t>(std::min(delay, kLongest))};
  }

  Params params_;
  Rng feed_, entry_, response_;
};

}  // namespace

void add_latency_models(Registry<LatencyModel, Rng>& registry) {
  registry.add<None>("none",
                     "no delays: for bars, where a decision at a close trades at the next open");
  registry.add<Constant>("constant", "a fixed delay on each leg");
  registry.add<Lognormal>(
      "lognormal",
      "independent log-normal delays on each leg; messages of one trader never overtake");
}

}  // namespace walras::engine
