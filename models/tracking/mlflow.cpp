#include "models/tracking/mlflow.hpp"

#include <cmath>

#include "engine/base/error.hpp"
#include "engine/link/http_client.hpp"

namespace walras::models {
namespace {

constexpr std::size_t kMostMetrics = 1000, kMostParameters = 100;  // of one request, MLflow's own limits

std::string escaped(const std::string& text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

}  // namespace

Json MlflowRun::call(const std::string& method, const std::string& path, const Json& body) const {
  engine::HttpRequest request{.method = method, .url = server_ + "/api/2.0/mlflow/" + path};
  if (!body.is_null()) request.body = body.dump();
  const engine::HttpAnswer answer = engine::http(request);
  if (answer.status == 404 && method == "GET") return {};
  if (answer.status != 200) {
    fail(Fault::Data, request.url,
         "expected status 200, was " + std::to_string(answer.status) + ": " + answer.body.substr(0, 500));
  }
  return answer.body.empty() ? Json::object() : Json::parse(answer.body);
}

MlflowRun::MlflowRun(std::string server, const std::string& experiment, const std::string& name,
                     std::int64_t now_ms)
    : server_(std::move(server)) {
  while (server_.ends_with('/')) server_.pop_back();
  const Json found = call("GET", "experiments/get-by-name?experiment_name=" + escaped(experiment), {});
  const std::string of = found.is_null()
                             ? call("POST", "experiments/create", Json::object({{"name", experiment}})).at("experiment_id").as_string()
                             : found.at("experiment").at("experiment_id").as_string();
  id_ = call("POST", "runs/create", Json::object({{"experiment_id", of}, {"run_name", name}, {"start_time", now_ms}}))
            .at("run").at("info").at("run_id").as_string();
}

void MlflowRun::parameters(const std::vector<std::pair<std::string, std::string>>& values) {
  Json list = Json::array();
  const auto send = [&] {
    call("POST", "runs/log-batch", Json::object({{"run_id", id_}, {"params", list}}));
    list = Json::array();
  };
  for (const auto& [key, value] : values) {
    list.push_back(Json::object({{"key", key}, {"value", value.substr(0, 6000)}}));
    if (list.size() == kMostParameters) send();
  }
  if (list.size() > 0) send();
}

void MlflowRun::tag(const std::string& key, const std::string& value) {
  call("POST", "runs/set-tag", Json::object({{"run_id", id_}, {"key", key}, {"value", value}}));
}

void MlflowRun::metric(const std::string& key, double value, std::int64_t step, std::int64_t now_ms) {
  if (!std::isfinite(value))
    fail(Fault::Numeric, "metric " + key, "expected a finite number, was " + std::to_string(value));
  waiting_.push_back(Json::object({{"key", key}, {"value", value}, {"timestamp", now_ms}, {"step", step}}));
  if (waiting_.size() == kMostMetrics) flush();
}

void MlflowRun::flush() {
  if (waiting_.size() == 0) return;
  call("POST", "runs/log-batch", Json::object({{"run_id", id_}, {"metrics", waiting_}}));
  waiting_ = Json::array();
}

void MlflowRun::end(std::int64_t now_ms, const std::string& status) {
  flush();
  call("POST", "runs/update", Json::object({{"run_id", id_}, {"status", status}, {"end_time", now_ms}}));
}

}  // namespace walras::models
