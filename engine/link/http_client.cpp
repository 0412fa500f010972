#include "engine/link/http_client.hpp"

#include <exception>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "engine/base/error.hpp"

namespace walras::engine {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;

struct Address {
  std::string host, port = "80", target = "/";
};

Address parse(const std::string& url) {
  constexpr std::string_view kScheme = "http://";
  const auto refuse = [&url] {
    fail(Fault::Usage, "url", "expected an address like http://localhost:5000/path, was " + url);
  };
  if (!url.starts_with(kScheme)) refuse();
  for (const char c : url) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 127) refuse();  // would end the request's first line
  }
  Address address;
  std::string rest = url.substr(kScheme.size());
  if (const auto slash = rest.find_first_of("/?"); slash != std::string::npos) {
    address.target = rest.substr(slash);
    if (address.target.front() == '?') address.target.insert(0, 1, '/');
    rest.resize(slash);
  }
  const auto bracket = rest.rfind(']');  // of an IPv6 address
  if (const auto colon = rest.rfind(':'); colon != std::string::npos && (bracket == std::string::npos || colon > bracket)) {
    address.port = rest.substr(colon + 1);
    rest.resize(colon);
  }
  if (rest.size() > 2 && rest.front() == '[' && rest.back() == ']') rest = rest.substr(1, rest.size() - 2);
  address.host = rest;
  const bool digits = address.port.find_first_not_of("0123456789") == std::string::npos;
  if (address.host.empty() || address.host.find('@') != std::string::npos || address.port.empty() || !digits) refuse();
  return address;
}

using Reply = beast::http::response_parser<beast::http::string_body>;

asio::awaitable<void> talk(const HttpRequest& request, const Address& address,
                           std::chrono::milliseconds patience, Reply& reply) {
  const auto executor = co_await asio::this_coro::executor;
  asio::ip::tcp::resolver resolver(executor);
  beast::tcp_stream stream(executor);
  stream.expires_after(patience);
  const auto places = co_await resolver.async_resolve(address.host, address.port, asio::use_awaitable);
  co_await stream.async_connect(places, asio::use_awaitable);
  beast::http::request<beast::http::string_body> message;
  message.method_string(request.method);
  message.target(address.target);
  message.version(11);
  message.set(beast::http::field::host, address.port == "80" ? address.host : address.host + ":" + address.port);
  message.set(beast::http::field::user_agent, "walras");
  message.set(beast::http::field::connection, "close");
  for (const auto& [name, value] : request.headers) message.set(name, value);
  if (!request.body.empty()) message.set(beast::http::field::content_type, request.content_type);
  message.body() = request.body;
  message.prepare_payload();
  co_await beast::http::async_write(stream, message, asio::use_awaitable);
  beast::flat_buffer buffer;
  reply.body_limit(std::uint64_t{64} << 20);
  co_await beast::http::async_read(stream, buffer, reply, asio::use_awaitable);
}

}  // namespace

HttpAnswer http(const HttpRequest& request, std::chrono::milliseconds patience) {
  const Address address = parse(request.url);
  asio::io_context context(1);
  Reply reply;
  std::exception_ptr failure;
  bool done = false;
  asio::co_spawn(context, talk(request, address, patience, reply), [&](const std::exception_ptr& error) {
    failure = error;
    done = true;
  });
  context.run_for(patience);  // a name that does not resolve waits longer than a socket would
  const auto unavailable = [&](const std::string& why) {
    fail(Fault::Unavailable, address.host + ":" + address.port, "expected an answer over HTTP, was " + why);
  };
  if (!done) unavailable("none within " + std::to_string(patience.count()) + " ms");
  try {
    if (failure) std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    unavailable(error.what());
  }
  return {static_cast<int>(reply.get().result_int()), std::move(reply.get().body())};
}

}  // namespace walras::engine
