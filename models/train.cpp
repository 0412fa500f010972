// The whole of a training: schedule, averages, early stopping, checkpoints.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <system_error>

#include "engine/base/error.hpp"
#include "engine/base/files.hpp"
#include "models/metrics.hpp"
#include "models/training.hpp"

namespace walras::models {
namespace {

std::vector<torch::Tensor> tensors(const torch::nn::Module& module) {
  std::vector<torch::Tensor> all = module.parameters();
  for (const torch::Tensor& buffer : module.buffers()) all.push_back(buffer);
  return all;
}
std::vector<torch::Tensor> copies(const std::vector<torch::Tensor>& all) {
  std::vector<torch::Tensor> made;
  for (const torch::Tensor& one : all) made.push_back(one.detach().clone());
  return made;
}
void assign(std::vector<torch::Tensor>& to, const std::vector<torch::Tensor>& from) {
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < to.size(); ++i) to[i].copy_(from[i]);
}

/// Moving (EMA) or plain (SWA) average of a model's numbers, and the exchange with them.
class Average {
 public:
  explicit Average(std::vector<torch::Tensor> live) : live_(std::move(live)) {}
  void add(double decay) {
    const torch::NoGradGuard no_grad;
    if (mean_.empty()) {
      mean_ = copies(live_);
    } else {
      for (std::size_t i = 0; i < live_.size(); ++i) mean_[i].lerp_(live_[i].detach(), 1 - decay);
    }
    ++count_;
  }
  void add_equally() { add(static_cast<double>(count_) / static_cast<double>(count_ + 1)); }
  [[nodiscard]] bool active() const { return !mean_.empty(); }
  /// Puts the average in the model, or the model's own numbers back.
  void swap() {
    const std::vector<torch::Tensor> kept = copies(live_);
    assign(live_, mean_);
    mean_ = kept;
  }
  std::vector<torch::Tensor>& mean() { return mean_; }
  [[nodiscard]] const std::vector<torch::Tensor>& mean() const { return mean_; }
  [[nodiscard]] const std::vector<torch::Tensor>& live() const { return live_; }
  std::int64_t count_ = 0;

 private:
  std::vector<torch::Tensor> live_, mean_;
};

void put(Archive& archive, const std::string& prefix, const std::vector<torch::Tensor>& list) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    const torch::Tensor values = list[i].detach().to(torch::kCPU).contiguous();
    const float* begin = values.data_ptr<float>();
    archive.arrays.push_back({prefix + std::to_string(i), values.sizes().vec(),
                              std::vector<float>(begin, begin + values.numel())});
  }
}
std::vector<torch::Tensor> taken(const Archive& archive, const std::string& prefix,
                                 const std::vector<torch::Tensor>& like) {
  std::vector<torch::Tensor> list;
  for (std::size_t i = 0; i < like.size(); ++i) {
    const NamedArray& array = archive.at(prefix + std::to_string(i), like[i].sizes());
    torch::Tensor values = torch::empty(like[i].sizes());
    std::ranges::copy(array.values, values.data_ptr<float>());
    list.push_back(values.to(like[i].device()));
  }
  return list;
}

Json numbers(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values) list.push_back(value);
  return list;
}
std::vector<double> numbers(const Json& list) {
  std::vector<double> values;
  for (const Json& value : list.as_array()) values.push_back(value.as_number());
  return values;
}

/// A copy of values as a tensor, and where it lies, to be scaled in place.
std::pair<torch::Tensor, std::span<float>> copied(const std::vector<float>& values,
                                                  std::initializer_list<std::int64_t> shape) {
  torch::Tensor result = torch::empty(shape);
  const std::span<float> place(result.data_ptr<float>(), values.size());
  std::ranges::copy(values, place.begin());
  return {result, place};
}

/// What makes two trainings the same one.
std::string identity(const Regressor& model, const strategies::Dataset& data,
                     const TrainingParams& params, const Rng& random) {
  TrainingParams plain = params;
  plain.checkpoints.clear();
  Sha256 sha;
  sha.update(dump(plain).dump());
  const Rng::State state = random.state();
  for (const std::uint64_t part : {state.seed, state.name, state.index, state.counter})
    sha.update_integer(static_cast<std::int64_t>(part));
  for (const auto& item : model.named_parameters()) {
    sha.update(item.key());
    for (const std::int64_t side : item.value().sizes()) sha.update_integer(side);
  }
  sha.update(std::as_bytes(std::span(data.inputs)));
  sha.update(std::as_bytes(std::span(data.targets)));
  return sha.hex();
}

class Training {
 public:
  Training(Regressor& model, Objective& objective, Trainer& trainer, const TrainingParams& params,
           std::string id)
      : params_(params), trainer_(trainer), numbers_(tensors(model)), average_(numbers_), id_(std::move(id)) {
    for (const torch::Tensor& one : tensors(objective)) numbers_.push_back(one);
    if (params.checkpoints.empty()) return;
    std::error_code told_when_writing;
    std::filesystem::create_directories(params.checkpoints, told_when_writing);
    file_ = std::filesystem::path(params.checkpoints) / (id_.substr(0, 16) + ".safetensors");
    if (std::filesystem::exists(file_)) resume();
  }

  /// Returns: whether to go on.
  bool epoch(const torch::Tensor& held_x, const torch::Tensor& held_y, bool validates) {
    const std::int64_t epoch = report.epochs + 1;
    trainer_.begin_epoch(epoch);
    const auto batches = static_cast<std::int64_t>(trainer_.batches());
    const std::int64_t total = params_.epochs * batches;
    double sum = 0, rate = rate_;
    for (std::int64_t batch = 0; batch < batches; ++batch) {
      rate = rate_ / params_.learning_rate * learning_rate(params_, (epoch - 1) * batches + batch, total);
      sum += trainer_.step(static_cast<std::size_t>(batch), rate);
      ++report.steps;
      if (params_.ema > 0) average_.add(params_.ema);
    }
    if (params_.ema <= 0 && params_.swa > 0 &&
        static_cast<double>(epoch) > (1 - params_.swa) * static_cast<double>(params_.epochs)) {
      average_.add_equally();
    }
    report.epochs = epoch;
    report.rate_curve.push_back(rate);
    report.train_curve.push_back(sum / static_cast<double>(batches));
    if (average_.active()) average_.swap();
    const bool more = judge(held_x, held_y, validates);
    if (average_.active()) average_.swap();
    if (!file_.empty()) save();
    return more && epoch < params_.epochs;
  }

  void keep_best() { assign(numbers_, best_); }
  TrainingReport report;

 private:
  bool judge(const torch::Tensor& held_x, const torch::Tensor& held_y, bool validates) {
    const double train_loss = report.train_curve.back();
    const double loss = validates ? trainer_.evaluate(held_x, held_y) : train_loss;
    if (!std::isfinite(loss)) {
      fail(Fault::Numeric, "training",
           fmt::format("expected a finite validation loss, was {} after epoch {}", loss, report.epochs));
    }
    if (validates) report.validation_curve.push_back(loss);
    if (!validates || loss < best_loss_) {
      best_loss_ = loss;
      report.best_epoch = report.epochs;
      report.train_loss = train_loss;
      report.validation_loss = validates ? loss : 0;
      best_ = copies(numbers_);
      return true;
    }
    const std::int64_t waited = report.epochs - report.best_epoch;
    if (params_.schedule == Schedule::Plateau && 2 * waited >= params_.patience) rate_ *= 0.5;
    return waited < params_.patience;
  }

  void save() const {
    Archive archive;
    trainer_.save(archive);
    put(archive, "best.", best_);
    put(archive, "mean.", average_.mean());
    Json& about = archive.description;
    about["training"] = id_;
    about["epochs"] = report.epochs;
    about["best_epoch"] = report.best_epoch;
    about["steps"] = report.steps;
    about["averaged"] = average_.count_;
    about["rate"] = rate_;
    about["train_curve"] = numbers(report.train_curve);
    about["validation_curve"] = numbers(report.validation_curve);
    about["rate_curve"] = numbers(report.rate_curve);
    std::vector<std::byte> bytes;
    archive.write(bytes);
    write_atomically(file_, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }

  void resume() {
    const std::string text = read_text(file_);
    const Archive archive = Archive::read(std::as_bytes(std::span(text)), file_.string());
    const Json& about = archive.description;
    if (about.find("training") == nullptr || about.at("training") != Json(id_))
      fail(Fault::Data, file_.string(), "expected a checkpoint of this training, was of another; remove it");
    trainer_.load(archive);
    report.epochs = about.at("epochs").as_integer();
    report.best_epoch = about.at("best_epoch").as_integer();
    report.steps = about.at("steps").as_integer();
    report.train_curve = numbers(about.at("train_curve"));
    report.validation_curve = numbers(about.at("validation_curve"));
    report.rate_curve = numbers(about.at("rate_curve"));
    rate_ = about.at("rate").as_number();
    const auto best = static_cast<std::size_t>(report.best_epoch - 1);
    report.train_loss = report.train_curve.at(best);
    if (!report.validation_curve.empty()) report.validation_loss = report.validation_curve.at(best);
    best_loss_ = report.validation_curve.empty() ? report.train_loss : report.validation_loss;
    best_ = taken(archive, "best.", numbers_);
    average_.count_ = about.at("averaged").as_integer();
    if (average_.count_ > 0) average_.mean() = taken(archive, "mean.", average_.live());
    report.resumed = true;
  }

  const TrainingParams& params_;
  Trainer& trainer_;
  std::vector<torch::Tensor> numbers_;  // of model and objective
  Average average_;                     // of the model
  std::vector<torch::Tensor> best_;
  double best_loss_ = std::numeric_limits<double>::infinity(), rate_ = params_.learning_rate;
  std::string id_;
  std::filesystem::path file_;
};

std::vector<float> flat(const torch::Tensor& values) {
  const torch::Tensor here = values.to(torch::kCPU, torch::kFloat32).contiguous();
  return {here.data_ptr<float>(), here.data_ptr<float>() + here.numel()};
}

/// Of the kept weights, on the first output of the validation rows.
Json validation_metrics(Regressor& model, const Objective& objective, const torch::Tensor& x,
                        const torch::Tensor& y) {
  const c10::InferenceMode inference;
  std::vector<torch::Tensor> heads, features;
  for (std::int64_t begin = 0; begin < x.size(0); begin += 1024) {
    const torch::Tensor part = x.narrow(0, begin, std::min<std::int64_t>(1024, x.size(0) - begin));
    heads.push_back(model.forward(part));
    features.push_back(model.features(part));
  }
  const torch::Tensor predicted = at::cat(heads), described = at::cat(features);
  const std::vector<float> answer = flat(objective.decode(predicted).select(1, 0)),
                           truth = flat(y.select(1, 0));
  Json metrics = Json::object({{"information_coefficient", information_coefficient(answer, truth)},
                               {"rank_information_coefficient", rank_information_coefficient(answer, truth)}});
  for (std::size_t i = 0; i < objective.params().tasks.size(); ++i) {
    const Task& task = objective.params().tasks[i];
    if (task.kind != TaskKind::Direction && task.kind != TaskKind::Regime) continue;
    const torch::Tensor wanted = objective.classes(task, y).select(1, 0).to(torch::kInt32).contiguous();
    const std::vector<float> p = flat(at::softmax(objective.logits(i, predicted).select(1, 0), 1));
    const std::span<const std::int32_t> classes(wanted.data_ptr<std::int32_t>(),
                                                static_cast<std::size_t>(wanted.numel()));
    metrics[task.kind == TaskKind::Direction ? "direction" : "regime"] =
        to_json(class_metrics(classes, p, 3));
  }
  if (truth.size() >= 32) {
    const FeatureQuality quality =
        feature_quality(flat(described), static_cast<std::size_t>(described.size(1)), truth);
    const auto largest = [](const std::vector<double>& values) {
      double most = 0;
      for (const double value : values) most = std::max(most, std::abs(value));
      return most;
    };
    metrics["features"] = Json::object({{"linear_probe", quality.probe},
                                        {"largest_correlation", largest(quality.correlation)},
                                        {"largest_information", largest(quality.information)}});
  }
  return metrics;
}

}  // namespace

TrainingReport train(Regressor& model, Objective& objective, const strategies::Dataset& data,
                     const Scaler& scaler, const TrainingParams& params, Rng random,
                     const Progress& progress) {
  const torch::Device device = find_device(params.device, "device");
  const RowSplit split = split_rows(data, params);
  const auto rows = static_cast<std::int64_t>(data.rows),
             train_rows = static_cast<std::int64_t>(split.train);
  auto [x, x_values] = copied(data.inputs, {rows, static_cast<std::int64_t>(data.channels),
                                            static_cast<std::int64_t>(data.window)});
  auto [y, y_values] = copied(data.targets, {rows, static_cast<std::int64_t>(data.outputs)});
  scaler.scale_inputs(x_values, data.window);
  scaler.scale_targets(y_values);
  x = x.to(device);
  y = y.to(device);
  const auto first = static_cast<std::int64_t>(split.validation);
  const torch::Tensor held_x = x.narrow(0, first, rows - first),
                      held_y = y.narrow(0, first, rows - first);
  const bool validates = first < rows;

  model.to(device);
  objective.to(device);
  objective.fit(y.narrow(0, 0, train_rows));
  Trainer trainer(model, params, x.narrow(0, 0, train_rows), y.narrow(0, 0, train_rows), random,
                  &objective);
  Training training(model, objective, trainer, params,
                    params.checkpoints.empty() ? "" : identity(model, data, params, random));
  TrainingReport& report = training.report;
  report.train_rows = split.train;
  report.validation_rows = data.rows - split.validation;
  const auto finished = [&] {
    return report.epochs >= params.epochs ||
           (validates && report.epochs - report.best_epoch >= params.patience);
  };
  while (!finished()) {
    const bool more = training.epoch(held_x, held_y, validates);
    if ((progress && !progress(report)) || !more) break;
  }
  training.keep_best();
  model.eval();
  if (validates) report.metrics = validation_metrics(model, objective, held_x, held_y);
  model.to(torch::kCPU);
  objective.to(torch::kCPU);
  return report;
}

}  // namespace walras::models
