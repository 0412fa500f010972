#pragma once
// MLflow: runs, parameters and metrics on a tracking server, over its REST interface. Torch-free.
// Source: MLflow REST API 2.0.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/json.hpp"

namespace walras::models {

class MlflowRun {
 public:
  /// Begins a run in the experiment of that name, made where it is not yet. `server`:
  /// "http://localhost:5000". Times are milliseconds since 1970, the caller's.
  /// Throws Error{Unavailable} without an answer, Error{Data} with the server's words when refused.
  MlflowRun(std::string server, const std::string& experiment, const std::string& name,
            std::int64_t now_ms);
  void parameters(const std::vector<std::pair<std::string, std::string>>& values);
  void tag(const std::string& key, const std::string& value);
  /// Queues a figure of a step; sent by flush(), or when 1,000 wait.
  void metric(const std::string& key, double value, std::int64_t step, std::int64_t now_ms);
  void flush();
  /// Ends the run. Range: status FINISHED, FAILED or KILLED.
  void end(std::int64_t now_ms, const std::string& status = "FINISHED");
  [[nodiscard]] const std::string& id() const { return id_; }

 private:
  Json call(const std::string& method, const std::string& path, const Json& body) const;
  std::string server_, id_;
  Json waiting_ = Json::array();
};

}  // namespace walras::models
