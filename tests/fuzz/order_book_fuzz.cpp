// Any bytes are operations on a book: eight bytes an operation. The naive book plays the same, and
// both must agree.
#include "engine/book/order_book.hpp"
#include "tests/book/naive_book.hpp"

#include <array>
#include <cstdlib>
#include <vector>

using namespace walras;
using namespace walras::engine;

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

bool same(const Outcome& a, const Outcome& b) {
  return a.reject == b.reject && a.filled == b.filled && a.resting == b.resting &&
         a.cancelled == b.cancelled;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  OrderBook book(64);
  NaiveBook naive;
  for (; size >= 8; data += 8, size -= 8) {
    const Side side = (data[0] & 0x80) != 0 ? Side::Sell : Side::Buy;
    const bool flag = (data[0] & 0x40) != 0;
    const auto time_in_force = static_cast<TimeInForce>(((data[0] >> 4) & 3) % 3);
    const OrderId id = data[1];
    // One byte of fine price, one of jumps: near the touch, at the edges of the window, and far
    // outside.
    const std::int64_t price =
        static_cast<std::int8_t>(data[2]) + std::int64_t{static_cast<std::int8_t>(data[3])} * 1000;
    const std::int64_t quantity =
        static_cast<std::int16_t>(static_cast<std::uint16_t>(data[4] | data[5] << 8));
    std::size_t trades = 0;
    naive.trades.clear();
    Outcome expected;
    std::vector<Match> matches;
    const auto on_trade = [&](const Match& match) { matches.push_back(match); };
    Outcome outcome;
    switch (data[0] & 0x0f) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
        outcome = book.limit(id, side, {price}, {quantity}, time_in_force, flag, on_trade);
        expected = naive.limit(id, side, price, quantity, time_in_force, flag);
        break;
      case 6:
        outcome = book.market(id, side, {quantity}, on_trade, flag);
        expected = naive.market(id, side, quantity, flag);
        break;
      case 7:
      case 8:
      case 9:
        outcome = book.cancel(id);
        expected = naive.cancel(id);
        break;
      case 10:
        outcome = book.reduce(id, {quantity});
        expected = naive.reduce(id, quantity);
        break;
      case 11:
      case 12:
        outcome = book.replace(id, {price}, {quantity}, flag, on_trade);
        expected = naive.replace(id, price, quantity, flag);
        break;
      case 13:
        outcome = book.rest(id, side, {price}, {quantity});
        expected = naive.rest(id, side, price, quantity);
        break;
      case 14: {
        const OrderBook copy = book;
        book = copy;
        break;
      }
      default:
        book.clear();
        naive.orders.clear();
    }
    must(same(outcome, expected));
    must(matches.size() == naive.trades.size());
    for (const Match& match : matches) {
      const Match& other = naive.trades[trades++];
      must(match.maker == other.maker && match.price == other.price &&
           match.quantity == other.quantity && match.maker_left == other.maker_left);
    }
    must(book.orders() == naive.orders.size());
    std::array<std::int64_t, 2> sums{};
    for (const NaiveBook::Order& order : naive.orders) {
      const auto found = book.find(order.id);
      must(found && found->side == order.side && found->price.value == order.price &&
           found->quantity.value == order.quantity);
      sums[static_cast<std::size_t>(order.side)] += order.quantity;
    }
    for (const Side each : {Side::Buy, Side::Sell}) {
      std::int64_t sum = 0;
      book.visit_levels(each, [&](Ticks, const OrderBook::LevelView& level) {
        sum += level.quantity.value;
        return true;
      });
      must(sum == sums[static_cast<std::size_t>(each)]);
    }
  }
  return 0;
}
