#include "models/tracking/model_registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <system_error>

#include "engine/base/error.hpp"
#include "engine/base/files.hpp"

namespace walras::models {
namespace {

/// A card as its file has it; the place gives name and version.
struct Written {
  std::string sha256, data_hash, code_version, scenario, licence;
  Json inputs, metrics;
  std::optional<std::string> parent;
  Stage stage = Stage::Candidate;
  static void fields(auto&& field) {
    field("sha256", &Written::sha256, {.required = true});
    field("data_hash", &Written::data_hash);
    field("code_version", &Written::code_version);
    field("scenario", &Written::scenario);
    field("licence", &Written::licence);
    field("inputs", &Written::inputs);
    field("metrics", &Written::metrics);
    field("parent", &Written::parent);
    field("stage", &Written::stage);
  }
};

void check_name(const std::string& name) {
  const auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.'; };
  if (name.empty() || name.size() > 100 || name[0] == '.' || !std::ranges::all_of(name, plain))
    fail(Fault::Usage, "model registry", fmt::format("expected a name of letters, digits, '_', '-' and '.', was \"{}\"", name));
}

std::pair<std::string, std::int64_t> split(const std::string& reference) {
  const std::size_t slash = reference.find('/');
  std::int64_t version = 0;
  if (slash != std::string::npos) {
    const char* end = reference.data() + reference.size();
    const auto read = std::from_chars(reference.data() + slash + 1, end, version);
    if (read.ec != std::errc() || read.ptr != end) version = 0;
  }
  if (version < 1) fail(Fault::Usage, "parent", fmt::format("expected NAME/VERSION, was \"{}\"", reference));
  return {reference.substr(0, slash), version};
}

}  // namespace

std::filesystem::path ModelRegistry::place(const std::string& name, std::int64_t version) const {
  return folder_ / name / std::to_string(version);
}

ModelCard ModelRegistry::read(const std::string& name, std::int64_t version) const {
  const std::filesystem::path file = place(name, version) / "model.json";
  try {
    const Written w = load<Written>(Json::read(file));
    return {name, version, w.sha256, w.data_hash, w.code_version, w.scenario, w.licence, w.inputs, w.metrics, w.parent, w.stage};
  } catch (const Error& error) {
    if (error.fault() != Fault::Scenario) throw;
    fail(Fault::Data, file.string(), fmt::format("{}; the card is damaged", error.what()));
  }
}

void ModelRegistry::write(const ModelCard& card) const {
  const Written w{card.sha256, card.data_hash, card.code_version, card.scenario, card.licence, card.inputs, card.metrics, card.parent, card.stage};
  write_atomically(place(card.name, card.version) / "model.json", dump(w).dump(2) + "\n");
}

ModelCard ModelRegistry::add(ModelCard card, std::span<const std::byte> weights) {
  check_name(card.name);
  if (card.parent) {
    const auto [name, version] = split(*card.parent);
    if (!std::filesystem::exists(place(name, version) / "model.json"))
      fail(Fault::Usage, "parent", fmt::format("expected a model of this registry, was {}", *card.parent));
  }
  const std::vector<ModelCard> before = versions(card.name);
  card.version = before.empty() ? 1 : before.back().version + 1;
  Sha256 sha;
  sha.update(weights);
  card.sha256 = sha.hex();
  std::error_code told_when_writing;
  std::filesystem::create_directories(place(card.name, card.version), told_when_writing);
  // The card comes last: a version without one does not exist.
  write_atomically(place(card.name, card.version) / "model.safetensors", {reinterpret_cast<const char*>(weights.data()), weights.size()});
  write(card);
  return card;
}

std::vector<ModelCard> ModelRegistry::versions(const std::string& name) const {
  check_name(name);
  std::vector<std::int64_t> found;
  std::error_code absent;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / name, absent)) {
    const std::string text = entry.path().filename().string();
    std::int64_t version = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), version);
    if (read.ec == std::errc() && read.ptr == text.data() + text.size() && std::filesystem::exists(entry.path() / "model.json"))
      found.push_back(version);
  }
  std::ranges::sort(found);
  std::vector<ModelCard> cards;
  for (const std::int64_t version : found) cards.push_back(read(name, version));
  return cards;
}

void ModelRegistry::promote(const std::string& name, std::int64_t version, Stage stage) {
  std::vector<ModelCard> cards = versions(name);
  const auto chosen = std::ranges::find(cards, version, &ModelCard::version);
  if (chosen == cards.end())
    fail(Fault::Usage, "model registry", fmt::format("expected a version of {}, was {}; there are {}", name, version, cards.size()));
  if (stage == Stage::Production) {
    for (ModelCard& card : cards) {
      if (card.stage != Stage::Production || card.version == version) continue;
      card.stage = Stage::Archived;
      write(card);
    }
  }
  chosen->stage = stage;
  write(*chosen);
}

std::optional<ModelCard> ModelRegistry::find(const std::string& name, Stage stage) const {
  std::optional<ModelCard> latest;
  for (ModelCard& card : versions(name)) {
    if (card.stage == stage) latest = std::move(card);
  }
  return latest;
}

std::vector<std::byte> ModelRegistry::weights(const ModelCard& card) const {
  const std::filesystem::path file = place(card.name, card.version) / "model.safetensors";
  const std::string text = read_text(file);
  const auto bytes = std::as_bytes(std::span(text));
  Sha256 sha;
  sha.update(bytes);
  if (sha.hex() != card.sha256)
    fail(Fault::Data, file.string(), "expected the weights of the card, was another file or a damaged one (its checksum differs)");
  return {bytes.begin(), bytes.end()};
}

std::vector<ModelCard> ModelRegistry::lineage(const ModelCard& card) const {
  std::vector<ModelCard> line{card};
  while (line.back().parent && line.size() < 1000) {
    const auto [name, version] = split(*line.back().parent);
    line.push_back(read(name, version));
  }
  return line;
}

}  // namespace walras::models
