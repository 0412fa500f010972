#include "tests/engine/inventory_table.hpp"

#include <doctest/doctest.h>

using walras::tests::InventoryTable;

namespace {

constexpr double kTablePaths = 1000;

// Three standard errors of the difference between `paths` of ours and the table's 1,000.
void check_inventory_row(const InventoryTable& table, double paths) {
  MESSAGE("profit ", table.profit, " std ", table.profit_deviation, " final q ", table.inventory,
          " std q ", table.inventory_deviation, " mean spread ", table.spread);
  const double error = std::sqrt(1 / kTablePaths + 1 / paths);
  CHECK(std::abs(table.profit - 65.0) < 3 * 6.6 * error);
  CHECK(std::abs(table.profit_deviation - 6.6) < 3 * 6.6 * error / std::sqrt(2));
  CHECK(std::abs(table.inventory - 0.08) < 3 * 2.9 * error);
  CHECK(std::abs(table.inventory_deviation - 2.9) < 3 * 2.9 * error / std::sqrt(2));
  CHECK(std::abs(table.spread - 1.4917704) < 1e-5);
  CHECK(table.steps == static_cast<std::size_t>(paths) * 200);
}

}  // namespace

#ifndef WALRAS_SLOW
TEST_CASE("the shipped market maker meets the paper's inventory row through the engine") {
  check_inventory_row(walras::tests::play_inventory_table(2'000), 2'000);
}
#else
TEST_CASE("the shipped market maker meets the paper's inventory row on 100,000 paths") {
  check_inventory_row(walras::tests::play_inventory_table(100'000), 100'000);
}

TEST_CASE("quoting around the mid earns more and risks twice as much, as in the paper") {
  const InventoryTable table = walras::tests::play_inventory_table(100'000, true);
  const double error = std::sqrt(1 / kTablePaths + 1e-5);
  MESSAGE("profit ", table.profit, " std ", table.profit_deviation, " final q ", table.inventory,
          " std q ", table.inventory_deviation);
  CHECK(std::abs(table.profit - 68.4) < 3 * 12.7 * error);
  CHECK(std::abs(table.profit_deviation - 12.7) <
        3 * 12.7 * error);  // tails are fatter than normal
  CHECK(std::abs(table.inventory - 0.26) < 3 * 8.4 * error);
  CHECK(std::abs(table.inventory_deviation - 8.4) < 3 * 8.4 * error / std::sqrt(2));
}
#endif
