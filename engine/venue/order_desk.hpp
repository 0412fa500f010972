#pragma once
// OrderDesk: stands in front of any venue and does what needs no book: orders that wait for a price
// (stops, touched, trailing), follow one (pegs), expire (day, good till date), hang on one another
// (one-cancels-other, one-updates-other, one-triggers-other), or only reduce a position; and, for
// venues that cannot, slices of icebergs, all-or-none, minimum quantity and market-to-limit by what
// the venue shows. It learns prices only from what the venue publishes, at exchange time, and acts
// after the venue is done with the event: never inside it. Orders that need none of this pass by.
#include "engine/market/sessions.hpp"
#include "engine/venue/venue.hpp"

#include <memory>
#include <vector>

namespace walras::engine {

/// The venue with a desk before it. `calendar`: when day orders end; null: at midnight UTC.
/// `instruments`: how many the venue trades.
std::unique_ptr<Venue> make_order_desk(std::unique_ptr<Venue> venue, std::size_t instruments,
                                       std::shared_ptr<const TradingCalendar> calendar);

}  // namespace walras::engine
