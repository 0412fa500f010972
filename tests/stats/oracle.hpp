#pragma once
// Reading the stored answers of independent programs: tests/data/*.json, written by tests/oracle/*.py.
#include "engine/base/json.hpp"
#include "tests/support/data.hpp"

#include <string>
#include <vector>

namespace walras::stats {

inline Json read_oracle(const std::string& name) {
  return Json::read(tests::source_root() / "tests" / "data" / (name + "_oracle.json"));
}

inline std::vector<double> numbers(const Json& json) {
  std::vector<double> values;
  for (const Json& item : json.as_array()) values.push_back(item.as_number());
  return values;
}

inline std::vector<std::vector<double>> rows(const Json& json) {
  std::vector<std::vector<double>> values;
  for (const Json& item : json.as_array()) values.push_back(numbers(item));
  return values;
}

}  // namespace walras::stats
