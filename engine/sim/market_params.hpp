#pragma once
// The scenario's "market" and "venue" sections as typed fields: parser, schema and documentation
// come from here.
#include "engine/base/config.hpp"
#include "engine/venue/bar_venue.hpp"
#include "engine/venue/exchange_params.hpp"
#include "engine/venue/replay_venue.hpp"

namespace walras::engine {

enum class MarketMode : std::uint8_t { Replay, Reacting, Generated };

struct MarketParams {
  MarketMode mode = MarketMode::Replay;
  Json source;
  Json generator;
  Json regime;
  std::optional<double> duration_s;
  std::optional<double> sample_s;
  std::optional<double> refill_half_life_s;
  static void fields(auto&& field) {
    field("mode", &MarketParams::mode,
          {.doc = "replay: recorded data as they were; reacting: a recorded order book that answers to own orders; "
                  "generated: a market made from a seed."});
    field("source", &MarketParams::source,
          {.doc = "Recorded data: a file, or a set of the data library.", .component = "source"});
    field("generator", &MarketParams::generator,
          {.doc = "The generated market.", .component = "generator"});
    field("regime", &MarketParams::regime,
          {.doc = "How a generated market's parameters change over time; null: they do not.",
           .component = "regime"});
    field("duration_s", &MarketParams::duration_s,
          {.unit = "s",
           .min = 1e-3,
           .max = 1e9,
           .doc = "Length of one generated path; absent: the generator's own."});
    field("sample_s", &MarketParams::sample_s,
          {.unit = "s",
           .min = 1e-6,
           .max = 1e7,
           .doc = "Spacing of equity samples on order books; absent: 60 for recorded books, the "
                  "generator's own otherwise. Bars are sampled at every close."});
    field("refill_half_life_s", &MarketParams::refill_half_life_s,
          {.unit = "s",
           .min = 1e-6,
           .max = 1e9,
           .doc = "Mode reacting: half of what own orders took from a level, or left standing there, is made good in this "
                  "time; absent: 1."});
  }
};

struct VenueParams {
  Json latency;
  Json fees = Json("none");
  Json slippage = Json("none");
  std::optional<FillAt> fill_at;
  std::optional<double> volume_share;
  std::optional<QueueRule> queue;
  std::optional<double> queue_power;
  std::optional<std::string> calendar;
  std::optional<ExchangeParams> exchange;
  static void fields(auto&& field) {
    field("latency", &VenueParams::latency,
          {.doc = "Delays; absent: none for bars, constant (50 us a leg) on order books.",
           .component = "latency"});
    field("fees", &VenueParams::fees,
          {.doc = "Commission and exchange fees.", .component = "fees"});
    field("slippage", &VenueParams::slippage,
          {.doc = "Bars: how much worse than the rule's price a trade is done. On order books "
                  "trades walk the book instead.",
           .component = "slippage"});
    field(
        "fill_at", &VenueParams::fill_at,
        {.doc = "Bars: price of market orders; absent: next_open, or next_close where only closes "
                "are known. this_close is optimistic: it trades at a price already seen."});
    field("volume_share", &VenueParams::volume_share,
          {.min = 0,
           .max = 1,
           .doc = "Bars: share of a bar's volume that may fill, the rest goes on to the next bar; "
                  "0: no cap; absent: 0.1 where volumes are known."});
    field("queue", &VenueParams::queue,
          {.doc = "Recorded books: how own resting orders move up. fifo: by the ids of the orders ahead; risk_averse: by "
                  "trades alone; the others share a decrease between front and back. Absent: fifo where the feed names "
                  "orders, else risk_averse."});
    field("queue_power", &VenueParams::queue_power,
          {.min = 0.1, .max = 20, .doc = "Recorded books: n of power_1, power_2 and power_3; absent: 3."});
    field("calendar", &VenueParams::calendar,
          {.doc = "Trading hours and holidays: 24x7, us_equities, us_futures, forex, xetra, london "
                  "or hong_kong. They say when day orders end and, on bars, where the open and the "
                  "close of a session are; absent: days end at midnight UTC."});
    field("exchange", &VenueParams::exchange,
          {.doc = "Generated markets: how orders are matched."});
  }
};

}  // namespace walras::engine

namespace walras {
template <>
struct EnumNames<engine::MarketMode> {
  static constexpr std::array<std::pair<engine::MarketMode, std::string_view>, 3> names{
      {{engine::MarketMode::Replay, "replay"},
       {engine::MarketMode::Reacting, "reacting"},
       {engine::MarketMode::Generated, "generated"}}};
};
template <>
struct EnumNames<engine::FillAt> {
  static constexpr std::array<std::pair<engine::FillAt, std::string_view>, 3> names{
      {{engine::FillAt::NextOpen, "next_open"},
       {engine::FillAt::NextClose, "next_close"},
       {engine::FillAt::ThisClose, "this_close"}}};
};
}  // namespace walras
