#pragma once
// The insides of a Simulation, shared by the loop (simulation.cpp) and the port (orders.cpp). Not
// for others. Time order is (time, class, source by sorted name, sequence). Recorded events are
// walked by a cursor, public events on their way wait in a ring (they keep their order), and only
// orders, answers and timers go through the agenda.
#include "engine/ledger/account.hpp"
#include "engine/ledger/margin.hpp"
#include "engine/sim/agenda.hpp"
#include "engine/sim/risk.hpp"
#include "engine/sim/simulation.hpp"
#include "engine/venue/frictions.hpp"
#include "engine/venue/latency.hpp"
#include "engine/venue/venue.hpp"

#include <string>
#include <vector>

namespace walras::engine {

[[nodiscard]] inline std::size_t index(Side side) { return static_cast<std::size_t>(side); }

/// What goes first at equal times.
enum class Turn : std::uint8_t { Market, Arrival, Answer, Feed, Timer, Slice, Sample };

struct Simulation::State final : VenueSink {
  enum class What : std::uint8_t { Submit, Cancel, Replace, Answer, Fill, Timer };

  struct Item {
    Nanos time;
    std::uint64_t sequence = 0;
    std::uint32_t rank = 0;
    Turn turn = Turn::Arrival;
    What what = What::Submit;
    EventKind kind = EventKind::Accepted;
    Reject why = Reject::None;
    bool maker = false;
    bool last = false;  // answers: the order is gone
    OrderId order = 0;  // timers: the tag
    Ticks price;
    Lots quantity, remaining;  // answers: `remaining` is the number of the change that is answered
    Nanos exchange_time;
    Money fee, slippage;
  };

  /// An order as the venue has it (`open`, `live`) and as its owner knows it (`known_open`,
  /// `known_live`).
  struct Order : OrderRequest {
    std::uint32_t player = 0;
    std::uint32_t row = 0;
    bool live = false, known_live = false;
    bool at_venue = false;          // has arrived there
    bool forced = false;            // the venue's own, closing a position
    Reject doomed = Reject::None;   // why it will be refused on arrival
    Lots open, known_open;
    Lots counted;  // by the risk rules
  };

  /// Own live quantity an instrument, as the owner knows it.
  struct Open {
    std::int64_t market[2] = {0, 0};
    std::int64_t limit[2] = {0, 0};
  };

  /// What an account with margin keeps beside its money.
  struct Margin {
    Margin(const AccountRules& rules, std::size_t instruments)
        : model(rules), values(instruments), closing(instruments, 0) {}
    MarginModel model;
    std::vector<Money> values;     // scratch, by instrument
    std::vector<OrderId> closing;  // by instrument: the order that closes it by force; 0 = none
    Money owed;                    // paid by the fund, not yet known to the participant
    std::uint32_t liquidations = 0;
    bool liquidating = false;
  };

  struct Player {
    Player(Simulation& simulation, std::uint32_t number, Participant& who,
           const std::string& called, const AccountTerms& agreed,
           std::span<const Instrument> instruments, Rng stream)
        : participant(&who),
          name(called),
          terms(agreed),
          port(simulation, number),
          truth(instruments, agreed.capital, agreed.rules.get()),
          view(instruments, agreed.capital, agreed.rules.get()),
          random(stream),
          open(instruments.size()),
          changed(instruments.size(), 0),
          watch(agreed.horizons) {
      if (terms.rules && terms.rules->margin) margin = std::make_unique<Margin>(*terms.rules, instruments.size());
    }
    Participant* participant;
    std::string name;
    AccountTerms terms;
    Orders port;
    Account truth;  // at the venue
    Account view;   // as reported to the participant
    Rng random;
    std::vector<Open> open;
    std::vector<std::uint8_t> changed;  // position changed since the last sample
    std::unique_ptr<RiskRules> risk;    // null: none
    ExecutionWatch watch;
    std::uint32_t rank = 0;
    std::int64_t borrow_rate = 0;  // a year, in 1e-12
    Nanos last_entry{Nanos::min()}, last_response{Nanos::min()};
    std::vector<OrderRow> orders;
    std::vector<FillRow> fills;
    std::vector<EquityRow> equity;
    std::vector<PositionRow> positions;
    std::vector<PostingRow> postings;
    std::vector<MarginRow> margins;
    std::unique_ptr<Margin> margin;               // null: an account without
    std::vector<Nanos> next_funding, next_roll;   // by instrument, of contracts with a schedule
    std::vector<std::string> warnings;
    std::uint64_t refused_in_warm_up = 0;
    std::uint64_t clamped_rolls = 0;              // trades of rolls whose cost exceeded the price
    void state(Archive& archive);  // but its participant's
  };

  /// While a participant may be at work: no time for snapshots.
  struct Inside {
    explicit Inside(bool& of) : flag(of) { flag = true; }
    ~Inside() { flag = false; }
    Inside(const Inside&) = delete;
    bool& flag;
  };

  State(Simulation& owner, std::shared_ptr<const MarketPlan> market, const Span& when,
        std::uint64_t root);

  // The loop.
  void make();
  void start();
  bool play(Nanos limit, bool once);
  template <bool Once>
  bool loop(Nanos limit);
  /// Market and feed until just before anything else happens, where nobody listens: in one go, with the same outcome.
  void play_unheard(Nanos limit);
  /// Of an event's instrument, with its book after it and whether that came with the event.
  [[nodiscard]] Ticks mark_after(const Event& event, const Depth& depth, bool shows) const;
  void mark_accounts(InstrumentId instrument);
  void deliver_unheard(Nanos before);
  void finish();
  void play_market(Nanos time);
  void pop_item();
  void deliver_feed();
  void run_slice();
  void sample(Nanos time);
  void sample(Player& player, Nanos time);
  void close_positions();
  void settle(Nanos time);
  void warn(Player& player) const;
  void advance_clock(Nanos time, bool fundings);
  void push(Item item);

  // Accounts: what changes them without a fill (accounts.cpp).
  void start_schedule(Player& player) const;
  void find_next_due();
  void account_clock(Nanos time, bool fundings);
  void run_schedule(Player& player, Nanos time, std::int64_t nights);
  void fund(Nanos time);
  void account_event(const Event& event);
  void expire_orders(InstrumentId instrument);
  /// The mark after a split or roll; what was published before it and comes later does not move it.
  void reprice(InstrumentId instrument, Ticks mark, Nanos time);
  [[nodiscard]] bool outdated(const Event& event) const;
  void withdraw(const Player* player, InstrumentId instrument, Reject why);
  void roll(Player& player, InstrumentId instrument, const Roll& roll);
  void post(Player& player, Nanos time, LedgerAccount account, InstrumentId instrument, Money amount) const;
  void watch_margins();
  void liquidate(Player& player);
  void close_by_force(Player& player, InstrumentId instrument);
  void settle_liquidation(Player& player);
  /// What the fund paid is booked for the trader once it knows of a position no more.
  void tell_insurance(Player& player) const;
  void sample_margin(Player& player, Nanos time, Money equity) const;
  [[nodiscard]] Money held_margin(const Player& player, bool initial) const;
  Reject check_margin(const Player& player, InstrumentId instrument, const Open& after, Ticks price) const;
  Order& own_market_order(Player& player, InstrumentId instrument, Side side, Lots quantity, Nanos time);

  // Orders in and out.
  OrderId submit(Player& player, const OrderRequest& request);
  /// A new order with its rows in the record. `mid`: of the market when it was decided, in half ticks.
  Order& add_order(Player& player, const OrderRequest& request, Nanos time, Reject reject, std::int64_t mid);
  OrderId enter(Player& player, const OrderRequest& request, Reject reject);
  void cancel(Player& player, OrderId id);
  void replace(Player& player, OrderId id, Ticks price, Lots quantity);
  Reject check(const Player& player, const OrderRequest& request, const Order* replaced) const;
  /// Highest and lowest position if all open market orders filled, and of the others those of one side.
  [[nodiscard]] static std::pair<std::int64_t, std::int64_t> reach(const Player& player, InstrumentId instrument, const Open& open);
  Reject check_funds(const Player& player, const OrderRequest& request,
                     const Order* replaced) const;
  [[nodiscard]] Lots allowed(Player& player, const OrderRequest& request);
  // Risk rules (risk.cpp).
  Reject check_risk(const Player& player, const OrderRequest& request) const;
  void watch_risk(Player& player);
  void end_trading(Player& player, Reject cause);
  void close_risks(Player& player, bool first);
  void count_refusal(Player& player, Reject why, bool change);
  void refuse(Player& player, OrderId id, const OrderRequest& request, Reject why);
  void arrive(const Item& item);
  void answer_known(const Item& item);
  void fill_known(const Item& item, bool tell);
  void release(Player& player, Order& order, Lots quantity);
  [[nodiscard]] Order* own_order(const Player& player, OrderId id);
  [[nodiscard]] Nanos entry_time(Player& player, Request request);
  [[nodiscard]] Nanos response_time(Player& player);

  // VenueSink.
  void publish(const Event& event, const Depth* depth) override;
  void fill(OrderId id, Ticks price, Lots quantity, Lots remaining, bool maker, Money slippage,
            Nanos time) override;
  void answer(EventKind kind, OrderId id, Ticks price, Lots quantity, Reject why) override;

  [[nodiscard]] RunRecord record(const Player& player) const;

  // Snapshots, in snapshot.cpp.
  void state(Archive& archive);
  void find_kin();
  void save(std::vector<std::byte>& bytes);
  void restore(std::span<const std::byte> bytes, std::span<const std::uint32_t> anew);

  Simulation& simulation;
  std::shared_ptr<const MarketPlan> plan;
  Span span;
  std::uint64_t seed;
  std::span<const Instrument> instruments;
  std::shared_ptr<const Tape> path;  // played; the plan's tape, or bars made from the seed
  const Tape* tape = nullptr;        // = path
  std::unique_ptr<Venue> venue;
  std::unique_ptr<LatencyModel> latency;
  std::vector<const FeeModel*> fees;

  std::vector<std::unique_ptr<Player>> players;  // by number
  std::vector<Player*> by_rank;                  // by sorted name
  std::vector<Player*> listeners;                // of these, who wants to be told
  bool unheard = false;                          // nobody does, nor does a rule look at every slice
  std::vector<const Depth*> latest;              // scratch of deliver_unheard, by instrument,
  std::vector<InstrumentId> touched;             // and of which,
  std::vector<std::uint8_t> moved;               // and whether its mark moved
  std::vector<Order> orders;                     // by id - 1
  Agenda<Item> agenda;
  std::uint64_t next_sequence = 0;

  const Event* cursor = nullptr;
  const Event* tape_end = nullptr;
  Nanos venue_time{Nanos::max()};  // of a venue with a clock of its own
  std::vector<Event> ring;         // power of two
  std::vector<std::uint8_t> ring_shows;  // beside ring: whether depth comes with it
  std::vector<Depth> ring_depths;        // beside ring; empty until a venue publishes depth
  std::size_t ring_head = 0, ring_count = 0;
  Nanos feed_last{Nanos::min()};

  std::vector<Ticks> marks;      // delivered; 0 = none yet
  std::vector<Nanos> repriced;   // by instrument: the last split, or roll at stated prices
  Nanos last_repriced{Nanos::min()};
  std::vector<Depth> depths;     // delivered
  std::vector<const Bar*> bars;  // delivered

  Nanos now{};
  Nanos interval{};
  Nanos next_sample{Nanos::max()};
  Nanos next_day{Nanos::max()};
  Nanos next_due{Nanos::max()};  // of what the clock brings to accounts: the next day, or a funding before it
  Nanos slice_time{Nanos::min()};  // last slice asked for or run
  bool slice_due = false, sample_due = false;
  bool started = false, over = false, silent = false, closing = false;
  bool amending = false;  // a cancel or replace is at the venue
  bool inside = false;    // a participant may be at work
  std::uint64_t amendment = 0;  // its number
  bool risk_watched = false;    // some player has risk rules
  bool by_bars = false;         // fills are older than the event that tells of them
  bool marked = false;    // a mark changed since margins were looked at
  Reject forcing = Reject::None;  // why orders are cancelled that nobody asked to cancel
  OrderId meeting = 0;          // the order that arrives now, and the mid before it
  std::int64_t meeting_mid = kNoMid;
  Nanos next_markout = Nanos::max();  // the first horizon after a fill
  std::uint64_t event_count = 0;
  std::vector<std::uint64_t> kin;  // what a snapshot must have in common, hashed; empty until asked for
};

}  // namespace walras::engine
