// The account against a naive twin that adds everything up anew, over random events of every kind in three currencies.
#include "engine/ledger/account.hpp"
#include "engine/base/error.hpp"
#include "engine/base/random.hpp"
#include "engine/market/splits.hpp"
#include "tests/support/market.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace walras;
using namespace walras::tests;

namespace {

#ifdef WALRAS_SLOW
constexpr std::int64_t kEvents = 100'000'000;
#else
constexpr std::int64_t kEvents = 1'000'000;
#endif

using Integer = Money::Integer;

std::vector<Instrument> market() {
  const auto make = [](const char* name, const char* currency, double tick, double lot, double multiplier) {
    Instrument one = tiny_instrument(name);
    one.currency = currency;
    one.tick_size = tick;
    one.lot_size = lot;
    one.multiplier = multiplier;
    return one;
  };
  return {make("COIN", "USD", 0.5, 0.001, 1), make("DAX", "EUR", 0.5, 1, 25), make("EURUSD", "USD", 0.0001, 1000, 1),
          make("SAP", "EUR", 0.01, 1, 1),     make("TSE", "JPY", 1, 100, 1),  make("USDJPY", "JPY", 0.01, 1000, 1)};
}

AccountAgreement agreement() {
  AccountAgreement agreed;
  agreed.contracts["COIN"].kind = ContractKind::Perpetual;
  agreed.contracts["DAX"].kind = ContractKind::Future;
  ContractParams& euro = agreed.contracts["EURUSD"];
  euro.kind = ContractKind::Forex;
  euro.swap_long = -0.75;
  euro.swap_short = 0.31;
  agreed.contracts["SAP"].borrow_rate = 0.08;
  agreed.contracts["USDJPY"].kind = ContractKind::Forex;
  agreed.rates["EUR"] = {"EURUSD"};
  agreed.rates["JPY"] = {"1/USDJPY"};
  return agreed;
}

/// Everything in full, nothing kept up to date: money by currency and name, what each position is and cost.
struct Twin {
  struct Holding {
    Integer position = 0, mark = 0, basis = 0, tick_value = 0;
    int currency = 0;
    bool by_difference = false;
  };
  std::vector<Holding> holdings;
  std::map<std::string, Integer> money[3];
  Integer turnover[3] = {0, 0, 0};

  void pay(int currency, const char* from, Integer amount) {
    money[currency][from] -= amount;
    money[currency]["cash"] += amount;
  }
  void set(Holding& held, Integer position, Integer basis, Integer paid) {
    const Integer entered = basis - held.basis;
    money[held.currency][held.by_difference ? "contracts" : "cash"] -= entered;
    money[held.currency]["positions"] += entered;
    pay(held.currency, "realised", entered - paid);
    held.position = position;
    held.basis = basis;
  }
  void fill(std::size_t i, int side, Integer price, Integer quantity, Integer fee) {
    Holding& held = holdings[i];
    const Integer value = held.tick_value * price * quantity;
    pay(held.currency, "fees", -fee);
    turnover[held.currency] += value;
    const Integer after = held.position + side * quantity;
    Integer basis = held.basis + side * value;
    if (held.position * side < 0) {
      const bool through = after * held.position < 0 || after == 0;
      basis = through ? held.tick_value * price * after : held.basis * after / held.position;
    }
    if (held.mark == 0) held.mark = price;
    set(held, after, basis, side * value);
  }
  [[nodiscard]] Integer rate_of(std::size_t i) const { return holdings[i].mark; }
  /// In dollars: euros by EURUSD (ticks of 1e-4), yen by USDJPY (ticks of 1e-2).
  [[nodiscard]] Integer dollars(Integer amount, int currency) const {
    if (currency == 1) return amount * rate_of(2) / 10'000;
    if (currency == 2) return amount * 100 / rate_of(5);
    return amount;
  }
  [[nodiscard]] Integer equity() const {
    Integer total = 0;
    for (int currency = 0; currency < 3; ++currency) {
      Integer own = 0;
      for (const auto& [name, amount] : money[currency])
        if (name == "cash" || name == "contracts") own += amount;
      for (const Holding& held : holdings)
        if (held.currency == currency) own += held.tick_value * held.mark * held.position;
      total += dollars(own, currency);
    }
    return total;
  }
};

}  // namespace

TEST_CASE("every ledger account equals a naive twin's and the balances add up to nothing, over random events in three currencies") {
  const std::vector<Instrument> instruments = market();
  const auto rules = account_rules(agreement(), instruments, nullptr, "/account");
  REQUIRE(rules != nullptr);
  Account account(instruments, Money::from_units(1e6), rules.get());
  Twin twin;
  for (std::size_t i = 0; i < instruments.size(); ++i) {
    const ContractRules& contract = rules->contracts[i];
    const int currency = instruments[i].currency == "USD" ? 0 : instruments[i].currency == "EUR" ? 1 : 2;
    REQUIRE(contract.currency == static_cast<std::uint32_t>(currency));
    twin.holdings.push_back({0, 0, 0, instruments[i].tick_value().value, currency, contract.by_difference()});
  }
  twin.pay(0, "capital", Money::from_units(1e6).value);
  const std::int64_t start[] = {80'000, 30'000, 11'000, 15'000, 3'000, 15'000};
  for (InstrumentId i = 0; i < 6; ++i) {
    account.mark(i, {start[i]});
    twin.holdings[i].mark = start[i];
  }
  Rng random(11, "ledger_test");
  const auto compare = [&] {
    for (std::size_t currency = 0; currency < 3; ++currency) {
      REQUIRE(account.ledger().sum(currency) == Money{});
      for (std::size_t a = 0; a < kLedgerAccounts; ++a) {
        const auto which = static_cast<LedgerAccount>(a);
        const std::string name(name_of(which));
        CAPTURE(name);
        REQUIRE(account.ledger().balance(currency, which).value == twin.money[currency][name]);
      }
    }
    Integer basis[3] = {0, 0, 0}, long_value[3] = {0, 0, 0}, short_value[3] = {0, 0, 0};
    for (std::size_t i = 0; i < 6; ++i) {
      const Twin::Holding& held = twin.holdings[i];
      REQUIRE(account.position(static_cast<InstrumentId>(i)).value == static_cast<std::int64_t>(held.position));
      basis[held.currency] += held.basis;
      const Integer worth = held.tick_value * held.mark * held.position;
      (worth > 0 ? long_value : short_value)[held.currency] += worth > 0 ? worth : -worth;
    }
    Integer longs = 0, shorts = 0, turnover = 0;
    for (int currency = 0; currency < 3; ++currency) {
      // What positions cost is one account: neither more nor less than the sum over them.
      REQUIRE(account.ledger().balance(static_cast<std::size_t>(currency), LedgerAccount::Positions).value == basis[currency]);
      longs += twin.dollars(long_value[currency], currency);
      shorts += twin.dollars(short_value[currency], currency);
      turnover += twin.dollars(twin.turnover[currency], currency);
    }
    REQUIRE(account.long_value().value == longs);
    REQUIRE(account.short_value().value == shorts);
    REQUIRE(account.turnover().value == turnover);
  };
  for (std::int64_t step = 0; step < kEvents; ++step) {
    const auto i = static_cast<std::size_t>(random.below(6));
    const auto instrument = static_cast<InstrumentId>(i);
    Twin::Holding& held = twin.holdings[i];
    const Integer worth = held.tick_value * held.mark * held.position;
    switch (random.below(16)) {
      case 0: {
        const std::int64_t per_lot = 1 + static_cast<std::int64_t>(random.below(50));
        account.dividend(instrument, {per_lot});
        twin.pay(held.currency, "dividends", held.tick_value * per_lot * held.position);
        break;
      }
      case 1: {
        const std::int64_t rate = static_cast<std::int64_t>(random.below(2'000'001)) - 1'000'000;
        account.funding(instrument, rate);
        twin.pay(held.currency, "funding", -(worth * rate / 1'000'000'000));
        break;
      }
      case 2: {
        const auto nights = static_cast<std::int64_t>(random.below(8));
        account.swap(instrument, nights);
        if (i == 2) {
          const Integer points = held.position > 0 ? -750'000 : 310'000;  // 1e-6 ticks: a pip is a tick here
          twin.pay(0, "swap", held.tick_value * (held.position > 0 ? held.position : -held.position) * points * nights / 1'000'000);
        }
        break;
      }
      case 3: {
        const auto days = static_cast<std::int64_t>(random.below(4));
        account.borrow(days, 30'000'000'000);  // 3 % a year; SAP its own 8 %
        const auto charge = [&](std::size_t at, Integer percent) {
          const Twin::Holding& one = twin.holdings[at];
          if (one.position >= 0 || one.by_difference) return;
          const Integer value = -(one.tick_value * one.mark * one.position);
          twin.pay(one.currency, "borrow", -((value * percent / 100 * days + 182) / 365));
        };
        charge(3, 8);
        charge(4, 3);
        break;
      }
      case 4: {
        if (i != 3 && i != 4) break;
        const std::int64_t from = random.bernoulli(0.5) ? 2 : 3, to = 5 - from;
        account.split(instrument, from, to);
        const Integer units = held.position * to, whole = units / from, rest = units % from;
        if (held.position != 0) twin.set(held, whole, held.basis * (units - rest) / units, -(worth * rest / units));
        held.mark = split_price({static_cast<std::int64_t>(held.mark)}, from, to).value;
        break;
      }
      case 5: {
        const Lots quantity{1 + static_cast<std::int64_t>(random.below(20))};
        account.liquidation_fee(instrument, {static_cast<std::int64_t>(held.mark)}, quantity, 5'000'000'000);
        twin.pay(held.currency, "liquidation", -(held.tick_value * held.mark * quantity.value * 5 / 1000));
        break;
      }
      case 6: {
        const Money amount{static_cast<std::int64_t>(random.below(1'000'000'000'000))};
        account.insure(amount);
        twin.pay(0, "insurance", amount.value);
        break;
      }
      case 7:
      case 8:
      case 9: {
        const std::int64_t price = start[i] / 2 + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(start[i])));
        account.mark(instrument, {price});
        held.mark = price;
        break;
      }
      default: {
        // Towards nothing where much is held.
        const bool far = held.position > 2'000 || held.position < -2'000;
        const int side = far ? (held.position > 0 ? -1 : 1) : random.bernoulli(0.5) ? 1 : -1;
        const auto quantity = static_cast<std::int64_t>(1 + random.below(far ? 2'000 : 100));
        const std::int64_t price = static_cast<std::int64_t>(held.mark) + static_cast<std::int64_t>(random.below(21)) - 10;
        const Money fee{static_cast<std::int64_t>(random.below(2'000'000'000'000)) - 500'000'000'000};
        account.fill(instrument, side > 0 ? Side::Buy : Side::Sell, {price}, {quantity}, fee, {});
        twin.fill(i, side, price, quantity, fee.value);
      }
    }
    if (account.equity().value != twin.equity()) REQUIRE(step < 0);
    if (step % 512 == 0) compare();
  }
  compare();
}

TEST_CASE("money in other currencies is converted directly, inversely and through a third, by hand") {
  std::vector<Instrument> instruments = market();
  Instrument cross = instruments[2];
  cross.name = "GBPEUR";
  cross.currency = "EUR";
  Instrument share = instruments[3];
  share.name = "LSE";
  share.currency = "GBP";
  instruments.insert(instruments.begin() + 3, cross);
  instruments.insert(instruments.begin() + 4, share);
  AccountAgreement agreed = agreement();
  agreed.rates["GBP"] = {"GBPEUR", "EURUSD"};
  const auto rules = account_rules(agreed, instruments, nullptr, "/account");
  Account account(instruments, Money::from_units(1000), rules.get());
  CHECK_FALSE(account.convertible(4));
  account.mark(2, {11'000});   // 1.10 dollars a euro
  account.mark(3, {12'000});   // 1.20 euros a pound
  account.mark(7, {12'500});   // 125 yen a dollar
  CHECK(account.convertible(4));
  account.fill(4, Side::Buy, {1000}, {10}, Money::from_units(1), {});       // 100 pounds and 1 of fees
  CHECK(account.cash() == Money::from_units(1000 - 101 * 1.32));
  CHECK(account.equity() == Money::from_units(1000 - 1.32));
  account.mark(4, {1200});                                                  // 20 pounds gained
  CHECK(account.equity() == Money::from_units(1000 + 19 * 1.32));
  account.fill(6, Side::Sell, {2500}, {1}, {}, {});                         // 100 shares at 2500 yen: 2000 dollars
  CHECK(account.short_value() == Money::from_units(2000));
  account.mark(6, {3000});
  CHECK(account.equity() == Money::from_units(1000 + 19 * 1.32 - 400));
  account.mark(7, {10'000});                                                // 100 yen a dollar: the loss of 50,000 yen is 500
  CHECK(account.equity() == Money::from_units(1000 + 19 * 1.32 - 500));
  CHECK(account.balance(LedgerAccount::Cash) == account.cash());
}

TEST_CASE("rates that lead nowhere, unknown names and terms of another kind of contract are refused, with the place") {
  const std::vector<Instrument> instruments = market();
  const auto refused = [&](auto change, const char* where, const char* words) {
    AccountAgreement agreed = agreement();
    change(agreed);
    CAPTURE(words);
    try {
      (void)account_rules(agreed, instruments, nullptr, "/account");
      FAIL_CHECK("nothing was refused");
    } catch (const Error& error) {
      CHECK(error.where() == where);
      CHECK(std::string(error.what()).find(words) != std::string::npos);
    }
  };
  refused([](AccountAgreement& a) { a.rates.erase("JPY"); }, "/account/rates", "JPY (TSE) is converted to USD");
  refused([](AccountAgreement& a) { a.rates.clear(); }, "/account/rates", "is converted to USD");
  refused([](AccountAgreement& a) { a.rates["JPY"] = {"USDJPY"}; }, "/account/rates/JPY/0", "expected an instrument that prices JPY, was USDJPY, which prices USD");
  refused([](AccountAgreement& a) { a.rates["JPY"] = {"1/USDJPY", "USDJPY"}; }, "/account/rates/JPY/1", "each instrument once");
  refused([](AccountAgreement& a) { a.margin.emplace().mode = MarginMode::Portfolio, a.margin->moves = {0.1, 0.2}; }, "/account/margin/moves", "below and above 0");
  refused([](AccountAgreement& a) { a.rates["JPY"] = {"1/EURUSD"}; }, "/account/rates/JPY/0", "priced in JPY");
  refused([](AccountAgreement& a) { a.rates["JPY"] = {"1/USDJP"}; }, "/account/rates/JPY/0", "expected one of COIN");
  refused([](AccountAgreement& a) { a.rates["USD"] = {"EURUSD"}; }, "/account/rates/USD", "the account's own");
  refused([](AccountAgreement& a) { a.contracts["DAXX"] = {}; }, "/account/contracts/DAXX", "expected * or one of COIN");
  refused([](AccountAgreement& a) { a.contracts["DAX"].funding_rate = 0.1; }, "/account/contracts/DAX/funding_rate", "of kind perpetual");
  refused([](AccountAgreement& a) { a.contracts["COIN"].roll_every_days = 5; }, "/account/contracts/COIN/roll_every_days", "of kind future");
  refused([](AccountAgreement& a) { a.contracts["COIN"].maintenance_margin = 2; }, "/account/contracts/COIN/maintenance_margin", "at most the initial margin");
  refused([](AccountAgreement& a) { a.contracts["COIN"].roll_cost_ticks = 2; }, "/account/contracts/COIN/roll_cost_ticks", "of kind future");
  refused([](AccountAgreement& a) { a.contracts["DAX"].roll_cost_ticks = 2; }, "/account/contracts/DAX/roll_cost_ticks", "rolls or roll_every_days beside it");
  refused([](AccountAgreement& a) { a.contracts["DAX"].initial_margin = 0.1; }, "/account/contracts/DAX/initial_margin", "without margin");
  refused([](AccountAgreement& a) { a.margin.emplace().moves = {-0.1, 0.1}; }, "/account/margin/moves", "mode positions");
  refused([](AccountAgreement& a) { a.contracts["DAX"].roll_cost_ticks = 8000; a.contracts["DAX"].rolls = {{"2020-03-20", 4000.0, 4100.0}}; },
          "/account/contracts/DAX/roll_cost_ticks", "expected less than the prices of the roll of 2020-03-20, the lower of which is 8000 ticks, was 8000");
  refused([](AccountAgreement& a) { a.contracts["DAX"].rolls = {{"soon", {}, {}}}; }, "/account/contracts/DAX/rolls/0/date", "such as 2015-03-20, was soon");
  refused([](AccountAgreement& a) { a.contracts["DAX"].rolls = {{"2020-03-20", {}, {}}, {"2020-03-20", {}, {}}}; }, "/account/contracts/DAX/rolls/1/date", "a day after");
}

TEST_CASE("one currency and no contracts need no rules where it is the account's; another one is refused, or converted by rates") {
  std::vector<Instrument> instruments{tiny_instrument("A"), tiny_instrument("B")};
  AccountAgreement agreed;
  CHECK(account_rules(agreed, instruments, nullptr, "/account") == nullptr);
  for (Instrument& one : instruments) one.currency = "USDT";
  CHECK_THROWS_WITH_AS((void)account_rules(agreed, instruments, nullptr, "/account"),
                       "/account/currency: expected USDT, the currency of all instruments, was USD; set it to USDT, or give \"rates\" that lead from USDT to USD", Error);
  agreed.margin.emplace();   // nor beside other terms
  CHECK_THROWS_AS((void)account_rules(agreed, instruments, nullptr, "/account"), Error);
  agreed = {};
  agreed.currency = "USDT";
  CHECK(account_rules(agreed, instruments, nullptr, "/account") == nullptr);
  instruments[1].currency = "EUR";
  CHECK_THROWS_AS((void)account_rules(agreed, instruments, nullptr, "/account"), Error);

  // Two shares in euros for a dollar account, by the pair that is traded beside them.
  for (Instrument& one : instruments) one.currency = "EUR";
  instruments.push_back(tiny_instrument("EURUSD"));
  instruments.back().tick_size = 0.0001;
  agreed = {};
  agreed.rates["EUR"] = {"EURUSD"};
  const auto rules = account_rules(agreed, instruments, nullptr, "/account");
  Account account(instruments, Money::from_units(1000), rules.get());
  account.mark(2, {12'500});
  account.fill(0, Side::Buy, {100}, {10}, {}, {});
  account.mark(0, {300});
  CHECK(account.equity() == Money::from_units(1000 + 20 * 1.25));
}
