#include "strategies/feature_stream.hpp"

#include "engine/base/error.hpp"
#include "engine/base/files.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <system_error>

namespace walras::strategies {

using engine::Event;
using engine::EventKind;
using engine::Orders;

FeatureStream::FeatureStream(const std::vector<Feature>& declared, double step_s,
                             std::size_t instruments, std::size_t keep)
    : declared_(declared),
      instruments_(instruments),
      keep_(keep),
      step_{std::llround(step_s * 1e9)},
      looks_(std::ranges::any_of(declared, &Feature::of_book)),
      features_(declared, instruments, keep) {
  for (std::size_t k = 0; k < declared.size(); ++k) {
    if (step_.value == 0 && declared[k].of_book()) {
      fail(Fault::Scenario, "features/" + std::to_string(k),
           "expected step_s > 0, by which the clock looks at the order book, was 0");
    }
    const Nanos frame{declared[k].frame_s * 1'000'000'000};
    if (step_.value > 0 && frame.value % step_.value != 0) {
      fail(Fault::Scenario, "features/" + std::to_string(k) + "/frame_s",
           "expected a multiple of step_s, was " + std::to_string(declared[k].frame_s));
    }
  }
}

void FeatureStream::start(Orders& orders) {
  features_ = Features(declared_, instruments_, keep_);
  pending_ = bars_ = book_ = false;
  if (step_.value > 0) orders.set_timer({(orders.now().value / step_.value + 1) * step_.value}, kTag);
}

void FeatureStream::event(const Event& event, Orders& orders) {
  switch (event.kind) {
    case EventKind::Bar:
      features_.bar(event.instrument, orders.bar(event));
      pending_ = bars_ = true;
      return;
    case EventKind::Trade:
    case EventKind::Execute:
    case EventKind::Hidden:
      if (step_.value == 0) return;
      features_.trade(event.instrument,
                      event.kind == EventKind::Trade ? event.side : engine::opposite(event.side),
                      event.quantity);
      break;
    case EventKind::Add:
    case EventKind::Reduce:
    case EventKind::Delete:
    case EventKind::Depth:
      break;
    default:
      return;  // answers to own orders are no news of the market
  }
  if (step_.value == 0) return;
  pending_ = true;
  const engine::Depth& depth = orders.depth(event.instrument);
  if (!depth.two_sided()) return;
  book_ = true;
  features_.quote(event.instrument, depth.bid[0].price.value + depth.ask[0].price.value);
}

bool FeatureStream::slice(Nanos now, Orders& orders) {
  if (!pending_ || step_.value > 0) return false;
  end_row(now, orders);
  return true;
}

bool FeatureStream::timer(Nanos now, std::uint64_t tag, Orders& orders) {
  if (tag != kTag) return false;
  if (now + step_ < orders.end()) orders.set_timer(now + step_, kTag);
  if (!pending_) return false;
  end_row(now, orders);
  return true;
}

void FeatureStream::end_row(Nanos now, Orders& orders) {
  if (looks_) {
    for (engine::InstrumentId i = 0; i < instruments_; ++i) features_.book(i, orders.depth(i));
  }
  features_.end_row(now);
  pending_ = false;
}

namespace {

class Watcher final : public engine::Participant {
 public:
  explicit Watcher(FeatureStream& stream) : stream_(stream) {}
  void on_start(Orders& orders) override { stream_.start(orders); }
  void on_event(const Event& event, Orders& orders) override { stream_.event(event, orders); }
  void on_slice(Nanos now, Orders& orders) override { stream_.slice(now, orders); }
  void on_timer(Nanos now, std::uint64_t tag, Orders& orders) override {
    stream_.timer(now, tag, orders);
  }

 private:
  FeatureStream& stream_;
};

}  // namespace

FeatureStream observe(const std::vector<Feature>& declared, double step_s, const Training& training,
                      std::uint64_t market) {
  FeatureStream stream(declared, step_s, training.instruments().size());
  Watcher watcher(stream);
  const std::unique_ptr<engine::Simulation> simulation = training.market(market);
  simulation->add(watcher, "features", training.account());
  simulation->run();
  return stream;
}

FeatureStream observe_cached(const std::vector<Feature>& declared, double step_s,
                             const Training& training, std::uint64_t market,
                             const std::string& folder) {
  const std::string identity = training.identity();
  if (folder.empty() || identity.empty()) return observe(declared, step_s, training, market);
  Sha256 key;
  key.update("walras features 1");
  for (const Feature& feature : declared) key.update(dump(feature).dump());
  key.update_integer(std::llround(step_s * 1e9));
  key.update_integer(static_cast<std::int64_t>(market));
  key.update(identity);
  const std::string hash = key.hex();
  const std::filesystem::path file = std::filesystem::path(folder) / (hash.substr(0, 32) + ".features");
  const auto checksum = [&hash](std::string_view bytes) {
    Sha256 sha;
    sha.update(hash);
    sha.update(bytes);
    return sha.hex();
  };
  if (std::filesystem::exists(file)) {
    const std::string text = read_text(file, std::size_t{1} << 36);
    const std::string_view sum = std::string_view(text).substr(0, 64);
    const std::string_view bytes = std::string_view(text).substr(sum.size());
    FeatureStream stream(declared, step_s, training.instruments().size());
    if (sum == checksum(bytes) && stream.features().rows_from_bytes(bytes)) return stream;
  }
  FeatureStream stream = observe(declared, step_s, training, market);
  std::error_code told_when_writing;
  std::filesystem::create_directories(folder, told_when_writing);
  const std::string bytes = stream.features().rows_to_bytes();
  write_atomically(file, checksum(bytes) + bytes);
  return stream;
}

}  // namespace walras::strategies
