#include "strategies/boosted_trees.hpp"

#include "engine/base/error.hpp"
#include "strategies/rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

namespace walras::strategies {
namespace {

struct Params {
  std::int64_t trees = 100, leaves = 31, min_rows = 20, bins = 255, patience = 10, gap = 64;
  double learning_rate = 0.1, penalty = 0, validation = 0.2;
  static void fields(auto&& field) {
    field("trees", &Params::trees, {.min = 1, .max = 100'000, .doc = "of each output, at most"});
    field("leaves", &Params::leaves, {.min = 2, .max = 65'536, .doc = "of a tree, at most"});
    field("min_rows", &Params::min_rows,
          {.unit = "rows", .min = 1, .max = 1e9, .doc = "that every leaf has at least"});
    field("bins", &Params::bins,
          {.min = 2, .max = 255, .doc = "quantiles of an input between which trees split"});
    field("learning_rate", &Params::learning_rate,
          {.min = 1e-6, .max = 1, .doc = "share of a tree's answer that is added"});
    field("penalty", &Params::penalty,
          {.unit = "rows", .min = 0, .max = 1e9, .doc = "pull of a leaf's answer to 0"});
    field("validation", &Params::validation,
          {.min = 0, .max = 0.9, .doc = "last share of the steps, which tells when to stop; 0 = none"});
    field("gap", &Params::gap,
          {.unit = "steps", .min = 0, .max = 1e9, .doc = "left out before validation"});
    field("patience", &Params::patience,
          {.unit = "trees", .min = 1, .max = 100'000, .doc = "without a smaller validation loss before stopping"});
  }
};

/// A node of a tree: rows with input <= cut go to `left`, others to left + 1; left 0 is a leaf.
struct Node {
  std::uint32_t input = 0, left = 0;
  float cut = 0, value = 0;
};
using Tree = std::vector<Node>;

/// Where each input is cut: quantiles of the training rows, or midpoints where values are few.
std::vector<std::vector<float>> find_cuts(const Dataset& data, std::size_t rows, std::size_t bins) {
  const std::size_t inputs = data.channels * data.window;
  std::vector<std::vector<float>> cuts(inputs);
  std::vector<float> column(rows), distinct;
  for (std::size_t i = 0; i < inputs; ++i) {
    for (std::size_t row = 0; row < rows; ++row) column[row] = data.inputs[row * inputs + i];
    std::ranges::sort(column);
    distinct.clear();
    std::ranges::unique_copy(column, std::back_inserter(distinct));
    const auto between = [&](float a, float b) { return static_cast<float>((static_cast<double>(a) + b) / 2); };
    if (distinct.size() <= bins) {
      for (std::size_t k = 1; k < distinct.size(); ++k) cuts[i].push_back(between(distinct[k - 1], distinct[k]));
    } else {
      for (std::size_t k = 1; k < bins; ++k) {
        // The value below which k of `bins` parts lie; halfway where that falls between two.
        const std::size_t below = k * rows / bins, rest = k * rows % bins;
        cuts[i].push_back(rest == 0 ? between(column[below - 1], column[below]) : column[below]);
      }
      const auto repeated = std::ranges::unique(cuts[i]);
      cuts[i].erase(repeated.begin(), repeated.end());
    }
  }
  return cuts;
}

/// Grows trees on binned inputs, the leaf of the greatest gain first.
/// Source: Friedman 2001; histograms and order of growth as Ke et al. 2017.
class Grower {
 public:
  Grower(const Params& params, const Dataset& data, std::size_t rows)
      : params_(params), inputs_(data.channels * data.window), rows_(rows),
        cuts_(find_cuts(data, rows, static_cast<std::size_t>(params.bins))), bins_(inputs_ * rows), order_(rows), spare_(rows) {
    for (std::size_t i = 0; i < inputs_; ++i) {
      for (std::size_t row = 0; row < rows; ++row) {
        const auto& cuts = cuts_[i];
        bins_[i * rows + row] = static_cast<std::uint8_t>(
            std::ranges::lower_bound(cuts, data.inputs[row * inputs_ + i]) - cuts.begin());
      }
    }
  }

  /// A tree that fits `residuals` (rows), already times the learning rate; adds it to `answers`.
  Tree grow(std::span<const double> residuals, std::span<double> answers) {
    std::iota(order_.begin(), order_.end(), 0U);
    Tree tree(1);
    std::vector<Leaf> leaves;
    leaves.push_back(leaf(0, 0, rows_, residuals));
    seek(leaves.back(), histogram(leaves.back(), residuals));
    while (leaves.size() < static_cast<std::size_t>(params_.leaves)) {
      auto best = std::ranges::max_element(leaves, {}, &Leaf::gain);
      if (best->gain <= 0) break;
      const Leaf parent = std::move(*best);
      tree[parent.node].input = static_cast<std::uint32_t>(parent.input);
      tree[parent.node].cut = cuts_[parent.input][parent.bin];
      tree[parent.node].left = static_cast<std::uint32_t>(tree.size());
      tree.resize(tree.size() + 2);
      const std::size_t middle = divide(parent);
      Leaf left = leaf(tree.size() - 2, parent.begin, middle, residuals),
           right = leaf(tree.size() - 1, middle, parent.end, residuals);
      // The larger half's histogram is the parent's less the smaller's.
      Leaf& smaller = left.size() <= right.size() ? left : right;
      Leaf& larger = left.size() <= right.size() ? right : left;
      const auto least = 2 * static_cast<std::size_t>(params_.min_rows);
      if (larger.size() >= least) {
        std::vector<Cell> of_smaller = histogram(smaller, residuals);
        std::vector<Cell> of_larger = parent.cells;
        for (std::size_t i = 0; i < of_larger.size(); ++i) {
          of_larger[i].sum -= of_smaller[i].sum;
          of_larger[i].count -= of_smaller[i].count;
        }
        if (of_larger.empty()) of_larger = histogram(larger, residuals);
        seek(larger, std::move(of_larger));
        if (smaller.size() >= least) seek(smaller, std::move(of_smaller));
      }
      *best = std::move(left);
      leaves.push_back(std::move(right));
    }
    for (const Leaf& one : leaves) {
      const double value = params_.learning_rate * one.sum / (static_cast<double>(one.size()) + params_.penalty);
      tree[one.node].value = static_cast<float>(value);
      for (std::size_t i = one.begin; i < one.end; ++i) answers[order_[i]] += value;
    }
    return tree;
  }

 private:
  struct Cell {
    double sum = 0;
    std::uint32_t count = 0;
  };
  struct Leaf {
    std::size_t node = 0, begin = 0, end = 0, input = 0, bin = 0;
    double sum = 0, gain = 0;
    std::vector<Cell> cells;  // inputs x 256
    [[nodiscard]] std::size_t size() const { return end - begin; }
  };

  Leaf leaf(std::size_t node, std::size_t begin, std::size_t end, std::span<const double> residuals) const {
    Leaf made;
    made.node = node;
    made.begin = begin;
    made.end = end;
    for (std::size_t i = begin; i < end; ++i) made.sum += residuals[order_[i]];
    return made;
  }
  std::vector<Cell> histogram(const Leaf& leaf, std::span<const double> residuals) const {
    std::vector<Cell> cells(inputs_ * 256);
    for (std::size_t i = 0; i < inputs_; ++i) {
      Cell* const of_input = cells.data() + i * 256;
      const std::uint8_t* const bins = bins_.data() + i * rows_;
      for (std::size_t k = leaf.begin; k < leaf.end; ++k) {
        Cell& cell = of_input[bins[order_[k]]];
        cell.sum += residuals[order_[k]];
        ++cell.count;
      }
    }
    return cells;
  }
  /// Finds the leaf's best cut.
  void seek(Leaf& leaf, std::vector<Cell> cells) const {
    const auto least = static_cast<std::size_t>(params_.min_rows);
    const auto score = [&](double sum, std::size_t count) { return sum * sum / (static_cast<double>(count) + params_.penalty); };
    const double whole = score(leaf.sum, leaf.size());
    for (std::size_t i = 0; i < inputs_; ++i) {
      double left = 0;
      std::size_t count = 0;
      for (std::size_t bin = 0; bin < cuts_[i].size(); ++bin) {
        left += cells[i * 256 + bin].sum;
        count += cells[i * 256 + bin].count;
        if (count < least) continue;
        if (leaf.size() - count < least) break;
        const double gain = score(left, count) + score(leaf.sum - left, leaf.size() - count) - whole;
        // Rounding alone is no gain.
        if (gain <= leaf.gain || gain <= 1e-12 * whole) continue;
        leaf.gain = gain;
        leaf.input = i;
        leaf.bin = bin;
      }
    }
    // Kept for the children, unless all leaves' together would take more than a gibibyte.
    if (leaf.gain > 0 && cells.size() * sizeof(Cell) * static_cast<std::size_t>(params_.leaves) < (std::size_t{1} << 30))
      leaf.cells = std::move(cells);
  }
  /// Rows of the left half first, in their order. Returns where the right one begins.
  std::size_t divide(const Leaf& leaf) {
    const std::uint8_t* const bins = bins_.data() + leaf.input * rows_;
    std::size_t left = leaf.begin, right = 0;
    for (std::size_t k = leaf.begin; k < leaf.end; ++k) {
      const std::uint32_t row = order_[k];
      if (bins[row] <= leaf.bin) order_[left++] = row;
      else spare_[right++] = row;
    }
    std::copy_n(spare_.begin(), right, order_.begin() + static_cast<std::ptrdiff_t>(left));
    return left;
  }

  Params params_;
  std::size_t inputs_, rows_;
  std::vector<std::vector<float>> cuts_;
  std::vector<std::uint8_t> bins_;  // inputs x rows
  std::vector<std::uint32_t> order_, spare_;
};

float answer(const Tree& tree, const float* inputs) {
  std::size_t at = 0;
  while (tree[at].left != 0) at = tree[at].left + (inputs[tree[at].input] <= tree[at].cut ? 0U : 1U);
  return tree[at].value;
}

/// Offset and trees of one output.
struct Ensemble {
  double offset = 0;
  std::vector<Tree> trees;
  [[nodiscard]] double operator()(const float* inputs) const {
    double sum = offset;
    for (const Tree& tree : trees) sum += static_cast<double>(answer(tree, inputs));
    return sum;
  }
};

class BoostedTrees final : public Predictor {
 public:
  using Params = walras::strategies::Params;
  BoostedTrees(Params params, const PredictorContext& context)
      : params_(params), inputs_(context.channels * context.window), outputs_(context.outputs) {
    if (inputs_ == 0 || outputs_ == 0)
      fail(Fault::Scenario, "boosted_trees", "expected at least one channel, one step and one output");
  }

  void fit(const Dataset& data, Rng) override {
    check(data);
    const RowSplit split = split_rows(data, params_.validation, static_cast<std::size_t>(params_.gap));
    Grower grower(params_, data, split.train);
    ensembles_.clear();
    rows_ = split.train;
    loss_ = validation_loss_ = 0;
    for (std::size_t output = 0; output < outputs_; ++output)
      ensembles_.push_back(boost(grower, data, split, output));
  }

  void predict(std::span<const float> input, std::span<float> output) override {
    expects(!ensembles_.empty(), "fit() or load() before predict()");
    expects(input.size() % inputs_ == 0 && output.size() == input.size() / inputs_ * outputs_,
            "rows of inputs and outputs");
    for (std::size_t row = 0; row < input.size() / inputs_; ++row) {
      for (std::size_t k = 0; k < outputs_; ++k)
        output[row * outputs_ + k] = static_cast<float>(ensembles_[k](input.data() + row * inputs_));
    }
  }

  [[nodiscard]] Json summary() const override {
    if (ensembles_.empty()) return {};
    std::size_t trees = 0, nodes = 0;
    for (const Ensemble& one : ensembles_) {
      trees += one.trees.size();
      for (const Tree& tree : one.trees) nodes += tree.size();
    }
    Json told = Json::object({{"parameters", nodes}, {"trees", trees}, {"train_rows", rows_}, {"train_loss", loss_}});
    if (params_.validation > 0) told["validation_loss"] = validation_loss_;
    return told;
  }

  void save(std::vector<std::byte>& bytes) const override {
    expects(!ensembles_.empty(), "fit() or load() before save()");
    const auto put = [&bytes](const auto* values, std::size_t count) {
      const auto* first = reinterpret_cast<const std::byte*>(values);
      bytes.insert(bytes.end(), first, first + count * sizeof(*values));
    };
    for (const Ensemble& one : ensembles_) {
      const std::uint64_t trees = one.trees.size();
      put(&one.offset, 1);
      put(&trees, 1);
      for (const Tree& tree : one.trees) {
        const std::uint64_t nodes = tree.size();
        put(&nodes, 1);
        put(tree.data(), nodes);
      }
    }
  }

  void load(std::span<const std::byte> bytes) override {
    const auto refuse = [] {
      fail(Fault::Data, "boosted_trees", "expected the trees of such a predictor, was another file or a damaged one");
    };
    const auto take = [&](auto* values, std::size_t count) {
      if (bytes.size() / sizeof(*values) < count) refuse();
      std::memcpy(values, bytes.data(), count * sizeof(*values));
      bytes = bytes.subspan(count * sizeof(*values));
    };
    std::vector<Ensemble> read(outputs_);
    for (Ensemble& one : read) {
      std::uint64_t trees = 0;
      take(&one.offset, 1);
      take(&trees, 1);
      if (!std::isfinite(one.offset) || trees > bytes.size()) refuse();
      for (std::uint64_t i = 0; i < trees; ++i) {
        std::uint64_t nodes = 0;
        take(&nodes, 1);
        if (nodes == 0 || nodes > bytes.size() / sizeof(Node)) refuse();
        Tree& tree = one.trees.emplace_back(nodes);
        take(tree.data(), nodes);
        for (std::size_t at = 0; at < nodes; ++at) {  // children lie behind their parent: no circle
          const Node& node = tree[at];
          const bool sound = node.left == 0 ? std::isfinite(node.value)
                                            : node.left > at && node.left + 1ULL < nodes && node.input < inputs_ && std::isfinite(node.cut);
          if (!sound) refuse();
        }
      }
    }
    if (!bytes.empty()) refuse();
    ensembles_ = std::move(read);
  }

 private:
  void check(const Dataset& data) const {
    if (data.channels * data.window != inputs_ || data.outputs != outputs_ ||
        data.inputs.size() != data.rows * inputs_ || data.targets.size() != data.rows * outputs_ || data.rows < 2) {
      fail(Fault::Numeric, "training data",
           fmt::format("expected at least 2 rows of {} inputs and {} outputs, was {} rows of {} and {}", inputs_,
                       outputs_, data.rows, data.channels * data.window, data.outputs));
    }
    const auto refuse = [](const std::vector<float>& values, std::size_t width, const char* what) {
      const auto bad = std::ranges::find_if(values, [](float value) { return !std::isfinite(value); });
      if (bad == values.end()) return;
      const auto at = static_cast<std::size_t>(bad - values.begin());
      fail(Fault::Numeric, fmt::format("training data, row {}, {} {}", at / width, what, at % width),
           fmt::format("expected a finite number, was {}", *bad));
    };
    refuse(data.inputs, inputs_, "input");
    refuse(data.targets, outputs_, "target");
  }

  Ensemble boost(Grower& grower, const Dataset& data, const RowSplit& split, std::size_t output) {
    const auto target = [&](std::size_t row) { return static_cast<double>(data.targets[row * outputs_ + output]); };
    Ensemble made;
    for (std::size_t row = 0; row < split.train; ++row) made.offset += target(row);
    made.offset /= static_cast<double>(split.train);
    std::vector<double> answers(split.train, made.offset), residuals(split.train);
    std::vector<double> held(data.rows - split.validation, made.offset);
    const auto loss = [&](const std::vector<double>& of, std::size_t first) {
      double squares = 0;
      for (std::size_t i = 0; i < of.size(); ++i) squares += (of[i] - target(first + i)) * (of[i] - target(first + i));
      return of.empty() ? 0 : squares / static_cast<double>(of.size());
    };
    double best = loss(held, split.validation), best_train = loss(answers, 0);
    std::size_t kept = 0;
    for (std::int64_t k = 0; k < params_.trees; ++k) {
      for (std::size_t row = 0; row < split.train; ++row) residuals[row] = target(row) - answers[row];
      made.trees.push_back(grower.grow(residuals, answers));
      if (held.empty()) {
        kept = made.trees.size();
        continue;
      }
      for (std::size_t i = 0; i < held.size(); ++i)
        held[i] += static_cast<double>(answer(made.trees.back(), data.inputs.data() + (split.validation + i) * inputs_));
      if (const double now = loss(held, split.validation); now < best) {
        best = now;
        best_train = loss(answers, 0);
        kept = made.trees.size();
      } else if (made.trees.size() - kept >= static_cast<std::size_t>(params_.patience)) {
        break;
      }
    }
    if (held.empty()) best_train = loss(answers, 0);
    made.trees.resize(kept);
    loss_ += best_train / static_cast<double>(outputs_);
    validation_loss_ += best / static_cast<double>(outputs_);
    return made;
  }

  Params params_;
  std::size_t inputs_, outputs_, rows_ = 0;
  std::vector<Ensemble> ensembles_;
  double loss_ = 0, validation_loss_ = 0;
};

}  // namespace

void add_boosted_trees(Registry<Predictor, const PredictorContext&>& registry) {
  registry.add<BoostedTrees>("boosted_trees", "Gradient boosting of regression trees on the window.");
}

}  // namespace walras::strategies
