#include "reports/attribution.hpp"

#include "engine/base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace walras::reports {
namespace {

double units(std::int64_t micros) { return static_cast<double>(micros) / 1e6; }

/// One instrument while the records are read.
struct Account {
  InstrumentProfit sum;
  double value = 0, before = 0;        ///< of the position, at this sample and the last
  double paid = 0;                     ///< for fills since the last sample, fees included
  std::vector<double> contributions;
};

class Reader {
 public:
  explicit Reader(std::span<const engine::Instrument> instruments) : instruments_(instruments) {}

  void read(const engine::RunRecord& record) {
    for (auto& [id, account] : accounts_) account.value = account.before = account.paid = 0;
    auto fill = record.fills.begin();
    auto row = record.positions.begin();
    double equity = units(record.capital_micros);
    for (std::size_t i = 0; i < record.equity.size(); ++i) {
      const engine::EquityRow& sample = record.equity[i];
      for (; fill != record.fills.end() && fill->time <= sample.time; ++fill) take(*fill, record);
      // Of several samples of one time the last one stands.
      if (i + 1 < record.equity.size() && record.equity[i + 1].time == sample.time) continue;
      for (auto& [id, account] : accounts_) account.value = 0;
      for (; row != record.positions.end() && row->time <= sample.time; ++row) {
        Account& account = at(row->instrument, record);
        const engine::Instrument& instrument = instruments_[row->instrument];
        account.value = row->time == sample.time ? instrument.quantity(row->position) * instrument.price(row->mark) * instrument.multiplier : 0;
      }
      const double now = units(sample.equity_micros);
      if (i == 0 && sample.time <= record.begin) {  // the starting capital: no period has passed
        close(0, 0, false);
      } else {
        close(now - equity, equity, true);
      }
      equity = now;
    }
  }

  ProfitParts parts(std::span<const engine::Instrument> instruments) && {
    ProfitParts result;
    std::vector<Account*> order;
    for (auto& [id, account] : accounts_) order.push_back(&account);
    std::stable_sort(order.begin(), order.end(), [](const Account* a, const Account* b) { return a->sum.profit > b->sum.profit; });
    for (Account* account : order) {
      account->contributions.resize(financing_.size(), 0);
      result.instruments.push_back(account->sum);
      result.contributions.push_back({instruments[account->sum.instrument].name, std::move(account->contributions)});
    }
    result.financing = financed_;
    if (std::any_of(financing_.begin(), financing_.end(), [](double value) { return std::fabs(value) > 1e-9; }))
      result.contributions.push_back({"financing", std::move(financing_)});
    else if (!result.contributions.empty())  // rounding of the ledger's millionths: kept, so that the sum stays exact
      for (std::size_t t = 0; t < financing_.size(); ++t) result.contributions[0].contributions[t] += financing_[t];
    return result;
  }

 private:
  Account& at(engine::InstrumentId id, const engine::RunRecord& record) {
    if (id >= instruments_.size())
      fail(Fault::Data, record.strategy, fmt::format("expected one of {} instruments, was number {}", instruments_.size(), id));
    Account& account = accounts_[id];
    account.sum.instrument = id;
    return account;
  }
  void take(const engine::FillRow& fill, const engine::RunRecord& record) {
    Account& account = at(fill.instrument, record);
    const engine::Instrument& instrument = instruments_[fill.instrument];
    const double value = instrument.quantity(fill.quantity) * instrument.price(fill.price) * instrument.multiplier;
    account.paid += static_cast<double>(engine::sign(fill.side)) * value + units(fill.fee_micros);
    account.sum.fees += units(fill.fee_micros);
    account.sum.slippage += units(fill.slippage_micros);
    account.sum.traded += value;
    ++account.sum.fills;
  }
  /// Ends a sample: `change` of equity over a period that began with `equity`.
  void close(double change, double equity, bool period) {
    double explained = 0;
    for (auto& [id, account] : accounts_) {
      const double profit = account.value - account.before - account.paid;
      account.sum.profit += profit;
      explained += profit;
      account.before = account.value;
      account.paid = 0;
      if (!period) continue;
      account.contributions.resize(financing_.size(), 0);
      account.contributions.push_back(equity > 0 ? profit / equity : 0);
    }
    if (!period) return;
    financed_ += change - explained;
    financing_.push_back(equity > 0 ? (change - explained) / equity : 0);
  }

  std::span<const engine::Instrument> instruments_;
  std::map<engine::InstrumentId, Account> accounts_;
  std::vector<double> financing_;
  double financed_ = 0;
};

}  // namespace

ProfitParts profit_parts(std::span<const engine::RunRecord* const> records, std::span<const engine::Instrument> instruments) {
  Reader reader(instruments);
  for (const engine::RunRecord* record : records) reader.read(*record);
  return std::move(reader).parts(instruments);
}

}  // namespace walras::reports
