#include "stats/evidence.hpp"

#include "engine/base/error.hpp"

#include <cmath>
#include <utility>

namespace walras::stats {
namespace {

double finite(double value, const Evidence& evidence, std::string_view part) {
  if (!std::isfinite(value)) {
    fail(Fault::Internal, evidence.name,
         "expected a finite " + std::string(part) + " or a reason, was " + std::to_string(value));
  }
  return value;
}

Json pair(const Bounds& bounds, const Evidence& evidence, std::string_view part) {
  return Json::array({finite(bounds.low, evidence, part), finite(bounds.high, evidence, part)});
}

Bounds read_pair(const Json& json) {
  const Json::Array& items = json.as_array();
  if (items.size() != 2)
    fail(Fault::Scenario, "evidence", "expected [low, high], was another length");
  return {items[0].as_number(), items[1].as_number()};
}

}  // namespace

Json to_json(const Evidence& evidence) {
  Json json = Json::object();
  const auto text = [&](const char* key, const std::string& value) {
    if (!value.empty()) json[key] = value;
  };
  if (evidence.estimate) json["estimate"] = finite(*evidence.estimate, evidence, "estimate");
  text("unit", evidence.unit);
  if (evidence.interval) json["interval"] = pair(*evidence.interval, evidence, "interval");
  if (evidence.interval || evidence.range) json["level"] = evidence.level;
  if (evidence.range) json["range"] = pair(*evidence.range, evidence, "range");
  if (evidence.statistic)
    json["statistic"] = finite(*evidence.statistic, evidence, "test statistic");
  if (evidence.p_value) json["p_value"] = finite(*evidence.p_value, evidence, "p-value");
  text("null", evidence.null);
  if (evidence.n > 0) json["n"] = evidence.n;
  text("method", evidence.method);
  text("assumptions", evidence.assumptions);
  text("source", evidence.source);
  text("reason", evidence.reason);
  text("formula", evidence.formula);
  return json;
}

Evidence evidence_from_json(std::string name, const Json& json) {
  Evidence evidence;
  evidence.name = std::move(name);
  if (const Json* part = json.find("estimate")) evidence.estimate = part->as_number();
  if (const Json* part = json.find("interval")) evidence.interval = read_pair(*part);
  if (const Json* part = json.find("range")) evidence.range = read_pair(*part);
  if (const Json* part = json.find("level")) evidence.level = part->as_number();
  if (const Json* part = json.find("statistic")) evidence.statistic = part->as_number();
  if (const Json* part = json.find("p_value")) evidence.p_value = part->as_number();
  if (const Json* part = json.find("n")) evidence.n = static_cast<std::size_t>(part->as_integer());
  const auto text = [&](const char* key, std::string& value) {
    if (const Json* part = json.find(key)) value = part->as_string();
  };
  text("unit", evidence.unit);
  text("null", evidence.null);
  text("method", evidence.method);
  text("assumptions", evidence.assumptions);
  text("source", evidence.source);
  text("reason", evidence.reason);
  text("formula", evidence.formula);
  return evidence;
}

Evidence without_estimate(std::string name, std::string unit, std::string reason) {
  Evidence evidence;
  evidence.name = std::move(name);
  evidence.unit = std::move(unit);
  evidence.reason = std::move(reason);
  return evidence;
}

}  // namespace walras::stats
