#include "strategies/linear_predictor.hpp"

#include <fmt/format.h>
#include <Eigen/Cholesky>
#include <Eigen/Core>

#include <cmath>
#include <cstring>

namespace walras::strategies {
namespace {

/// y = offset + weights (x - mean) / scale, with weights that minimise the mean squared error plus
/// penalty x |weights|^2.
class Linear final : public Predictor {
 public:
  struct Params {
    double penalty = 0.1;
    static void fields(auto&& field) {
      field("penalty", &Params::penalty,
            {.min = 1e-9,
             .max = 1e9,
             .doc = "weight of the squared coefficients against the mean squared error, inputs "
                    "standardised"});
    }
  };

  Linear(Params params, const PredictorContext& context)
      : params_(params), inputs_(context.channels * context.window), outputs_(context.outputs) {
    if (inputs_ == 0 || outputs_ == 0) {
      fail(Fault::Scenario, "linear", "expected at least one channel, one step and one output");
    }
  }

  void fit(const Dataset& data, Rng) override {
    if (data.channels * data.window != inputs_ || data.outputs != outputs_ ||
        data.inputs.size() != data.rows * inputs_ || data.targets.size() != data.rows * outputs_ ||
        data.rows < 2) {
      fail(Fault::Numeric, "training data",
           fmt::format(
               "expected at least 2 rows of {} inputs and {} outputs, was {} rows of {} and {}",
               inputs_, outputs_, data.rows, data.channels * data.window, data.outputs));
    }
    for (std::size_t i = 0; i < data.inputs.size(); ++i) {
      if (!std::isfinite(data.inputs[i]))
        refuse(i / inputs_, fmt::format("input {}", i % inputs_), data.inputs[i]);
    }
    for (std::size_t i = 0; i < data.targets.size(); ++i) {
      if (!std::isfinite(data.targets[i]))
        refuse(i / outputs_, fmt::format("target {}", i % outputs_), data.targets[i]);
    }
    const auto rows = static_cast<Eigen::Index>(data.rows);
    const Eigen::Map<const FloatRows> raw_x(data.inputs.data(), rows, columns(inputs_));
    const Eigen::Map<const FloatRows> raw_y(data.targets.data(), rows, columns(outputs_));
    Eigen::MatrixXd x = raw_x.cast<double>();
    Eigen::MatrixXd y = raw_y.cast<double>();
    mean_ = x.colwise().mean();
    offset_ = y.colwise().mean();
    x.rowwise() -= mean_.transpose();
    y.rowwise() -= offset_.transpose();
    scale_ = (x.colwise().squaredNorm() / static_cast<double>(rows)).cwiseSqrt();
    for (double& scale : scale_) scale = scale > 0 ? scale : 1;  // a constant input says nothing
    x.array().rowwise() /= scale_.transpose().array();
    Eigen::MatrixXd squares = x.transpose() * x / static_cast<double>(rows);
    squares.diagonal().array() += params_.penalty;
    weights_ = squares.llt().solve(x.transpose() * y / static_cast<double>(rows)).transpose();
    loss_ = (y - x * weights_.transpose()).squaredNorm() / static_cast<double>(data.targets.size());
    rows_ = data.rows;
  }

  void predict(std::span<const float> input, std::span<float> output) override {
    expects(weights_.size() > 0, "fit() or load() before predict()");
    expects(input.size() % inputs_ == 0 && output.size() == input.size() / inputs_ * outputs_,
            "rows of inputs and outputs");
    const auto rows = static_cast<Eigen::Index>(input.size() / inputs_);
    const Eigen::Map<const FloatRows> raw_x(input.data(), rows, columns(inputs_));
    Eigen::Map<FloatRows> y(output.data(), rows, columns(outputs_));
    Eigen::MatrixXd x = raw_x.cast<double>();
    x.rowwise() -= mean_.transpose();
    x.array().rowwise() /= scale_.transpose().array();
    y = ((x * weights_.transpose()).rowwise() + offset_.transpose()).cast<float>();
  }

  [[nodiscard]] Json summary() const override {
    if (weights_.size() == 0) return {};
    return Json::object(
        {{"parameters", (inputs_ + 1) * outputs_}, {"train_rows", rows_}, {"train_loss", loss_}});
  }

  void save(std::vector<std::byte>& bytes) const override {
    expects(weights_.size() > 0, "fit() or load() before save()");
    const auto append = [&bytes](const auto& values) {
      const auto* first = reinterpret_cast<const std::byte*>(values.data());
      bytes.insert(bytes.end(), first,
                   first + static_cast<std::size_t>(values.size()) * sizeof(double));
    };
    append(mean_);
    append(scale_);
    append(offset_);
    append(weights_);
  }

  void load(std::span<const std::byte> bytes) override {
    const std::size_t expected = (2 * inputs_ + outputs_ + inputs_ * outputs_) * sizeof(double);
    if (bytes.size() != expected) {
      fail(Fault::Data, "linear",
           fmt::format("expected {} bytes of a regression of {} inputs and {} outputs, was {}",
                       expected, inputs_, outputs_, bytes.size()));
    }
    Eigen::VectorXd mean(columns(inputs_)), scale(columns(inputs_)), offset(columns(outputs_));
    Eigen::MatrixXd weights(columns(outputs_), columns(inputs_));
    const auto take = [&bytes](auto& values) {
      const std::size_t size = static_cast<std::size_t>(values.size()) * sizeof(double);
      std::memcpy(values.data(), bytes.data(), size);
      bytes = bytes.subspan(size);
    };
    take(mean);
    take(scale);
    take(offset);
    take(weights);
    if (!mean.allFinite() || !scale.allFinite() || !offset.allFinite() || !weights.allFinite() ||
        (scale.array() <= 0).any()) {
      fail(Fault::Data, "linear",
           "expected finite numbers and scales > 0, was another file or a damaged one");
    }
    mean_ = mean;
    scale_ = scale;
    offset_ = offset;
    weights_ = weights;
  }

 private:
  using FloatRows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  [[nodiscard]] static Eigen::Index columns(std::size_t count) {
    return static_cast<Eigen::Index>(count);
  }
  [[noreturn]] static void refuse(std::size_t row, const std::string& what, float value) {
    fail(Fault::Numeric, fmt::format("training data, row {}, {}", row, what),
         fmt::format("expected a finite number, was {}", value));
  }

  Params params_;
  std::size_t inputs_, outputs_, rows_ = 0;
  Eigen::VectorXd mean_, scale_, offset_;
  Eigen::MatrixXd weights_;  // outputs x inputs
  double loss_ = 0;
};

}  // namespace

void add_linear_predictor(Registry<Predictor, const PredictorContext&>& registry) {
  registry.add<Linear>("linear", "Ridge regression on the window: the baseline of any network.");
}

}  // namespace walras::strategies
