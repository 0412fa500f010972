#pragma once
// Tracker: tells others how a training goes, epoch by epoch: a folder that TensorBoard (and what
// syncs its folders, as Weights & Biases does) reads, a server that speaks MLflow's REST interface.
// Torch-free. What it tells never comes back into a result.
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "engine/base/config.hpp"
#include "models/tracking/mlflow.hpp"
#include "models/tracking/tensorboard.hpp"

namespace walras::models {

struct TrackingParams {
  std::string tensorboard, mlflow, experiment = "walras";
  static void fields(auto&& field) {
    using P = TrackingParams;
    field("tensorboard", &P::tensorboard, {.doc = "folder for TensorBoard's event files; empty = none"});
    field("mlflow", &P::mlflow, {.doc = "address of an MLflow server, as http://localhost:5000; empty = none"});
    field("experiment", &P::experiment, {.doc = "of MLflow"});
  }
};

class Tracker {
 public:
  /// Begins; `parameters` is an object, whose members (nested ones by a path) are told to MLflow.
  Tracker(const TrackingParams& params, const std::string& name, const Json& parameters);
  /// A run that did not finish is told as failed, if it still can be.
  ~Tracker();
  Tracker(const Tracker&) = delete;
  Tracker& operator=(const Tracker&) = delete;
  void scalar(const std::string& key, double value, std::int64_t step);
  /// Ends an epoch: what was told of it is sent.
  void flush();
  void finish();

 private:
  [[nodiscard]] static std::int64_t now_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  }
  std::optional<EventFile> events_;
  std::optional<MlflowRun> run_;
  bool finished_ = false;
};

}  // namespace walras::models
