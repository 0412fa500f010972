// Architectures and their layers: shapes, counts, causality to the bit, gradients, PyTorch as
// oracle.
#include "tests/support/torch_doctest.hpp"

#include <cmath>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "engine/base/error.hpp"
#include "models/attention.hpp"
#include "models/checkpointing.hpp"
#include "models/net.hpp"
#include "models/optimiser.hpp"
#include "tests/models/draws.hpp"
#include "tests/support/data.hpp"

using namespace walras;
using namespace walras::models;

namespace {

struct Case {
  std::string json;
  NetShape shape;
};

/// Every architecture, small, in the forms that differ in code.
std::vector<Case> cases() {
  return {
      {R"({"kind": "mlp", "hidden": [6, 5]})", {3, 8}},
      {R"({"kind": "price_cnn", "channels": 4, "blocks": 2, "features": 5})", {3, 8}},
      {R"({"kind": "price_cnn", "frames": [1, 3], "channels": 4, "blocks": 1, "features": 5,
           "heads": 2, "batch_norm": true})", {3, 12}},
      {R"({"kind": "profile_cnn", "places": 4, "channels": 3, "blocks": 1, "features": 5})", {8, 7}},
      {R"({"kind": "bilstm", "hidden": 4, "heads": 2, "horizons": [1, 3]})", {3, 8}},
      {R"({"kind": "lstm", "hidden": 4, "heads": 2, "horizons": [1, 3]})", {3, 9}},
      {R"({"kind": "transformer", "width": 8, "heads": 2, "hidden": 10, "layers": 2})", {3, 8}},
      {R"({"kind": "transformer", "width": 8, "heads": 2, "hidden": 10, "scales": 2, "positions": "none"})", {3, 9}},
      {R"({"kind": "transformer", "width": 8, "heads": 2, "hidden": 10, "attention": "linear", "positions": "sinusoidal"})", {3, 70}},
      {R"({"kind": "transformer", "width": 8, "heads": 2, "hidden": 10, "attention": "performer", "positions": "learned"})", {3, 9}},
      {R"({"kind": "transformer", "width": 8, "heads": 2, "hidden": 10, "causal": false})", {3, 8}},
      {R"({"kind": "hybrid", "width": 8, "heads": 2, "hidden": 8, "blocks": 1, "layers": 1})", {3, 8}},
      {R"({"kind": "deeplob", "width": 3, "hidden": 5})", {8, 21}},
      {R"({"kind": "translob", "filters": 5, "heads": 2, "blocks": 2, "hidden": 6, "features": 12, "convolutions": 2})", {8, 9}},
      {R"({"kind": "tlob", "width": 6, "layers": 1, "heads": 1, "features": 4})", {8, 9}},
  };
}

std::shared_ptr<Net> made(const Case& one, std::uint64_t seed = 1) {
  Rng random(seed, "test");
  std::shared_ptr<Net> net = build_net(Json::parse(one.json), one.shape, random);
  net->eval();
  return net;
}

torch::Tensor wave(at::IntArrayRef shape, int key, double scale) {
  torch::Tensor values = torch::empty(shape);
  for (std::int64_t i = 0; i < values.numel(); ++i) {
    const double u = 43758.5453 * std::sin(12.9898 * static_cast<double>(i + 1) + 78.233 * (key + 1));
    values.data_ptr<float>()[i] = static_cast<float>(scale * 2 * (u - std::floor(u) - 0.5));
  }
  return values;
}

void fill(torch::nn::Module& module, double scale = 0.3) {
  const torch::NoGradGuard no_grad;
  int key = 0;
  for (torch::Tensor& parameter : module.parameters())
    parameter.copy_(wave(parameter.sizes(), key++, scale));
  module.eval();
}

const Json& oracle() {
  static const Json all = Json::read(tests::source_root() / "tests/data/networks_oracle.json");
  return all;
}

/// Both sum in float32, in orders of their own: 1e-5 of the size of the numbers.
bool agrees(const torch::Tensor& ours, std::string_view name) {
  std::vector<float> values;
  for (const Json& value : oracle().at(name).at("values").as_array())
    values.push_back(static_cast<float>(value.as_number()));
  const torch::Tensor expected = torch::tensor(values);
  const double worst = (ours.detach().reshape(-1) - expected).abs().max().item<double>();
  const double size = std::max(1.0, expected.abs().max().item<double>());
  CAPTURE(worst);
  CHECK(worst <= 1e-5 * size);
  return ours.numel() == expected.numel();
}

}  // namespace

TEST_CASE("every architecture maps (B, C, T) to (B, H), and names the dimension that does not fit") {
  use_one_thread();
  Nets all("network");
  add_nets(all);
  std::set<std::string> covered;
  for (const Case& one : cases()) {
    CAPTURE(one.json);
    covered.insert(Json::parse(one.json).at("kind").as_string());
    const auto net = made(one);
    const auto [c, t] = std::pair{one.shape.channels, one.shape.window};
    const torch::Tensor x = draws({5, c, t}, Rng(2, "x"));
    const torch::Tensor y = net->forward(x);
    CHECK(y.sizes() == at::IntArrayRef({5, net->features()}));
    CHECK(at::isfinite(y).all().item<bool>());
    CHECK_THROWS_WITH_AS(net->forward(draws({5, c + 1, t}, Rng(2, "x"))),
                         doctest::Contains("channels (dimension 1)"), Error);
    CHECK_THROWS_WITH_AS(net->forward(draws({5, c, t + 1}, Rng(2, "x"))),
                         doctest::Contains("steps (dimension 2, the window)"), Error);
    CHECK_THROWS_WITH_AS(net->forward(draws({5, t}, Rng(2, "x"))), doctest::Contains("was 2"), Error);
    if (net->causal()) {
      const torch::Tensor sequence = net->sequence(x);
      CHECK(sequence.sizes() == at::IntArrayRef({5, net->features(), t}));
      CHECK(at::allclose(y, sequence.select(2, t - 1), 1e-5, 1e-5));
    } else {
      CHECK_THROWS_WITH_AS(net->sequence(x), doctest::Contains("causal"), Error);
    }
  }
  for (const std::string_view kind : all.kinds()) CHECK(covered.contains(std::string(kind)));
}

TEST_CASE("a changed future input moves no earlier output by a single bit") {
  for (const Case& one : cases()) {
    const auto net = made(one);
    if (!net->causal()) continue;
    CAPTURE(one.json);
    const std::int64_t t = one.shape.window;
    const torch::Tensor x = draws({2, one.shape.channels, t}, Rng(3, "x"));
    const torch::Tensor y = net->sequence(x);
    for (const std::int64_t step : {t / 3, t - 2, t - 1}) {
      CAPTURE(step);
      torch::Tensor changed = x.clone();
      changed.narrow(2, step, t - step) += 3.0;
      const torch::Tensor z = net->sequence(changed);
      CHECK(at::equal(y.narrow(2, 0, step), z.narrow(2, 0, step)));
      CHECK_FALSE(at::equal(y.narrow(2, step, t - step), z.narrow(2, step, t - step)));
    }
  }
}

TEST_CASE("gradients of every architecture agree with finite differences") {
  for (const Case& one : cases()) {
    CAPTURE(one.json);
    const auto net = made(one);
    net->train();  // batch moments and all
    net->to(torch::kFloat64);
    const torch::Tensor x =
        draws({4, one.shape.channels, one.shape.window}, Rng(4, "x")).to(torch::kFloat64);
    const torch::Tensor target = draws({4, net->features()}, Rng(4, "y")).to(torch::kFloat64);
    const auto loss = [&] { return at::mse_loss(net->forward(x), target); };
    loss().backward();
    const torch::NoGradGuard no_grad;
    int checked = 0, near = 0;
    for (const auto& item : net->named_parameters()) {
      const torch::Tensor flat = item.value().view(-1);
      REQUIRE(item.value().grad().defined());
      const torch::Tensor gradient = item.value().grad().reshape(-1);
      for (std::int64_t i = 0; i < flat.numel(); i += std::max<std::int64_t>(1, flat.numel() / 3)) {
        const double value = flat[i].item<double>(), h = 1e-6;
        flat[i] = value + h;
        const double above = loss().item<double>();
        flat[i] = value - h;
        const double below = loss().item<double>();
        flat[i] = value;
        // Rounding 1e-16 / 1e-6 plus curvature x 1e-12. Where a ReLU or a maximum has its kink
        // between the two points the difference is no derivative: rare, and counted.
        ++checked;
        const double exact = gradient[i].item<double>(), found = (above - below) / (2 * h);
        const bool close = std::abs(exact - found) <= 1e-7 + 1e-4 * std::abs(exact);
        near += close ? 1 : 0;
        if (!close) MESSAGE(item.key() << ": " << exact << " against " << found);
      }
    }
    CHECK(checked >= 10);
    CHECK(near >= checked - checked / 50);
  }
}

TEST_CASE("every architecture overfits one batch") {
  for (const Case& one : cases()) {
    CAPTURE(one.json);
    Rng random(5, "head");
    const auto net = made(one);
    net->train();
    const Linear head(net->features(), 1);
    fill_uniform(head.weight, 0.5, random);
    std::vector<torch::Tensor> all = net->parameters();
    for (const torch::Tensor& parameter : head.parameters()) all.push_back(parameter);
    AdamW optimiser(all, {});
    const torch::Tensor x = draws({8, one.shape.channels, one.shape.window}, Rng(5, "x"));
    const torch::Tensor y = draws({8, 1}, Rng(5, "y"));
    double first = 0, best = 1e9;
    for (std::uint64_t step = 0; step < 250 && best > 0.02; ++step) {
      key_dropout(*net, random, 0);  // one mask: memory, not averaging, is asked for
      const torch::Tensor loss = at::mse_loss(head.forward(net->forward(x)), y);
      optimiser.zero_gradients();
      loss.backward();
      optimiser.step(0.02);
      if (step == 0) first = loss.item<double>();
      best = std::min(best, loss.item<double>());
    }
    CHECK(first > 0.2);
    CHECK(best < 0.05);
  }
}

TEST_CASE("layers compute what PyTorch's do with the same weights") {
  Rng random(6, "test");
  const torch::Tensor x = wave({2, 7, 6}, 40, 1.0), memory = wave({2, 9, 6}, 41, 1.0);
  for (const bool both : {false, true}) {
    Lstm lstm(6, 5, both, random);
    fill(lstm);
    CHECK(agrees(lstm.forward(x), both ? "bilstm" : "lstm"));
  }
  Linear linear(6, 4);
  fill(linear);
  CHECK(agrees(linear.forward(x), "linear"));
  LayerNorm layer_norm(6);
  fill(layer_norm);
  CHECK(agrees(layer_norm.forward(x), "layer_norm"));
  for (const bool causal : {false, true}) {
    Attention attention({.width = 6, .heads = 3, .causal = causal}, random);
    fill(attention);
    CHECK(agrees(attention.forward(x, x), causal ? "causal_attention" : "attention"));
    if (!causal) CHECK(agrees(attention.forward(x, memory), "cross_attention"));
    attention.record = true;
    CHECK(agrees(attention.forward(x, x), causal ? "causal_attention" : "attention"));
    if (causal) CHECK(agrees(attention.recorded, "attention_weights"));
  }
  const torch::Tensor image = wave({2, 6, 11}, 42, 1.0);
  CausalConvolution convolution(6, 4, 3, 2);
  fill(convolution);
  CHECK(agrees(convolution.forward(image), "causal_convolution"));
  BatchNorm batch_norm(6);
  fill(batch_norm);
  batch_norm.running_mean.copy_(wave({6}, 43, 0.5));
  batch_norm.running_variance.copy_(wave({6}, 44, 0.5) + 1);
  CHECK(agrees(batch_norm.forward(image), "batch_norm"));
  batch_norm.train();
  CHECK(agrees(batch_norm.forward(image), "batch_norm_training"));
  CHECK(agrees(at::cat({batch_norm.running_mean, batch_norm.running_variance}), "batch_norm_moments"));
  PlaneConvolution plane({.in = 3, .out = 4, .steps = 3, .places = 2, .stride = 2, .step_pad = 1});
  fill(plane);
  CHECK(agrees(plane.forward(wave({2, 3, 5, 8}, 45, 1.0)), "plane_convolution"));
  TransformerBlock block({.width = 6, .heads = 3, .causal = true}, 10, 0.0, random);
  fill(block);
  CHECK(agrees(block.forward(x), "transformer_block"));
}

TEST_CASE("DeepLOB has the published number of parameters and PyTorch's outputs") {
  Rng random(7, "test");
  struct Classifier final : torch::nn::Module {
    explicit Classifier(Rng& weights)
        : net(register_module("net", build_net("deeplob", {40, 100}, weights))),
          head(register_module("head", std::make_shared<Linear>(64, 3))) {}
    std::shared_ptr<Net> net;
    std::shared_ptr<Linear> head;
  } model(random);
  CHECK(parameter_count(model) == 143'907);
  CHECK(oracle().at("deeplob").at("parameters").as_integer() == 143'907);
  fill(model, 1.0);
  const torch::Tensor x = wave({2, 1, 100, 40}, 46, 1.0).squeeze(1).transpose(1, 2);
  CHECK(agrees(model.head->forward(model.net->forward(x)), "deeplob"));
}

TEST_CASE("attention weights are exposed: rows of non-negative numbers with sum 1, zero ahead") {
  for (const Case& one : cases()) {
    const std::string kind = Json::parse(one.json).at("kind").as_string();
    const auto net = made(one);
    CAPTURE(one.json);
    const torch::Tensor x = draws({2, one.shape.channels, one.shape.window}, Rng(8, "x"));
    const auto weights = attention_weights(*net, x);
    CHECK(weights.empty() == (kind == "mlp" || kind == "deeplob" || one.json.find("\"blocks\": 2, \"features\": 5") != std::string::npos));
    for (const auto& [name, w] : weights) {
      CAPTURE(name);
      REQUIRE(w.dim() == 4);
      CHECK((w >= 0).all().item<bool>());
      CHECK(at::allclose(w.sum(3), at::ones_like(w.sum(3)), 0, 1e-5));
      if (net->causal() && w.size(2) == w.size(3)) CHECK(at::equal(at::triu(w, 1), at::zeros_like(w)));
    }
    // Looking changes nothing.
    CHECK(at::equal(net->forward(x), net->forward(x)));
  }
}

TEST_CASE("linear attention is its definition, and Performer converges to softmax") {
  Rng random(9, "test");
  const torch::Tensor x = draws({2, 150, 8}, random.child("x")) * 0.7;
  for (const bool causal : {false, true}) {
    CAPTURE(causal);
    Attention linear({.width = 8, .heads = 2, .kind = AttentionKind::Linear, .causal = causal}, random);
    const torch::Tensor fast = linear.forward(x, x);
    linear.record = true;  // by the full matrix of weights
    CHECK(at::allclose(fast, linear.forward(x, x), 1e-4, 1e-5));
    CHECK(at::allclose(fast.narrow(1, 143, 7), [&] { linear.record = false; return linear.forward(x.narrow(1, 143, 7), x); }(), 1e-4, 1e-5));

    double before = 1e9;
    for (const std::int64_t features : {16, 256, 4096}) {
      double worst = 0;
      for (std::uint64_t seed = 0; seed < 4; ++seed) {
        Rng same(seed, "weights"), again(seed, "weights");
        Attention exact({.width = 8, .heads = 2, .causal = causal}, same);
        Attention performer({.width = 8, .heads = 2, .kind = AttentionKind::Performer, .causal = causal, .random_features = features}, again);
        worst += (exact.forward(x, x) - performer.forward(x, x)).square().mean().item<double>() / 4;
      }
      CAPTURE(features);
      CHECK(worst < before / 3);  // variance falls as 1 / features; 16-fold steps
      before = worst;
    }
    CHECK(before < 1e-3);
  }
}

TEST_CASE("rotary attention knows distances only, and a band ends what it sees") {
  Rng random(10, "test");
  Attention attention({.width = 8, .heads = 2, .causal = true, .band = 4, .rotary = true}, random);
  const torch::Tensor x = draws({1, 30, 8}, random.child("x"));
  const torch::Tensor all = attention.forward(x, x);
  // The last step of any stretch of 4 or more has the same output wherever the stretch lies.
  for (const std::int64_t first : {0, 9, 26}) {
    const torch::Tensor stretch = x.narrow(1, first, 4);
    CHECK(at::allclose(attention.forward(stretch, stretch).select(1, 3), all.select(1, first + 3), 1e-4, 1e-5));
  }
  Attention scales({.width = 8, .heads = 2, .causal = true, .band = 16, .scales = 2}, random);
  scales.record = true;
  (void)scales.forward(x, x);
  const auto seen = [&](std::int64_t head) { return (scales.recorded[0][head][29] > 0).sum().item<std::int64_t>(); };
  CHECK(seen(0) == 16);
  CHECK(seen(1) == 4);
}

TEST_CASE("checkpointing changes no gradient") {
  const Case plain{R"({"kind": "transformer", "width": 8, "heads": 2, "hidden": 10, "dropout": 0.3})", {3, 8}};
  const Case twice{R"({"kind": "transformer", "width": 8, "heads": 2, "hidden": 10, "dropout": 0.3, "checkpointing": true})", {3, 8}};
  const torch::Tensor x = draws({4, 3, 8}, Rng(11, "x"));
  std::vector<std::vector<torch::Tensor>> gradients;
  for (const Case& one : {plain, twice}) {
    const auto net = made(one);
    net->train();
    key_dropout(*net, Rng(11, "dropout"), 7);
    net->forward(x).square().sum().backward();
    gradients.emplace_back();
    for (const torch::Tensor& parameter : net->parameters()) gradients.back().push_back(parameter.grad());
  }
  for (std::size_t i = 0; i < gradients[0].size(); ++i) {
    REQUIRE(gradients[1][i].defined());
    CHECK(at::allclose(gradients[0][i], gradients[1][i], 1e-6, 1e-7));
  }
}

TEST_CASE("dropout draws by its key: the same mask again, the rate on average, nothing when evaluated") {
  Dropout dropout(0.25);
  const torch::Tensor x = torch::ones({100, 100});
  dropout.key = 5;
  const torch::Tensor a = dropout.forward(x);
  CHECK(at::equal(a, dropout.forward(x)));
  dropout.key = 6;
  CHECK_FALSE(at::equal(a, dropout.forward(x)));
  CHECK((a == 0).sum().item<double>() / 1e4 == doctest::Approx(0.25).epsilon(0.1));
  CHECK(a.mean().item<double>() == doctest::Approx(1).epsilon(0.05));
  dropout.eval();
  CHECK(at::equal(dropout.forward(x), x));
}

TEST_CASE("parameters that do not fit together are refused by name") {
  Rng random(12, "test");
  const auto refused = [&](const char* json, NetShape shape) {
    try {
      (void)build_net(Json::parse(json), shape, random, "/network");
      return std::string("accepted");
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  CHECK(refused(R"({"kind": "transformer", "width": 10, "heads": 3})", {2, 8}) ==
        "/network/heads: expected a divisor of the width 10, was 3");
  CHECK(refused(R"({"kind": "profile_cnn", "places": 5})", {16, 8}) ==
        "/network/places: expected a divisor of the 16 channels (planes x places), was 5");
  CHECK(refused("\"deeplob\"", {6, 100}).find("4 channels (ask price") != std::string::npos);
  CHECK(refused(R"({"kind": "lstm", "horizons": [1, 99]})", {2, 8}).find("within the window of 8") != std::string::npos);
  CHECK(refused(R"({"kind": "transformer", "attention": "linear", "scales": 2})", {2, 8}).find("/network/scales") == 0);
  CHECK(refused(R"({"kind": "mlp", "hidden": []})", {2, 8}).find("/network/hidden") == 0);
}
