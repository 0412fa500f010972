// What other tools read: safetensors, PyTorch's pickles, ONNX, TensorBoard. With WALRAS_EXCHANGE
// naming a folder, files are left there for tests/oracle/exchange.py to read with those tools.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "engine/base/error.hpp"
#include "engine/base/files.hpp"
#include "models/catalog.hpp"
#include "models/onnx.hpp"
#include "models/tracking/mlflow.hpp"
#include "models/tracking/model_registry.hpp"
#include "models/tracking/tensorboard.hpp"
#include "models/weights.hpp"
#include "tests/support/folder.hpp"

using namespace walras;
using namespace walras::models;

namespace {

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    text += kDigits[static_cast<unsigned char>(byte) >> 4];
    text += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

std::vector<NamedArray> sample() {
  return {{"a.weight", {2, 3}, {1, -2, 3.5F, 4, 5, 6}}, {"empty", {0, 4}, {}}, {"scalar", {}, {7}}};
}

std::span<const std::byte> bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

std::filesystem::path exchange() {
  const char* folder = std::getenv("WALRAS_EXCHANGE");
  return folder == nullptr ? std::filesystem::path() : std::filesystem::path(folder);
}

std::string safetensors(const std::string& header, const std::string& data) {
  std::string text(8, '\0');
  const std::uint64_t length = header.size();
  std::memcpy(text.data(), &length, 8);
  return text + header + data;
}

}  // namespace

TEST_CASE("TensorBoard's checksums and records, to the byte") {
  CHECK(crc32c("123456789") == 0xe3069283U);
  const std::string record = scalar_record(1.0, 7, "loss", 0.5F);
  CHECK(hex(std::string_view(record).substr(12, 26)) == "09000000000000f03f10072a0d0a0b0a046c6f7373150000003f");
  CHECK(hex(std::string_view(record).substr(0, 12)) == "1a00000000000000129bd82d");
  CHECK(hex(std::string_view(record).substr(38)) == "862c9a2f");
  const tests::TemporaryFolder temporary;
  const std::filesystem::path folder = exchange().empty() ? temporary.path() / "run" : exchange() / "events";
  EventFile file(folder, "test", 1700000000.25);
  CHECK(file.path().filename() == "events.out.tfevents.1700000000.test");
  for (int step = 0; step < 5; ++step) file.scalar("loss", step, 1.0 / (step + 1), 1700000001.0 + step);
  file.flush();
  CHECK(std::filesystem::file_size(file.path()) > 200);
  CHECK_THROWS_WITH_AS(EventFile("/proc/none", "test", 1), doctest::Contains("free the disk"), Error);
}

TEST_CASE("safetensors of any tool are read, of four types; what is damaged is refused whole") {
  const std::string text = write_safetensors(sample());
  CHECK(read_safetensors(bytes(text), "test") == sample());
  const std::string halves = safetensors(
      R"({"__metadata__":{"format":"pt"},"h":{"dtype":"F16","shape":[4],"data_offsets":[0,8]},"b":{"dtype":"BF16","shape":[1],"data_offsets":[8,10]}})",
      std::string("\x00\x3c\x00\xc0\x01\x00\xff\x7b\x80\x3f", 10));
  const std::vector<NamedArray> read = read_safetensors(bytes(halves), "test");
  CHECK(read[0].values == std::vector<float>{1.0F, -2.0F, static_cast<float>(std::ldexp(1, -24)), 65504.0F});
  CHECK(read[1].values == std::vector<float>{1.0F});

  const auto refused = [](const std::string& file) {
    try {
      (void)read_safetensors(bytes(file), "FILE");
      return std::string("accepted");
    } catch (const Error& error) {
      CHECK(error.fault() == Fault::Data);
      return std::string(error.what());
    }
  };
  for (std::size_t size = 0; size < text.size(); ++size) CHECK(refused(text.substr(0, size)) != "accepted");
  CHECK(refused(text + "x").find("no array owns") != std::string::npos);
  const auto one = [](const char* shape, const char* offsets, const char* type = "F32") {
    return safetensors(std::string(R"({"a":{"dtype":")") + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}", "12345678");
  };
  CHECK(refused(one("[2]", "[0,8]")) == "accepted");
  for (const std::string& file : {one("[3]", "[0,8]"), one("[-2]", "[0,8]"), one("[2]", "[8,0]"), one("[2]", "[0,16]"), one("[2]", "[-8,0]"),
                                  one("[2]", "[0,8]", "I64"), one("[4611686018427387904,4]", "[0,0]"), one("2", "[0,8]"), one("[1.5]", "[0,6]")}) {
    CHECK(refused(file) != "accepted");
  }
  CHECK(refused(safetensors(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "12345678"))
            .find("overlap") != std::string::npos);
  CHECK(refused(safetensors("[1, 2]", "")) != "accepted");
  if (exchange().empty()) return;
  write_atomically(exchange() / "weights.safetensors", text);
  write_atomically(exchange() / "weights.pt", write_pytorch(sample()));
}

TEST_CASE("networks are exported to ONNX with their scalers; other kinds are refused by name") {
  Registry<strategies::Predictor, const strategies::PredictorContext&> registry("predictor");
  add_models(registry);
  const auto fitted = [&registry](const char* json, std::size_t channels, std::size_t window) {
    auto predictor = registry.build(Json::parse(json), "", {channels, window, 2});
    strategies::Dataset data;
    data.rows = 24;
    data.channels = channels;
    data.window = window;
    data.outputs = 2;
    Rng random(31, "test");
    for (std::size_t i = 0; i < data.rows * channels * window; ++i) data.inputs.push_back(static_cast<float>(3 + random.normal()));
    for (std::size_t i = 0; i < data.rows * 2; ++i) data.targets.push_back(static_cast<float>(10 + 2 * random.normal()));
    predictor->fit(data, random);
    std::vector<std::byte> saved;
    predictor->save(saved);
    std::vector<float> output(data.rows * 2);
    predictor->predict(data.inputs, output);
    return std::tuple{models::Archive::read(saved, "test"), data.inputs, output};
  };
  constexpr const char* kTraining = R"("training": {"epochs": 1, "gap": 0, "batch": 8}})";
  int index = 0;
  for (const auto& [json, channels, window] :
       {std::tuple{R"({"kind": "mlp", "network": {"hidden": [5, 4]}, )", 3U, 6U},
        std::tuple{R"({"kind": "price_cnn", "network": {"frames": [1, 3], "channels": 4, "blocks": 2, "batch_norm": true}, )", 3U, 12U},
        std::tuple{R"({"kind": "deeplob", "network": {"width": 4, "hidden": 6}, )", 8U, 24U}}) {
    const auto [saved, inputs, outputs] = fitted((std::string(json) + kTraining).c_str(), channels, window);
    const std::string model = export_onnx(saved);
    CHECK(model.size() > 1000);
    CHECK(model == export_onnx(saved));
    if (exchange().empty()) continue;
    const std::string name = "model" + std::to_string(index++);
    write_atomically(exchange() / (name + ".onnx"), model);
    Json expected = Json::object({{"channels", channels}, {"window", window}});
    for (const float value : inputs) expected["inputs"].push_back(static_cast<double>(value));
    for (const float value : outputs) expected["outputs"].push_back(static_cast<double>(value));
    write_atomically(exchange() / (name + ".json"), expected.dump());
  }
  const auto [saved, inputs, outputs] = fitted((std::string(R"({"kind": "bilstm", "network": {"hidden": 4}, )") + kTraining).c_str(), 3, 6);
  CHECK_THROWS_WITH_AS((void)export_onnx(saved), doctest::Contains("expected mlp, price_cnn or deeplob, was bilstm"), Error);
}

TEST_CASE("the model registry keeps versions, stages, lineage, and refuses what was altered") {
  const tests::TemporaryFolder folder;
  ModelRegistry registry(folder.path() / "models");
  const std::string weights = write_safetensors(sample());
  CHECK(registry.versions("alpha").empty());
  const ModelCard first = registry.add({.name = "alpha", .data_hash = "d1", .licence = "CC0", .metrics = Json::object({{"ic", 0.1}})}, bytes(weights));
  const ModelCard second = registry.add({.name = "alpha", .inputs = Json::object({{"channels", 4}}), .parent = "alpha/1"}, bytes(weights));
  CHECK(first.version == 1);
  CHECK(second.version == 2);
  CHECK(registry.versions("alpha").size() == 2);
  CHECK(registry.versions("alpha")[0].metrics == first.metrics);
  registry.promote("alpha", 1, Stage::Production);
  CHECK(registry.find("alpha", Stage::Production)->version == 1);
  registry.promote("alpha", 2, Stage::Production);
  CHECK(registry.find("alpha", Stage::Production)->version == 2);
  CHECK(registry.find("alpha", Stage::Archived)->version == 1);
  CHECK_FALSE(registry.find("alpha", Stage::Shadow).has_value());
  const std::vector<ModelCard> line = registry.lineage(second);
  REQUIRE(line.size() == 2);
  CHECK(line[1].data_hash == "d1");
  const std::vector<std::byte> back = registry.weights(second);
  CHECK(std::ranges::equal(back, bytes(weights)));

  write_atomically(folder.path() / "models/alpha/2/model.safetensors", weights + "x");
  CHECK_THROWS_WITH_AS((void)registry.weights(second), doctest::Contains("checksum"), Error);
  CHECK_THROWS_WITH_AS(registry.add({.name = "../beta"}, bytes(weights)), doctest::Contains("expected a name"), Error);
  CHECK_THROWS_WITH_AS(registry.add({.name = "beta", .parent = "alpha/9"}, bytes(weights)), doctest::Contains("was alpha/9"), Error);
  CHECK_THROWS_WITH_AS(registry.promote("alpha", 7, Stage::Shadow), doctest::Contains("there are 2"), Error);
  write_atomically(folder.path() / "models/alpha/1/model.json", R"({"sha": 1})");
  CHECK_THROWS_WITH_AS((void)registry.versions("alpha"), doctest::Contains("damaged"), Error);
}

TEST_CASE("a training tells TensorBoard and, where WALRAS_MLFLOW names a server, MLflow") {
  Registry<strategies::Predictor, const strategies::PredictorContext&> registry("predictor");
  add_models(registry);
  const tests::TemporaryFolder folder;
  Json json = Json::parse(R"({"kind": "mlp", "network": {"hidden": [4]}, "training": {"epochs": 3, "gap": 0, "batch": 16}})");
  json["tracking"] = Json::object({{"tensorboard", (folder.path() / "events").string()}});
  const char* server = std::getenv("WALRAS_MLFLOW");
  if (server != nullptr) {
    json["tracking"]["mlflow"] = std::string(server);
    json["tracking"]["experiment"] = "walras, tests/1";
  }
  strategies::Dataset data{60, 2, 3, 1, {}, {}, {}};
  Rng random(40, "test");
  for (int i = 0; i < 360; ++i) data.inputs.push_back(static_cast<float>(random.normal()));
  for (int i = 0; i < 60; ++i) data.targets.push_back(static_cast<float>(random.normal()));
  const auto predictor = registry.build(json, "", {2, 3, 1}), untold = registry.build([&] {
    Json plain = json;
    plain["tracking"] = Json::object();
    return plain;
  }(), "", {2, 3, 1});
  predictor->fit(data, Rng(40, "fit"));
  untold->fit(data, Rng(40, "fit"));
  std::vector<std::byte> told_bytes, untold_bytes;
  predictor->save(told_bytes);
  untold->save(untold_bytes);
  CHECK(told_bytes == untold_bytes);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path() / "events")) {
    const std::string text = read_text(entry.path());
    CHECK(text.find("validation_loss") != std::string::npos);
    ++files;
  }
  CHECK(files == 1);
  json["tracking"]["mlflow"] = "http://127.0.0.1:9";  // the discard port: nobody there
  CHECK_THROWS_WITH_AS(registry.build(json, "", {2, 3, 1})->fit(data, Rng(40, "fit")), doctest::Contains("127.0.0.1:9"), Error);
}
