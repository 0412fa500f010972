// Speaks the protocol of the PyPI package tracebook-conformance (0.6): orders come in as lines of
// JSON, what the exchange made of each goes out as a line, with a hash of every order that rests.
// tests/exchange/conformance.py runs the package against it.
#include "engine/base/files.hpp"
#include "engine/base/json.hpp"
#include "engine/venue/exchange.hpp"

#include <fmt/format.h>

#include <cmath>
#include <iostream>
#include <map>
#include <memory>

using namespace walras;
using namespace walras::engine;

namespace {

std::string sha256(const std::string& text) {
  Sha256 hash;
  hash.update(text);
  return hash.hex();
}

constexpr std::int64_t kUnit = 1'000'000'000'000;  // quantities are integers of 1e-12

/// value x 10^-places without an exponent and without zeros at the end.
std::string decimal(std::int64_t value, int places) {
  std::int64_t power = 1;
  for (int i = 0; i < places; ++i) power *= 10;
  std::string text = std::to_string(value / power);
  if (value % power == 0) return text;
  std::string rest = fmt::format("{:0{}}", value % power, places);
  while (rest.back() == '0') rest.pop_back();
  return text + "." + rest;
}

/// The rules that the package asks for, in ticks.
struct Config {
  ExchangeRules rules;
  double tick = 0.01;
  std::int64_t step = 1;  // tick = step x 10^-places
  int places = 2;

  explicit Config(const Json& json) {
    if (json.at("matching_algorithm") == Json("pro_rata")) rules.matching = Matching::ProRata;
    const std::string& policy = json.at("self_trade_policy").as_string();
    if (policy == "CANCEL_RESTING") rules.self_trade = SelfTrade::CancelOldest;
    if (policy == "CANCEL_INCOMING") rules.self_trade = SelfTrade::CancelNewest;
    const std::string& text = json.at("tick_size").as_string();
    tick = std::stod(text);
    const auto dot = text.find('.');
    places = dot == std::string::npos ? 0 : static_cast<int>(text.size() - dot - 1);
    step = std::llround(tick * std::pow(10, places));
  }
  [[nodiscard]] std::string price(Ticks ticks) const { return decimal(ticks.value * step, places); }
};

/// One symbol: the exchange numbers orders itself, since the package uses ids again.
class Symbol {
 public:
  Symbol(const Config& config, std::string name)
      : config_(config), name_(std::move(name)), exchange_(config.rules) {}

  void clear() {
    exchange_.clear();
    theirs_.clear();
    ours_.clear();
  }
  /// An empty string, or why the package's event is refused.
  std::string apply(const Json& event) {
    exchange_.forget();
    const std::string& op = event.at("op").as_string();
    const std::int64_t id = event.at("order_id").as_integer();
    const auto active = ours_.find(id);
    if (op == "new") {
      if (active != ours_.end()) return "DUPLICATE_ORDER_ID";
      return enter(event, id);
    }
    if (active == ours_.end()) return "ORDER_NOT_ACTIVE";
    const OrderId own = active->second;
    const Exchange::Open open = *exchange_.find(own);
    if (op == "cancel") {
      exchange_.cancel(own);
    } else if (op == "reduce") {
      const std::int64_t by = quantity(event);
      if (by <= 0 || by > open.quantity.value) return "INVALID_ORDER";
      if (by == open.quantity.value)
        exchange_.cancel(own);
      else
        exchange_.replace(own, open.price, {open.quantity.value - by}, {});
    } else {
      // The package's replace is a cancel and a new order, which never keeps its place.
      Ticks price = open.price;
      if (const Json* given = event.find("price"); given && !given->is_null())
        price = ticks(given->as_number());
      std::int64_t left = open.quantity.value;
      if (const Json* given = event.find("quantity"); given && !given->is_null())
        left = quantity(event);
      if (left <= 0 || price.value <= 0) return "INVALID_REPLACEMENT";
      exchange_.cancel(own);
      exchange_.forget();
      submit(id, open.owner, open.side, OrderType::Limit, TimeInForce::GoodTillCancel, price, left);
    }
    forget_gone();
    return "";
  }
  /// What traded in the last event, as JSON objects.
  [[nodiscard]] std::string trades() const {
    std::string text;
    for (const Report& report : exchange_.reports()) {
      if (report.kind != Report::Kind::Trade) continue;
      const bool bought = report.side == Side::Buy;
      text += fmt::format(
          R"({}{{"symbol":"{}","buy_order_id":{},"sell_order_id":{},"price":"{}","quantity":"{}"}})",
          text.empty() ? "" : ",", name_, theirs_.at(bought ? report.order : report.maker),
          theirs_.at(bought ? report.maker : report.order), config_.price(report.price),
          decimal(report.quantity.value, 12));
    }
    return text;
  }
  [[nodiscard]] std::string state() const {
    return fmt::format(R"({{"asks":[{}],"bids":[{}],"symbol":"{}"}})", side(Side::Sell),
                       side(Side::Buy), name_);
  }
  [[nodiscard]] std::size_t orders() const { return exchange_.orders(); }

 private:
  [[nodiscard]] Ticks ticks(double price) const {
    return {static_cast<std::int64_t>(std::nearbyint(price / config_.tick))};
  }
  static std::int64_t quantity(const Json& event) {
    return std::llround(event.at("quantity").as_number() * static_cast<double>(kUnit));
  }
  std::string enter(const Json& event, std::int64_t id) {
    const Json* kind = event.find("order_type");
    const std::string type = kind && !kind->is_null() ? kind->as_string() : "LIMIT";
    const bool market = type == "MARKET";
    const Json* price = event.find("price");
    const Ticks limit = market || !price || price->is_null() ? Ticks{} : ticks(price->as_number());
    const std::int64_t lots = quantity(event);
    if (lots <= 0 || (!market && limit.value <= 0)) return "INVALID_ORDER";
    const Json* owner = event.find("owner");
    const std::int64_t whose = owner && !owner->is_null() ? owner->as_integer() : -1;
    submit(id, owner_number(whose), event.at("side") == Json("BUY") ? Side::Buy : Side::Sell,
           market ? OrderType::Market : OrderType::Limit,
           type == "IOC"   ? TimeInForce::ImmediateOrCancel
           : type == "FOK" ? TimeInForce::FillOrKill
                           : TimeInForce::GoodTillCancel,
           limit, lots);
    forget_gone();
    return "";
  }
  void submit(std::int64_t id, std::uint32_t owner, Side side, OrderType type,
              TimeInForce time_in_force, Ticks price, std::int64_t lots) {
    OrderRequest request;
    request.side = side;
    request.type = type;
    request.time_in_force = time_in_force;
    request.price = price;
    request.quantity = {lots};
    const OrderId own = next_++;
    theirs_[own] = id;
    ours_[id] = own;
    exchange_.submit(own, owner, request, {});
  }
  void forget_gone() {
    std::erase_if(ours_, [&](const auto& pair) { return !exchange_.find(pair.second); });
  }
  std::uint32_t owner_number(std::int64_t owner) {
    if (owner == -1) return 0;  // nobody
    for (std::size_t i = 0; i < owners_.size(); ++i) {
      if (owners_[i] == owner) return static_cast<std::uint32_t>(i + 1);
    }
    owners_.push_back(owner);
    return static_cast<std::uint32_t>(owners_.size());
  }
  [[nodiscard]] std::string side(Side which) const {
    std::string text;
    exchange_.book().visit_levels(which, [&](Ticks price, const OrderBook::LevelView&) {
      exchange_.book().visit_orders(which, price, [&](OrderId own, Lots lots) {
        const std::uint32_t owner = exchange_.find(own)->owner;
        text += fmt::format(
            R"({}{{"order_id":{},"order_type":"LIMIT","owner":{},"price":"{}","remaining_quantity":"{}"}})",
            text.empty() ? "" : ",", theirs_.at(own), owner == 0 ? -1 : owners_[owner - 1],
            config_.price(price), decimal(lots.value, 12));
      });
      return true;
    });
    return text;
  }

  const Config& config_;
  std::string name_;
  Exchange exchange_;
  std::map<OrderId, std::int64_t> theirs_;
  std::map<std::int64_t, OrderId> ours_;
  std::vector<std::int64_t> owners_;
  OrderId next_ = 1;
};

class Dialogue {
 public:
  /// The answer to one line; empty when there is none.
  std::string answer(const Json& message) {
    const std::string& type = message.at("type").as_string();
    if (type == "hello") {
      config_ = std::make_unique<Config>(message.at("config"));
      return R"({"type":"ready","protocol":"tracebook.conformance","protocol_version":1,"engine":{"name":"walras","version":"0.1.0","language":"C++"}})";
    }
    if (type == "event") return observe(message);
    if (type == "snapshot")
      return fmt::format(R"({{"type":"snapshot","index":{},"state":{}}})",
                         message.at("index").as_integer(), state());
    finished = true;
    return fmt::format(R"({{"type":"complete","event_count":{}}})", events_);
  }
  bool finished = false;

 private:
  std::string observe(const Json& message) {
    const std::int64_t index = message.at("index").as_integer();
    const Json& event = message.at("event");
    ++events_;
    const std::string& op = event.at("op").as_string();
    const std::string& name = event.at("symbol").as_string();
    std::string refused, trades;
    auto found = symbols_.find(name);
    if (found == symbols_.end() && op != "new" && op != "clear") {
      refused = "ORDER_NOT_ACTIVE";
    } else {
      if (found == symbols_.end()) found = symbols_.try_emplace(name, *config_, name).first;
      if (op == "clear")
        found->second.clear();
      else
        refused = found->second.apply(event);
      if (op != "clear" && refused.empty()) trades = found->second.trades();
    }
    std::size_t orders = 0;
    for (const auto& [symbol, book] : symbols_) orders += book.orders();
    const std::string outcome =
        refused.empty() ? R"({"status":"applied","reason":null,"message":null})"
                        : fmt::format(R"({{"status":"rejected","reason":"{}","message":null}})", refused);
    return fmt::format(
        R"({{"type":"observation","index":{},"outcome":{},"trades":[{}],"state_hash":"{}","resting_order_count":{}}})",
        index, outcome, trades, sha256(state()), orders);
  }
  [[nodiscard]] std::string state() const {
    std::string text;
    for (const auto& [symbol, book] : symbols_) text += (text.empty() ? "" : ",") + book.state();
    return R"({"books":[)" + text + "]}";
  }

  std::unique_ptr<Config> config_;
  std::map<std::string, Symbol> symbols_;
  std::int64_t events_ = 0;
};

}  // namespace

int main() {
  try {
    Dialogue session;
    std::string line;
    while (!session.finished && std::getline(std::cin, line)) {
      if (line.empty()) continue;
      std::cout << session.answer(Json::parse(line)) << std::endl;
    }
    return session.finished ? 0 : 2;
  } catch (const std::exception& error) {
    std::cout << R"({"type":"error","code":"ADAPTER_ERROR","message":")" << error.what() << "\"}" << std::endl;
    return 2;
  }
}
