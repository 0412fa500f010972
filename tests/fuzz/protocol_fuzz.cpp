// Any bytes from a peer are messages that survive both encodings, or an Error{Data}; a framer gives the same messages
// whatever the pieces in which a stream comes. The first byte picks the encoding.
#include "engine/base/error.hpp"
#include "engine/link/protocol.hpp"

#include <cstdlib>

namespace {

using namespace walras;
using namespace walras::engine::protocol;

/// The messages of a stream, written again; whether a refusal ended them.
struct Understood {
  std::string written;
  bool refused = false;
  bool operator==(const Understood&) const = default;
};

/// Reads a stream that comes in pieces of `piece` bytes.
Understood read_stream(std::string_view bytes, Wire wire, std::size_t piece) {
  Framer framer(wire, 4096);
  Understood all;
  try {
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      framer.add(bytes.substr(at, piece));
      while (const auto message = framer.next()) encode(decode_from_peer(*message, wire), wire, all.written);
    }
  } catch (const Error& error) {
    if (error.fault() != Fault::Data) std::abort();
    all.refused = true;
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Wire wire = (data[0] & 1) != 0 ? Wire::Binary : Wire::Json;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Understood understood = read_stream(bytes, wire, bytes.size() + 1);
  if (read_stream(bytes, wire, 7) != understood) std::abort();
  Framer framer(wire, std::size_t{1} << 24);
  framer.add(understood.written);
  while (const auto message = framer.next()) {
    const FromPeer read = decode_from_peer(*message, wire);
    const Wire other = wire == Wire::Json ? Wire::Binary : Wire::Json;
    std::string translated, here, back;
    encode(read, wire, here);
    encode(read, other, translated);
    Framer one(other, std::size_t{1} << 24);
    one.add(translated);
    const auto whole = one.next();
    if (!whole) std::abort();
    encode(decode_from_peer(*whole, other), wire, back);
    if (back != here) std::abort();
  }
  // The decoder of the other direction is there for programs in C++.
  try {
    if (!bytes.empty()) static_cast<void>(decode_to_peer(bytes, wire));
  } catch (const Error& error) {
    if (error.fault() != Fault::Data) std::abort();
  }
  return 0;
}
