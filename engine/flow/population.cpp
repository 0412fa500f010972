// A population of agents around a fundamental value, each with its own random stream and its own
// distance from the venue. Nothing is known before its message arrives: an agent wakes, asks for
// the quote, gets an answer that is already old, sends its order, and hears of it later. Each
// message is an event of its own. Kinds and defaults follow the reference population of
// ByrdHybinetteBalch2020, in numbers of our own.
#include "engine/base/archive.hpp"
#include "engine/flow/flow.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace walras::engine {
namespace {

struct PopulationParams {
  std::int64_t makers = 2, values = 102, momentum = 12, noise = 1000, executors = 0;
  double maker_wake_s = 10, maker_share = 0.025;
  std::int64_t maker_levels = 10, maker_spacing = 5, maker_half_spread = 2;
  double maker_skew = 0.01;
  double value_wake_s = 175, value_noise = 0.0003, value_aggressive = 0.1;
  double momentum_wake_s = 37;
  double noise_orders = 1;
  double executor_share = 0.1, executor_wake_s = 30;
  double lots = 20;
  double latency_min_us = 20, latency_max_us = 13'000;
  static void fields(auto&& field) {
    using P = PopulationParams;
    field("makers", &P::makers,
          {.min = 0,
           .max = 1000,
           .doc = "market makers: a ladder on each side of the mid, renewed at each waking"});
    field("values", &P::values,
          {.min = 0,
           .max = 100'000,
           .doc = "value agents: they see the value with noise, and trade towards their estimate"});
    field("momentum", &P::momentum,
          {.min = 0,
           .max = 100'000,
           .doc = "momentum agents: a short mean of mids above a long one buys, below sells"});
    field("noise", &P::noise,
          {.min = 0, .max = 1'000'000, .doc = "noise agents: a fair coin decides the side"});
    field("executors", &P::executors,
          {.min = 0,
           .max = 1000,
           .doc = "execution algorithms: each works one side all day at a share of the volume"});
    field("maker_wake_s", &P::maker_wake_s,
          {.unit = "s", .min = 1e-3, .max = 1e6, .doc = "between wakings of a maker"});
    field("maker_share", &P::maker_share,
          {.min = 0,
           .max = 1,
           .doc = "size of a maker's order as a share of the volume since its last waking"});
    field("maker_levels", &P::maker_levels,
          {.min = 1, .max = 100, .doc = "orders on each side of a maker's ladder"});
    field("maker_spacing", &P::maker_spacing,
          {.unit = "ticks", .min = 1, .max = 10'000, .doc = "between them"});
    field("maker_half_spread", &P::maker_half_spread,
          {.unit = "ticks", .min = 1, .max = 10'000, .doc = "from the mid to the first"});
    field("maker_skew", &P::maker_skew,
          {.unit = "ticks",
           .min = 0,
           .max = 1e3,
           .doc = "by how much a maker shifts its ladder against its position, for each mean order "
                  "held"});
    field("value_wake_s", &P::value_wake_s,
          {.unit = "s",
           .min = 1e-3,
           .max = 1e6,
           .doc = "mean time between wakings of a value agent (exponential)"});
    field("value_noise", &P::value_noise,
          {.min = 0,
           .max = 1,
           .doc = "standard deviation of one look at the value, as a share of it"});
    field("value_aggressive", &P::value_aggressive,
          {.min = 0,
           .max = 1,
           .doc = "probability that a value agent takes the other side's best price"});
    field("momentum_wake_s", &P::momentum_wake_s,
          {.unit = "s",
           .min = 1e-3,
           .max = 1e6,
           .doc = "mean time between wakings of a momentum agent (exponential)"});
    field("noise_orders", &P::noise_orders,
          {.min = 1e-3,
           .max = 1e6,
           .doc = "mean number of orders of a noise agent over the whole market"});
    field("executor_share", &P::executor_share,
          {.min = 0,
           .max = 1,
           .doc = "of the volume since its last waking that an execution algorithm takes"});
    field(
        "executor_wake_s", &P::executor_wake_s,
        {.unit = "s", .min = 1e-3, .max = 1e6, .doc = "between wakings of an execution algorithm"});
    field("lots", &P::lots,
          {.unit = "lots", .min = 1, .max = 1e9, .doc = "mean size of an order, 1 + geometric"});
    field(
        "latency_min_us", &P::latency_min_us,
        {.unit = "us", .min = 0, .max = 1e9, .doc = "of the nearest agent to the venue, one way"});
    field("latency_max_us", &P::latency_max_us,
          {.unit = "us",
           .min = 0,
           .max = 1e9,
           .doc = "of the farthest; agents lie uniformly between"});
  }
};

enum class Kind : std::uint8_t { Maker, Value, Momentum, Noise, Executor };
enum class Word : std::uint8_t { Wake, Ask, Quote, Order, Cancel, Accepted, Cancelled, Executed };

struct Message {
  Nanos time;
  std::uint32_t sequence;
  std::uint32_t agent;
  Word word;
  Side side;
  std::int32_t lots;
  std::int64_t
      a = 0,
      b = 0;  ///< Quote: bid, ask (0: none); Order: price; Cancel, Accepted, Cancelled: the order
};
struct Later {
  bool operator()(const Message& x, const Message& y) const {
    return x.time != y.time ? x.time > y.time : x.sequence > y.sequence;
  }
};

constexpr std::size_t kShort = 20, kLong = 50;

struct Agent {
  Agent(Kind what, Rng stream, Nanos away) : kind(what), random(stream), latency(away) {}
  Kind kind;
  Side side = Side::Buy;  // executors
  Rng random;
  Nanos latency;
  std::int64_t position = 0;  // as far as it has heard
  std::int64_t volume = 0;    // traded in all when it last looked
  double estimate = 0,
         doubt = -1;  // value agents, in ticks: of the value, and its variance; < 0: none yet
  std::vector<CrowdOrder> orders;  // resting, as far as it knows
  std::vector<double> mids;        // momentum agents: a ring
  std::size_t seen = 0;
  void state(Archive& archive) {
    archive(random, position, volume, estimate, doubt, orders, mids, seen);
  }
};

class Population final : public Flow {
 public:
  using Params = PopulationParams;
  Population(const Params& params, const FlowContext& context)
      : p_(params), length_s_(static_cast<double>((context.end - context.begin).value) * 1e-9) {
    const auto settle = [&](Kind kind, std::int64_t count, const char* name) {
      for (std::int64_t i = 0; i < count; ++i) {
        Rng random = context.random.child(name, static_cast<std::uint64_t>(i));
        const double away_us = random.uniform(
            p_.latency_min_us, std::max(p_.latency_min_us, p_.latency_max_us) + 1e-3);
        agents_.emplace_back(kind, random, Nanos{1 + static_cast<std::int64_t>(away_us * 1e3)});
        agents_.back().side = i % 2 == 0 ? Side::Buy : Side::Sell;
        if (kind == Kind::Momentum) agents_.back().mids.resize(kLong);
      }
    };
    settle(Kind::Maker, p_.makers, "maker");
    settle(Kind::Value, p_.values, "value");
    settle(Kind::Momentum, p_.momentum, "momentum");
    settle(Kind::Noise, p_.noise, "noise");
    settle(Kind::Executor, p_.executors, "executor");
    heap_.reserve(agents_.size() * 2 + 1024);
  }

  void open(Crowd& crowd) override {
    for (std::uint32_t i = 0; i < agents_.size(); ++i) {
      Agent& agent = agents_[i];
      // The market opens with the makers' ladders; everyone else comes in their time.
      if (agent.kind == Kind::Maker) {
        const auto value = std::llround(crowd.value());
        for (std::int64_t level = 0; level < p_.maker_levels; ++level) {
          const std::int64_t away = p_.maker_half_spread + level * p_.maker_spacing;
          rest(i, Side::Buy, value - away, std::llround(p_.lots), crowd);
          rest(i, Side::Sell, value + away, std::llround(p_.lots), crowd);
        }
      }
      push(crowd.now() + pause(agent, true), i, Word::Wake);
    }
    if (heap_.empty()) push(Nanos::max(), 0, Word::Wake);
  }
  Nanos next() const noexcept override { return heap_.front().time; }

  void act(Crowd& crowd) override {
    std::pop_heap(heap_.begin(), heap_.end(), Later{});
    const Message message = heap_.back();
    heap_.pop_back();
    Agent& agent = agents_[message.agent];
    switch (message.word) {
      case Word::Wake:
        wake(message.agent, crowd);
        break;
      case Word::Ask: {
        const std::int64_t bid = crowd.empty(Side::Buy) ? 0 : crowd.best(Side::Buy).value,
                           ask = crowd.empty(Side::Sell) ? 0 : crowd.best(Side::Sell).value;
        push(crowd.now() + agent.latency, message.agent, Word::Quote, Side::Buy,
             static_cast<std::int32_t>(
                 std::min<std::int64_t>(crowd.traded().value - agent.volume, 2'000'000'000)),
             bid, ask);
        agent.volume = crowd.traded().value;
        break;
      }
      case Word::Quote:
        decide(message.agent, message, crowd);
        break;
      case Word::Order: {
        const Lots before = crowd.traded();
        const CrowdOrder order =
            crowd.limit(message.side, {message.a}, {message.lots}, message.agent);
        if (const std::int64_t filled = (crowd.traded() - before).value; filled > 0) {
          push(crowd.now() + agent.latency, message.agent, Word::Executed, message.side,
               static_cast<std::int32_t>(filled));
        }
        push(crowd.now() + agent.latency, message.agent, Word::Accepted, message.side, 0,
             static_cast<std::int64_t>(order));
        break;
      }
      case Word::Cancel:
        // One that comes too late is answered, too.
        crowd.cancel(static_cast<CrowdOrder>(message.a));
        push(crowd.now() + agent.latency, message.agent, Word::Cancelled, message.side, 0,
             message.a);
        break;
      case Word::Accepted:
        if (message.a != 0) agent.orders.push_back(static_cast<CrowdOrder>(message.a));
        break;
      case Word::Cancelled:
        break;
      case Word::Executed:
        agent.position += sign(message.side) * message.lots;
        break;
    }
  }
  void filled(const CrowdFill& fill, Crowd& crowd) override {
    const Agent& agent = agents_[fill.tag];
    push(crowd.now() + agent.latency, fill.tag, Word::Executed, fill.side,
         static_cast<std::int32_t>(std::min<std::int64_t>(fill.quantity.value, 2'000'000'000)));
  }
  void state(Archive& archive) override { archive(agents_, heap_, sequence_); }

 private:
  void push(Nanos time, std::uint32_t agent, Word word, Side side = Side::Buy,
            std::int32_t lots = 0, std::int64_t a = 0, std::int64_t b = 0) {
    heap_.push_back({time, sequence_++, agent, word, side, lots, a, b});
    std::push_heap(heap_.begin(), heap_.end(), Later{});
  }
  /// Until the agent wakes again.
  Nanos pause(Agent& agent, bool first) {
    double wait_s = 0;
    switch (agent.kind) {
      case Kind::Maker:
        wait_s = first ? agent.random.uniform() * p_.maker_wake_s : p_.maker_wake_s;
        break;
      case Kind::Value:
        wait_s = agent.random.exponential(1 / p_.value_wake_s);
        break;
      case Kind::Momentum:
        wait_s = agent.random.exponential(1 / p_.momentum_wake_s);
        break;
      case Kind::Noise:
        wait_s = agent.random.exponential(p_.noise_orders / length_s_);
        break;
      case Kind::Executor:
        wait_s = first ? agent.random.uniform() * p_.executor_wake_s : p_.executor_wake_s;
        break;
    }
    return {1 + static_cast<std::int64_t>(std::min(wait_s, 4e9) * 1e9)};
  }
  std::int64_t size(Agent& agent) const {
    return p_.lots <= 1 ? 1 : 1 + static_cast<std::int64_t>(agent.random.geometric(1 / p_.lots));
  }

  void wake(std::uint32_t number, Crowd& crowd) {
    Agent& agent = agents_[number];
    push(crowd.now() + pause(agent, false), number, Word::Wake);
    if (agent.kind == Kind::Maker || agent.kind == Kind::Value) {
      for (const CrowdOrder order : agent.orders)
        push(crowd.now() + agent.latency, number, Word::Cancel, Side::Buy, 0,
             static_cast<std::int64_t>(order));
      agent.orders.clear();
    } else if (agent.orders.size() > 64) {
      agent.orders.erase(agent.orders.begin(),
                         agent.orders.end() - 32);  // what is older it leaves to its fate
    }
    push(crowd.now() + agent.latency, number, Word::Ask);
  }

  void send(std::uint32_t number, Side side, std::int64_t price, std::int64_t lots,
            const Crowd& crowd) {
    if (price < 1 || lots < 1) return;
    push(crowd.now() + agents_[number].latency, number, Word::Order, side,
         static_cast<std::int32_t>(std::min<std::int64_t>(lots, 2'000'000'000)), price);
  }
  void rest(std::uint32_t number, Side side, std::int64_t price, std::int64_t lots, Crowd& crowd) {
    if (const CrowdOrder order =
            crowd.limit(side, {price}, {std::max<std::int64_t>(1, lots)}, number))
      agents_[number].orders.push_back(order);
  }

  /// The answer to a question is here: bid in a, ask in b, volume since the last one in lots.
  void decide(std::uint32_t number, const Message& quote, const Crowd& crowd) {
    Agent& agent = agents_[number];
    const std::int64_t value = std::llround(crowd.value());
    const std::int64_t bid =
        quote.a > 0 ? quote.a : (quote.b > 0 ? quote.b : value) - p_.maker_half_spread;
    const std::int64_t ask = quote.b > 0 ? quote.b : bid + 2 * p_.maker_half_spread;
    const double mid = 0.5 * static_cast<double>(bid + ask);
    switch (agent.kind) {
      case Kind::Maker: {
        const std::int64_t lots = std::max<std::int64_t>(
            1, std::llround(p_.maker_share * quote.lots * crowd.state().depth));
        const double middle = mid - p_.maker_skew * static_cast<double>(agent.position) / p_.lots;
        const auto low = static_cast<std::int64_t>(std::floor(middle)),
                   high = static_cast<std::int64_t>(std::ceil(middle));
        for (std::int64_t level = 0; level < p_.maker_levels; ++level) {
          const std::int64_t away = p_.maker_half_spread + level * p_.maker_spacing;
          send(number, Side::Buy, low - away, lots, crowd);
          send(number, Side::Sell, high + away, lots, crowd);
        }
        break;
      }
      case Kind::Value: {
        look(agent, crowd.value());
        const Side side = agent.estimate > mid ? Side::Buy : Side::Sell;
        const std::int64_t inside =
            agent.random.bernoulli(p_.value_aggressive)
                ? 0
                : static_cast<std::int64_t>(agent.random.below(
                      static_cast<std::uint64_t>(2 * std::max<std::int64_t>(1, ask - bid)) + 1));
        send(number, side, side == Side::Buy ? ask - inside : bid + inside, size(agent), crowd);
        break;
      }
      case Kind::Momentum: {
        agent.mids[agent.seen++ % kLong] = mid;
        if (agent.seen < kLong) break;
        double near = 0, far = 0;
        for (std::size_t i = 1; i <= kLong; ++i) {
          const double past = agent.mids[(agent.seen - i) % kLong];
          far += past / kLong;
          if (i <= kShort) near += past / kShort;
        }
        if (near != far)
          send(number, near > far ? Side::Buy : Side::Sell, near > far ? ask : bid, size(agent),
               crowd);
        break;
      }
      case Kind::Noise: {
        const Side side = agent.random.bits() >> 63 ? Side::Buy : Side::Sell;
        send(number, side, side == Side::Buy ? ask : bid, size(agent), crowd);
        break;
      }
      case Kind::Executor:
        send(number, agent.side, agent.side == Side::Buy ? ask : bid,
             std::llround(p_.executor_share * quote.lots), crowd);
        break;
    }
  }

  /// One more look at the value. Between looks it has moved by about one look's noise, so that the
  /// estimate never freezes.
  void look(Agent& agent, double value) const {
    const double noise = p_.value_noise * value, variance = std::max(noise * noise, 1e-12);
    const double seen = value + noise * agent.random.normal();
    if (agent.doubt < 0) {
      agent.estimate = seen;
      agent.doubt = variance;
      return;
    }
    const double prior = agent.doubt + variance, weight = prior / (prior + variance);
    agent.estimate += weight * (seen - agent.estimate);
    agent.doubt = (1 - weight) * prior;
  }

  Params p_;
  double length_s_;
  std::vector<Agent> agents_;
  std::vector<Message> heap_;
  std::uint32_t sequence_ = 0;
};

}  // namespace

void add_population(FlowRegistry& registry) {
  registry.add<Population>("population",
                           "Agents around a value: makers, value, momentum and noise agents, "
                           "execution algorithms, each with a latency.");
}

}  // namespace walras::engine
