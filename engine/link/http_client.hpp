#pragma once
// One HTTP request to another program (a tracking server), answered or refused in words. It hides
// sockets and knows nothing of what is asked. No TLS: what must cross an open network goes through
// a proxy that has it.
#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace walras::engine {

struct HttpRequest {
  std::string method = "GET";
  std::string url;  ///< "http://localhost:5000/path?query"
  std::string body{};
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers{};
};
struct HttpAnswer {
  int status = 0;
  std::string body;
};

/// Sends and waits, `patience` at most for the whole of it. Answers of any status are returned.
/// Throws Error{Usage} on a URL of another form, Error{Unavailable} where there is no answer (nobody
/// there, too slow, no HTTP, more than 64 MiB).
[[nodiscard]] HttpAnswer http(const HttpRequest& request,
                              std::chrono::milliseconds patience = std::chrono::seconds(30));

}  // namespace walras::engine
