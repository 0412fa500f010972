#include "models/tracking/tracker.hpp"

#include <filesystem>
#include <system_error>
#include <vector>

namespace walras::models {
namespace {

void flatten(const Json& json, const std::string& path, std::vector<std::pair<std::string, std::string>>& out) {
  if (!json.is_object()) {
    out.emplace_back(path, json.is_string() ? json.as_string() : json.dump());
    return;
  }
  for (const auto& [key, value] : json.as_object()) flatten(value, path.empty() ? key : path + "/" + key, out);
}

}  // namespace

Tracker::Tracker(const TrackingParams& params, const std::string& name, const Json& parameters) {
  if (!params.tensorboard.empty()) {
    std::error_code told_when_opening;
    std::filesystem::create_directories(params.tensorboard, told_when_opening);
    events_.emplace(params.tensorboard, name, static_cast<double>(now_ms()) * 1e-3);
  }
  if (!params.mlflow.empty()) {
    run_.emplace(params.mlflow, params.experiment, name, now_ms());
    std::vector<std::pair<std::string, std::string>> flat;
    flatten(parameters, "", flat);
    run_->parameters(flat);
  }
}

Tracker::~Tracker() {
  if (!run_ || finished_) return;
  try {
    run_->end(now_ms(), "FAILED");
  } catch (...) {  // the failure that brought us here is the one to tell
  }
}

void Tracker::scalar(const std::string& key, double value, std::int64_t step) {
  if (events_) events_->scalar(key, step, value, static_cast<double>(now_ms()) * 1e-3);
  if (run_) run_->metric(key, value, step, now_ms());
}

void Tracker::flush() {
  if (events_) events_->flush();
  if (run_) run_->flush();
}

void Tracker::finish() {
  flush();
  if (run_) run_->end(now_ms());
  finished_ = true;
}

}  // namespace walras::models
