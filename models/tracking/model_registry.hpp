#pragma once
// Model registry: versions of trained models in a folder, NAME/VERSION/{model.safetensors,
// model.json}, with what made them, what they were made from, and the stage that each is in.
// Torch-free. A version once written is never changed; files are written whole or not at all.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/config.hpp"
#include "engine/base/json.hpp"

namespace walras::models {

enum class Stage : std::uint8_t { Candidate, Shadow, Production, Archived };

struct ModelCard {
  std::string name{};
  std::int64_t version = 0;  ///< from 1
  std::string sha256{};      ///< of the weights
  std::string data_hash{}, code_version{}, scenario{}, licence{};
  Json inputs{}, metrics{};            ///< signature: channels, window, outputs; figures by name
  std::optional<std::string> parent{};  ///< "name/3": what this one was trained on from
  Stage stage = Stage::Candidate;
};

class ModelRegistry {
 public:
  explicit ModelRegistry(std::filesystem::path folder) : folder_(std::move(folder)) {}
  /// Stores weights under the next version of card.name. Returns: the card as stored.
  /// Throws Error{Usage} on a name that is no plain file name or a parent that is not here, Error{Io}.
  ModelCard add(ModelCard card, std::span<const std::byte> weights);
  /// Versions of a name, rising; empty when there are none. Throws Error{Data} on a damaged card.
  [[nodiscard]] std::vector<ModelCard> versions(const std::string& name) const;
  /// Moves a version to a stage; one version of a name is in production: the former one is archived.
  void promote(const std::string& name, std::int64_t version, Stage stage);
  /// The latest version in a stage, or nothing.
  [[nodiscard]] std::optional<ModelCard> find(const std::string& name, Stage stage) const;
  /// Throws Error{Data} when the file is not what the card says.
  [[nodiscard]] std::vector<std::byte> weights(const ModelCard& card) const;
  /// The card, what it was made from, what that was made from, and so on.
  [[nodiscard]] std::vector<ModelCard> lineage(const ModelCard& card) const;

 private:
  [[nodiscard]] std::filesystem::path place(const std::string& name, std::int64_t version) const;
  [[nodiscard]] ModelCard read(const std::string& name, std::int64_t version) const;
  void write(const ModelCard& card) const;
  std::filesystem::path folder_;
};

}  // namespace walras::models

template <>
struct walras::EnumNames<walras::models::Stage> {
  using E = walras::models::Stage;
  static constexpr std::array<std::pair<E, std::string_view>, 4> names{
      {{E::Candidate, "candidate"}, {E::Shadow, "shadow"}, {E::Production, "production"}, {E::Archived, "archived"}}};
};
