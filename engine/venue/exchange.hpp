#pragma once
// Exchange: the matching engine of one instrument. Price-time or pro-rata matching on an OrderBook,
// with what rests unseen beside it (hidden and all-or-none orders, reserves of icebergs), self-trade
// prevention, tick table, lots and bands, trading phases, and auctions. What happened comes out as a
// list of reports. It knows order ids and owners' numbers, never accounts or latency. Orders that
// wait for a price, follow one, expire, or hang on one another belong to OrderDesk, which stands in
// front of any venue. Crowds enter by add() and take(), which cost little more than the bare book.
#include "engine/book/id_index.hpp"
#include "engine/book/order_book.hpp"
#include "engine/market/event.hpp"
#include "engine/venue/exchange_rules.hpp"

#include <optional>
#include <span>
#include <vector>

namespace walras::engine {

/// One thing that happened. Trades name both orders; in auctions `order` is the buyer's.
struct Report {
  enum class Kind : std::uint8_t { Accepted, Rejected, Cancelled, Replaced, Trade, Phase };
  Kind kind = Kind::Accepted;
  Side side = Side::Buy;   ///< of `order`
  Reject why = Reject::None;
  Phase phase = Phase::Continuous;
  bool auction = false;
  OrderId order = 0;       ///< trades: the incoming one
  OrderId maker = 0;       ///< trades: the resting one
  Ticks price;
  Lots quantity;           ///< traded; open (Accepted, Replaced); what was left (Cancelled, Rejected)
  Lots left, maker_left;   ///< trades: open afterwards, reserves included; 0 = gone
  bool operator==(const Report&) const = default;
};

class Exchange {
 public:
  /// What would happen if a call ended now.
  struct Indication {
    Ticks price;
    Lots volume;
    std::int64_t surplus = 0;  ///< lots bid for at the price and not had; < 0: offered
    bool operator==(const Indication&) const = default;
  };
  struct Open {
    Side side;
    Ticks price;
    Lots quantity;  ///< with reserves
    std::uint32_t owner = 0;
  };

  explicit Exchange(ExchangeRules rules = {}, std::size_t window = 4096);
  /// As OrderBook::reserve; `special` orders at one time have owners, reserves, or rest unseen.
  void reserve(OrderId highest_id, OrderId id_span = 0, std::size_t special = 1024);
  /// Takes up the phase that the calendar gives at `now`. Before anything else, where there is one.
  void start(Nanos now);

  /// Limit, Market, MarketToLimit, with any display and time in force; day orders and good-till-date
  /// are good till cancel here. `owner` 0 is nobody: never kept from trading with itself. Reports
  /// Rejected; or Accepted when the order rests or waits for an auction, Trade, Cancelled.
  void submit(OrderId id, std::uint32_t owner, const OrderRequest& request, Nanos now);
  /// A plain limit order of nobody.
  void add(OrderId id, Side side, Ticks price, Lots quantity, Nanos now);
  /// A plain market order of nobody.
  void take(OrderId id, Side side, Lots quantity, Nanos now);
  /// Reports Cancelled, or Rejected (UnknownOrder).
  void cancel(OrderId id);
  /// New price and open quantity. Keeps its place when the price stays and the quantity does not
  /// grow; otherwise goes to the back, and may trade. Reports Replaced, or Rejected and nothing
  /// changes.
  void replace(OrderId id, Ticks price, Lots quantity, Nanos now);
  /// Everything leaves, without a word; the phase stays.
  void clear();
  /// For an exchange of the same rules and window.
  void state(auto& archive) {
    archive(book_, dark_[0], dark_[1], records_, free_records_, index_, market_[0], market_[1], held_);
    archive(icebergs_, all_or_none_, reports_, last_, reference_, before_, centre_, phase_, gathered_, now_, until_, change_);
  }

  /// When advance() is due: the end of a pause, or a change of session. Nanos::max(): never.
  [[nodiscard]] Nanos next_time() const { return until_ < change_ ? until_ : change_; }
  void advance();
  /// Stops trading until `until`, which resumes with a volatility auction of the rules' pause, or at
  /// once when that is 0. Nanos::max(): until resume().
  void halt(Nanos now, Nanos until);
  void resume(Nanos now);
  /// Begins a call that ends at `until`.
  void call(Phase phase, Nanos now, Nanos until);

  /// Since the last forget(); valid until the next request.
  [[nodiscard]] std::span<const Report> reports() const { return reports_; }
  void forget() { reports_.clear(); }

  [[nodiscard]] Phase phase() const { return phase_; }
  /// What is shown. In calls it may be crossed.
  [[nodiscard]] const OrderBook& book() const { return book_; }
  [[nodiscard]] std::optional<Open> find(OrderId id) const;
  [[nodiscard]] std::size_t orders() const;
  /// 0 before the first trade.
  [[nodiscard]] Ticks last() const { return last_; }
  /// Price of the last auction, else the first trade, or what was set; 0: none.
  [[nodiscard]] Ticks reference() const { return reference_; }
  void set_reference(Ticks price) { reference_ = price; }
  /// In a call. Nothing when no price lets anything trade.
  [[nodiscard]] std::optional<Indication> indication() const;
  /// What an order could trade at once, at `limit` or better (none: any price), counted to `want`.
  [[nodiscard]] Lots takeable(Side side, std::uint32_t owner, std::optional<Ticks> limit,
                              Lots want) const;
  [[nodiscard]] const ExchangeRules& rules() const { return rules_; }
  /// Whether a price is on the tick table.
  [[nodiscard]] bool on_grid(Ticks price) const;

 private:
  // What OrderBook does not keep of an order that rests in it.
  struct Record {
    OrderId id = 0;
    std::uint32_t owner = 0;
    bool post_only = false;
    TimeInForce time_in_force = TimeInForce::GoodTillCancel;
    std::int64_t display = 0, reserve = 0;
  };
  // Rests unseen: best price first, hidden before all-or-none, then by time.
  struct Dark {
    OrderId id = 0;
    std::uint32_t owner = 0;
    bool all = false, post_only = false;
    std::int64_t price = 0, quantity = 0;
  };
  // Waits for an auction: market orders in a call, and orders for a call that has not begun.
  struct Waiting {
    OrderId id = 0;
    std::uint32_t owner = 0;
    OrderRequest request;
  };
  struct Taker {
    OrderId id;
    std::uint32_t owner;
    Side side;
    std::int64_t left;
    bool any_price;
    Ticks limit;
    bool stopped = false;  // by self-trade prevention
    bool breached = false; // would have left the range of trades
  };
  struct Share {
    OrderId id;
    std::int64_t quantity, part;
  };
  struct Interest {
    OrderId id;
    std::int64_t price, quantity;
    std::int64_t filled = 0;
    bool market = false;
  };

  static std::size_t at(Side side) { return static_cast<std::size_t>(side); }
  std::vector<Dark>& dark(Side side) { return dark_[at(side)]; }
  [[nodiscard]] const std::vector<Dark>& dark(Side side) const { return dark_[at(side)]; }
  [[nodiscard]] bool in_call() const {
    return phase_ == Phase::OpeningCall || phase_ == Phase::ClosingCall ||
           phase_ == Phase::VolatilityCall;
  }
  /// Whether the book alone decides what an order of nobody does.
  [[nodiscard]] bool plain() const {
    return phase_ == Phase::Continuous && simple_rules_ && icebergs_ == 0 && dark_[0].empty() &&
           dark_[1].empty();
  }

  // Entry.
  [[nodiscard]] Reject acceptable(OrderId id, const OrderRequest& request) const;
  [[nodiscard]] Reject check_numbers(bool priced, Ticks price, Lots quantity) const;
  [[nodiscard]] bool known(OrderId id) const;
  void trade(OrderId id, std::uint32_t owner, const OrderRequest& request);
  [[nodiscard]] Reject unable(const Taker& taker, const OrderRequest& request) const;
  void settle(Taker& taker, const OrderRequest& request);
  void rest(OrderId id, std::uint32_t owner, const OrderRequest& request, std::int64_t quantity);
  std::optional<Open> extract(OrderId id);
  void shrink(OrderId id, std::int64_t by);
  [[nodiscard]] OrderRequest describe(OrderId id, const Open& open, Ticks price,
                                      Lots quantity) const;
  void gather(OrderId id, std::uint32_t owner, const OrderRequest& request);
  void enter_held(TimeInForce which);
  [[nodiscard]] bool has_auction(TimeInForce time_in_force) const;

  // Matching.
  [[nodiscard]] std::optional<Ticks> next_price(const Taker& taker) const;
  [[nodiscard]] bool inside(Ticks price) const;
  void fix_ranges() {
    before_ = last_;
    centre_ = reference_;
  }
  void walk(Taker& taker);
  void take_shown(Taker& taker, Ticks price);
  void take_dark(Taker& taker, Ticks price);
  void take_front(Taker& taker, Ticks price);
  void share_out(Taker& taker, Ticks price);
  void prevent(Taker& taker, OrderId maker, std::int64_t open);
  [[nodiscard]] bool guarded(const Taker& taker) const {
    return taker.owner != 0 && rules_.self_trade != SelfTrade::Allow;
  }
  [[nodiscard]] bool owns_at(Side side, Ticks price, std::uint32_t owner) const;
  void bulk(Taker& taker, Ticks price, std::int64_t at_most);
  void traded(Taker& taker, OrderId maker, Ticks price, std::int64_t quantity,
              std::int64_t shown_left);
  void spend(OrderId id);
  void show_more(Side side, Ticks price);
  void wake(Side side);
  template <class Count>
  void count_shown(Side resting, Ticks price, std::uint32_t owner, const Count& count,
                   bool& end) const;

  // Records.
  [[nodiscard]] std::uint32_t owner_of(OrderId id) const;
  [[nodiscard]] std::int64_t reserve_of(OrderId id) const;
  Record* record(OrderId id);
  void remember(const Record& record);
  void forget_record(OrderId id);
  void insert_dark(Side side, const Dark& order);

  // Phases and auctions.
  void enter(Phase phase);
  void end_call();
  void uncross();
  void gather_side(Side side, std::vector<Interest>& out) const;
  [[nodiscard]] static std::optional<Indication> price_of(const std::vector<Interest>& bids,
                                                          const std::vector<Interest>& asks,
                                                          Ticks reference);
  void apply(const Interest& interest, Side side);
  [[nodiscard]] Phase scheduled(Nanos time) const;
  [[nodiscard]] Nanos next_change(Nanos time) const;

  void report(const Report& what) { reports_.push_back(what); }
  void tell(Report::Kind kind, OrderId id, Side side, Ticks price, Lots quantity, Reject why = Reject::None);
  void refuse(OrderId id, Side side, Ticks price, Lots quantity, Reject why);
  void cancelled(OrderId id, Side side, Ticks price, std::int64_t quantity, Reject why);

  ExchangeRules rules_;
  bool simple_rules_ = true;  // no check that add() could fail, no range
  OrderBook book_;
  std::vector<Dark> dark_[2];
  std::vector<Record> records_;
  std::vector<std::uint32_t> free_records_;
  IdIndex index_;
  std::vector<Waiting> market_[2];  // in a call
  std::vector<Waiting> held_;       // for a call to come
  std::size_t icebergs_ = 0, all_or_none_[2] = {0, 0};
  std::vector<OrderId> spent_;      // icebergs whose shown part just traded
  std::vector<Share> shares_;
  std::vector<Interest> bids_, asks_;
  std::vector<Report> reports_;
  Ticks last_, reference_;
  Ticks before_, centre_;  // both as they were before the order in hand
  Phase phase_ = Phase::Continuous;
  bool gathered_ = false;           // a call began and has not ended in an auction
  bool amending_ = false;           // the order is known already: no Accepted
  Nanos now_{};
  Nanos until_ = Nanos::max(), change_ = Nanos::max();
};

}  // namespace walras::engine
