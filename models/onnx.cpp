#include "models/onnx.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "engine/base/error.hpp"
#include "models/protobuf.hpp"

namespace walras::models {
namespace {

using Shape = std::vector<std::int64_t>;

struct Attributes {
  std::vector<std::pair<std::string, Shape>> ints{};
  std::vector<std::pair<std::string, std::int64_t>> one{};
  std::vector<std::pair<std::string, float>> real{};
};

/// A graph under construction. Every operation returns the name of its result.
class Graph {
 public:
  explicit Graph(const Archive& saved) : saved_(saved) {}

  std::string constant(const Shape& shape, const std::vector<float>& values) {
    return tensor(shape, 1, {reinterpret_cast<const char*>(values.data()), values.size() * 4});
  }
  std::string integers(const Shape& values) {
    return tensor({static_cast<std::int64_t>(values.size())}, 7,
                  {reinterpret_cast<const char*>(values.data()), values.size() * 8});
  }
  const NamedArray& array(const std::string& name) const {
    const auto found = std::ranges::find(saved_.arrays, name, &NamedArray::name);
    if (found == saved_.arrays.end()) fail(Fault::Data, name, "expected a saved array of this name, was absent");
    return *found;
  }
  std::string weight(const std::string& name) {
    const NamedArray& found = array(name);
    return constant(found.shape, found.values);
  }
  std::string op(std::string_view type, const std::vector<std::string>& inputs,
                 const Attributes& attributes = {}, int outputs = 1) {
    Protobuf node;
    for (const std::string& input : inputs) node.text(1, input);
    const std::string result = fmt::format("v{}", count_++);
    if (outputs == 2) node.text(2, "");  // only the second result is wanted
    node.text(2, result);
    node.text(3, result);
    node.text(4, type);
    for (const auto& [name, values] : attributes.ints) {
      Protobuf attribute;
      attribute.text(1, name);
      for (const std::int64_t value : values) attribute.integer(8, static_cast<std::uint64_t>(value));
      attribute.integer(20, 7);
      node.message(5, attribute);
    }
    for (const auto& [name, value] : attributes.one) {
      Protobuf attribute;
      attribute.text(1, name);
      attribute.integer(3, static_cast<std::uint64_t>(value));
      attribute.integer(20, 2);
      node.message(5, attribute);
    }
    for (const auto& [name, value] : attributes.real) {
      Protobuf attribute;
      attribute.text(1, name);
      attribute.number(2, value);
      attribute.integer(20, 1);
      node.message(5, attribute);
    }
    graph_.message(1, node);
    return result;
  }
  std::string linear(const std::string& x, const std::string& name) {
    return op("Gemm", {x, weight(name + ".weight"), weight(name + ".bias")}, {.one = {{"transB", 1}}});
  }
  std::string batch_norm(const std::string& x, const std::string& name) {
    return op("BatchNormalization",
              {x, weight(name + ".weight"), weight(name + ".bias"), weight(name + ".running_mean"),
               weight(name + ".running_variance")},
              {.real = {{"epsilon", 1e-5F}}});
  }
  std::string convolution(const std::string& x, const std::string& name, Attributes attributes) {
    return op("Conv", {x, weight(name + ".weight"), weight(name + ".bias")}, attributes);
  }

  std::string finish(const std::string& result, std::int64_t channels, std::int64_t window,
                     std::int64_t outputs) {
    op_alias(result);
    graph_.text(2, "walras");
    graph_.message(11, value("window", {channels, window}));
    graph_.message(12, value("prediction", {outputs}));
    Protobuf opset, model;
    opset.text(1, "");
    opset.integer(2, 17);
    model.integer(1, 8);
    model.text(2, "walras");
    model.message(7, graph_);
    model.message(8, opset);
    return model.bytes();
  }

 private:
  void op_alias(const std::string& result) {
    Protobuf node;
    node.text(1, result);
    node.text(2, "prediction");
    node.text(4, "Identity");
    graph_.message(1, node);
  }
  std::string tensor(const Shape& shape, int type, std::string_view raw) {
    Protobuf tensor;
    for (const std::int64_t side : shape) tensor.integer(1, static_cast<std::uint64_t>(side));
    tensor.integer(2, static_cast<std::uint64_t>(type));
    const std::string name = fmt::format("c{}", count_++);
    tensor.text(8, name);
    tensor.text(9, raw);
    graph_.message(5, tensor);
    return name;
  }
  static Protobuf value(std::string_view name, const Shape& sides) {
    Protobuf shape, tensor, type, info, rows;
    rows.text(2, "rows");
    shape.message(1, rows);
    for (const std::int64_t side : sides) {
      Protobuf dimension;
      dimension.integer(1, static_cast<std::uint64_t>(side));
      shape.message(1, dimension);
    }
    tensor.integer(1, 1);
    tensor.message(2, shape);
    type.message(1, tensor);
    info.text(1, name);
    info.message(2, type);
    return info;
  }
  const Archive& saved_;
  Protobuf graph_;
  int count_ = 0;
};

std::string mlp(Graph& graph, const Json& network, std::string x) {
  x = graph.op("Flatten", {x}, {.one = {{"axis", 1}}});
  for (std::size_t i = 0; i < network.at("hidden").size(); ++i)
    x = graph.op("Relu", {graph.linear(x, fmt::format("net.layer{}", i))});
  return x;
}

std::string price_cnn(Graph& graph, const Json& network, const std::string& x) {
  if (network.at("heads").as_integer() != 0)
    fail(Fault::Usage, "onnx", "expected a price_cnn without attention (heads 0), was one with it");
  std::vector<std::string> branches;
  const std::int64_t kernel = network.at("kernel").as_integer();
  for (const Json& item : network.at("frames").as_array()) {
    const std::int64_t frame = item.as_integer();
    const std::string name = fmt::format("net.frame{}", branches.size());
    std::string signal = x;
    if (frame > 1) {
      signal = graph.op("AveragePool", {x},
                        {.ints = {{"kernel_shape", {frame}}, {"pads", {frame - 1, 0}}, {"strides", {1}}},
                         .one = {{"count_include_pad", 1}}});
      signal = graph.op("Mul", {signal, graph.constant({}, {std::sqrt(static_cast<float>(frame))})});
    }
    signal = graph.convolution(signal, name + ".inlet", {});
    for (std::int64_t block = 0; block < network.at("blocks").as_integer(); ++block) {
      const std::string part = fmt::format("{}.block{}", name, block);
      const std::int64_t dilation = frame << block;
      std::string inside = graph.convolution(
          signal, part + "_first",
          {.ints = {{"dilations", {dilation}}, {"pads", {(kernel - 1) * dilation, 0}}}});
      if (network.at("batch_norm").as_bool()) inside = graph.batch_norm(inside, part + "_norm");
      inside = graph.convolution(graph.op("Relu", {inside}), part + "_second", {});
      signal = graph.op("Relu", {graph.op("Add", {signal, inside})});
    }
    branches.push_back(signal);
  }
  std::string all = branches[0];
  if (branches.size() > 1) all = graph.op("Concat", branches, {.one = {{"axis", 1}}});
  all = graph.op("Relu", {graph.convolution(all, "net.outlet", {})});
  // The last step: Slice over axis 2 from -1, then without that axis.
  const std::string last = graph.op("Slice", {all, graph.integers({-1}), graph.integers({INT64_MAX}), graph.integers({2})});
  return graph.op("Squeeze", {last, graph.integers({2})});
}

/// PyTorch's gates (input, forget, cell, output) in ONNX's order (input, output, forget, cell).
std::vector<float> reordered(const std::vector<float>& gates) {
  const auto part = static_cast<std::ptrdiff_t>(gates.size() / 4);
  std::vector<float> result;
  for (const std::ptrdiff_t gate : {0, 3, 1, 2})
    result.insert(result.end(), gates.begin() + gate * part, gates.begin() + (gate + 1) * part);
  return result;
}

std::string lstm(Graph& graph, const std::string& steps, const std::string& name) {
  const NamedArray& input = graph.array(name + ".input");
  const NamedArray& recurrent = graph.array(name + ".recurrent");
  std::vector<float> bias = reordered(graph.array(name + ".input_bias").values);
  const std::vector<float> second = reordered(graph.array(name + ".recurrent_bias").values);
  bias.insert(bias.end(), second.begin(), second.end());
  const std::int64_t hidden = recurrent.shape[1];
  const std::string last = graph.op(
      "LSTM",
      {steps, graph.constant({1, 4 * hidden, input.shape[1]}, reordered(input.values)),
       graph.constant({1, 4 * hidden, hidden}, reordered(recurrent.values)),
       graph.constant({1, 8 * hidden}, bias)},
      {.one = {{"hidden_size", hidden}}}, 2);
  return graph.op("Squeeze", {last, graph.integers({0})});
}

std::string deeplob(Graph& graph, const std::string& x) {
  std::string image = graph.op("Unsqueeze", {graph.op("Transpose", {x}, {.ints = {{"perm", {0, 2, 1}}}}), graph.integers({1})});
  const auto stage = [&graph](const std::string& in, const std::string& name, bool tanh,
                              std::int64_t stride, std::int64_t pad) {
    const std::string out = graph.convolution(
        in, name, {.ints = {{"strides", {1, stride}}, {"pads", {pad, 0, pad, 0}}}});
    return graph.batch_norm(tanh ? graph.op("Tanh", {out}) : graph.op("LeakyRelu", {out}, {.real = {{"alpha", 0.01F}}}),
                            name + "_norm");
  };
  for (int i = 0; i < 9; ++i)
    image = stage(image, fmt::format("net.trunk{}", i), i >= 3 && i < 6, i == 0 || i == 3 ? 2 : 1, 0);
  const std::string three = stage(stage(image, "net.three0", false, 1, 0), "net.three1", false, 1, 1);
  const std::string five = stage(stage(image, "net.five0", false, 1, 0), "net.five1", false, 1, 2);
  const std::string pooled = graph.op(
      "MaxPool", {image}, {.ints = {{"kernel_shape", {3, 1}}, {"strides", {1, 1}}, {"pads", {1, 0, 1, 0}}}});
  const std::string all = graph.op("Concat", {three, five, stage(pooled, "net.pool0", false, 1, 0)}, {.one = {{"axis", 1}}});
  const std::string steps = graph.op("Squeeze", {all, graph.integers({3})});
  return lstm(graph, graph.op("Transpose", {steps}, {.ints = {{"perm", {2, 0, 1}}}}), "net.lstm");
}

}  // namespace

std::string export_onnx(const Archive& saved) {
  const Json& about = saved.description;
  const std::string kind = about.at("kind").as_string();
  const Json& tasks = about.at("objective").at("tasks");
  if (tasks.size() != 1 || tasks.as_array()[0].at("kind").as_string() != "value")
    fail(Fault::Usage, "onnx", "expected a network that learned one value task, was another objective");
  Graph graph(saved);
  const std::int64_t channels = about.at("channels").as_integer(), outputs = about.at("outputs").as_integer();
  const auto column = [&](const char* name, const Shape& shape) {
    return graph.constant(shape, graph.array(name).values);
  };
  std::string x = graph.op("Div", {graph.op("Sub", {"window", column("scaler.input_mean", {1, channels, 1})}),
                                   column("scaler.input_scale", {1, channels, 1})});
  if (kind == "mlp") {
    x = mlp(graph, about.at("network"), x);
  } else if (kind == "price_cnn") {
    x = price_cnn(graph, about.at("network"), x);
  } else if (kind == "deeplob") {
    x = deeplob(graph, x);
  } else {
    fail(Fault::Usage, "onnx", fmt::format("expected mlp, price_cnn or deeplob, was {}", kind));
  }
  x = graph.linear(x, "head");
  x = graph.op("Add", {graph.op("Mul", {x, column("scaler.target_scale", {1, outputs})}),
                       column("scaler.target_mean", {1, outputs})});
  return graph.finish(x, channels, about.at("window").as_integer(), outputs);
}

}  // namespace walras::models
