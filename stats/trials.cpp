#include "stats/trials.hpp"

#include "engine/base/error.hpp"
#include "engine/base/files.hpp"
#include "engine/base/store.hpp"
#include "stats/sharpe.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>
#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <system_error>
#include <utility>

namespace walras::stats {
namespace {

constexpr std::int64_t kVersion = 1;

/// An exclusive lock on FILE.lock while it lives; waits for other runs of the study.
class FileLock {
 public:
  explicit FileLock(const std::filesystem::path& file) : path_(file.string() + ".lock") {
    handle_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (handle_ < 0) refuse("opened");
    while (::flock(handle_, LOCK_EX) != 0) {
      if (errno == EINTR) continue;
      const int error = errno;
      ::close(handle_);
      errno = error;
      refuse("locked");
    }
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock() { ::close(handle_); }

 private:
  [[noreturn]] void refuse(const char* what) const {
    fail(Fault::Io, path_,
         fmt::format("expected a file that can be {}, was refused ({}); name another ledger with "
                     "--ledger FILE",
                     what, std::strerror(errno)));
  }
  std::string path_;
  int handle_ = -1;
};

Json sorted(const Json& json) {
  if (json.is_array()) {
    Json::Array items;
    for (const Json& item : json.as_array()) items.push_back(sorted(item));
    return Json::array(std::move(items));
  }
  if (!json.is_object()) return json;
  Json::Object members;
  for (const Json::Member& member : json.as_object())
    members.emplace_back(member.first, sorted(member.second));
  std::stable_sort(members.begin(), members.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  return Json::object(std::move(members));
}

void update(Sha256& hash, std::span<const double> values) {
  hash.update_integer(static_cast<std::int64_t>(values.size()));
  // 0.0 folds the two zeros into one.
  for (const double value : values) hash.update_integer(std::bit_cast<std::int64_t>(value + 0.0));
}

void update(Sha256& hash,
            std::string_view text) {  // its length first, so that neighbours cannot trade letters
  hash.update_integer(static_cast<std::int64_t>(text.size()));
  hash.update(text);
}

void update(Sha256& hash, std::span<const Nanos> times) {
  hash.update_integer(static_cast<std::int64_t>(times.size()));
  for (const Nanos time : times) hash.update_integer(time.value);
}

std::string hash_of(std::span<const Nanos> times) {
  Sha256 hash;
  update(hash, times);
  return hash.hex();
}

bool same_returns(const Trial& a, const Trial& b) {
  return a.times == b.times && a.net == b.net && a.excess == b.excess &&
         a.periods_per_year == b.periods_per_year;
}

void check(const Trial& trial) {
  const std::string where = "trial of " + trial.strategy;
  if (trial.key.empty()) fail(Fault::Internal, where, "expected a key, was none");
  if (trial.net.size() != trial.times.size() || trial.excess.size() != trial.times.size()) {
    fail(Fault::Numeric, where,
         fmt::format("expected {} net and excess returns, was {} and {}", trial.times.size(),
                     trial.net.size(), trial.excess.size()));
  }
  for (std::size_t t = 0; t < trial.times.size(); ++t) {
    if (!std::isfinite(trial.net[t]) || !std::isfinite(trial.excess[t])) {
      fail(Fault::Numeric, where,
           fmt::format("expected finite returns, was {} and {} in period {}", trial.net[t],
                       trial.excess[t], t + 1));
    }
    if (t > 0 && trial.times[t] <= trial.times[t - 1]) {
      fail(Fault::Numeric, where,
           fmt::format("expected increasing times, was otherwise at period {}", t + 1));
    }
  }
}

const std::vector<double>& numbers(const Table& table, std::string_view column,
                                   const std::filesystem::path& file) {
  const NamedColumn* found = table.find(column);
  if (found == nullptr || !std::holds_alternative<std::vector<double>>(found->values)) {
    fail(Fault::Data, file.string(),
         fmt::format("expected numbers in {}/{}, was none", table.name, column));
  }
  return std::get<std::vector<double>>(found->values);
}

Store to_store(const TrialLedger& ledger) {
  Store store;
  store.attributes =
      Json::object({{"walras", "trials"}, {"version", kVersion}, {"study", ledger.study}});
  std::vector<std::string> written;  // dates are kept once for all trials that share them
  for (const Trial& trial : ledger.trials) {
    const std::string dates = hash_of(trial.times);
    if (std::find(written.begin(), written.end(), dates) == written.end()) {
      std::vector<std::int64_t> times;
      times.reserve(trial.times.size());
      for (const Nanos time : trial.times) times.push_back(time.value);
      store.tables.push_back(
          {"dates/" + dates, {{"time", "ns", std::move(times)}}, Json::object()});
      written.push_back(dates);
    }
    Json attributes = Json::object({{"strategy", trial.strategy},
                                    {"dates", dates},
                                    {"periods_per_year", trial.periods_per_year}});
    store.tables.push_back({"trials/" + trial.key,
                            {{"net", "fraction", trial.net}, {"excess", "fraction", trial.excess}},
                            std::move(attributes)});
  }
  return store;
}

TrialLedger from_store(const Store& store, const std::filesystem::path& file,
                       std::string_view study) {
  const Json* kind = store.attributes.find("walras");
  const Json* version = store.attributes.find("version");
  if (kind == nullptr || *kind != Json("trials") || version == nullptr ||
      *version != Json(kVersion)) {
    fail(Fault::Data, file.string(),
         "expected a trial ledger of version 1, was another file; name one with --ledger FILE");
  }
  const std::string& found = store.attributes.at("study").as_string();
  if (found != study) {
    fail(Fault::Data, file.string(),
         fmt::format("expected the ledger of study {}, was that of {}", study, found));
  }
  TrialLedger ledger{found, {}};
  for (const Table& table : store.tables) {
    if (!table.name.starts_with("trials/")) continue;
    Trial trial;
    trial.key = table.name.substr(7);
    trial.strategy = table.attributes.at("strategy").as_string();
    trial.periods_per_year = table.attributes.at("periods_per_year").as_number();
    const Table& dates = store.at("dates/" + table.attributes.at("dates").as_string());
    const NamedColumn* times = dates.find("time");
    if (times == nullptr || !std::holds_alternative<std::vector<std::int64_t>>(times->values)) {
      fail(Fault::Data, file.string(), fmt::format("expected times in {}, was none", dates.name));
    }
    for (const std::int64_t time : std::get<std::vector<std::int64_t>>(times->values)) {
      trial.times.push_back({time});
    }
    trial.net = numbers(table, "net", file);
    trial.excess = numbers(table, "excess", file);
    check(trial);
    ledger.trials.push_back(std::move(trial));
  }
  std::sort(ledger.trials.begin(), ledger.trials.end(),
            [](const Trial& a, const Trial& b) { return a.key < b.key; });
  return ledger;
}

}  // namespace

std::string trial_key(const TrialInputs& inputs) {
  Sha256 hash;
  update(hash, "walras trial 1");
  update(hash, inputs.study);
  update(hash, sorted(inputs.resolved).dump());
  update(hash, inputs.data_hash);
  update(hash, inputs.plugin_hash);
  update(hash, std::to_string(inputs.seed));
  return hash.hex();
}

const Trial* TrialLedger::find(std::string_view key) const {
  for (const Trial& trial : trials) {
    if (trial.key == key) return &trial;
  }
  return nullptr;
}

double TrialLedger::effective() const {
  std::vector<std::span<const double>> returns;
  double total = 0;
  for (const std::vector<std::size_t>& group : groups()) {  // other dates: nothing in common
    returns.clear();
    for (const std::size_t i : group) returns.emplace_back(trials[i].net);
    total += effective_trials(returns);
  }
  return total;
}

std::vector<std::vector<std::size_t>> TrialLedger::groups() const {
  std::vector<std::vector<std::size_t>> result;
  for (std::size_t i = 0; i < trials.size(); ++i) {
    const auto same = std::find_if(result.begin(), result.end(), [&](const auto& group) {
      return trials[group.front()].times == trials[i].times;
    });
    if (same == result.end()) {
      result.push_back({i});
    } else {
      same->push_back(i);
    }
  }
  return result;
}

std::string TrialLedger::hash() const {
  Sha256 hash;
  update(hash, study);
  hash.update_integer(static_cast<std::int64_t>(trials.size()));
  for (const Trial& trial : trials) {
    update(hash, trial.key);
    update(hash, std::span<const Nanos>(trial.times));
    update(hash, std::span<const double>(trial.net));
    update(hash, std::span<const double>(trial.excess));
  }
  return hash.hex();
}

std::filesystem::path ledger_path(const std::filesystem::path& scenario, std::string_view study) {
  std::string name;
  for (const char c : study) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || (c == '.' && !name.empty());
    if (plain) {
      name += c;
    } else {
      name += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return scenario.parent_path() / ".walras" / (name + ".h5");
}

TrialLedger read_ledger(const std::filesystem::path& file, std::string_view study) {
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return {std::string(study), {}};
  return from_store(Store::read(file), file, study);
}

Recorded merge_trials(TrialLedger ledger, std::span<const Trial> trials) {
  Recorded result;
  result.ledger = std::move(ledger);
  for (const Trial& trial : trials) {
    check(trial);
    std::vector<Trial>& all = result.ledger.trials;
    const auto place =
        std::lower_bound(all.begin(), all.end(), trial.key,
                         [](const Trial& a, const std::string& key) { return a.key < key; });
    if (place == all.end() || place->key != trial.key) {
      all.insert(place, trial);
      ++result.added;
    } else if (same_returns(*place, trial)) {
      ++result.repeated;
    } else {
      *place = trial;
      ++result.replaced;
    }
  }
  return result;
}

Recorded record_trials(const std::filesystem::path& file, std::string_view study,
                       std::span<const Trial> trials) {
  std::error_code error;
  if (!file.parent_path().empty()) std::filesystem::create_directories(file.parent_path(), error);
  if (error) {
    fail(Fault::Io, file.parent_path().string(),
         fmt::format("expected a folder that can be made, was refused ({}); name another ledger "
                     "with --ledger FILE",
                     error.message()));
  }
  const FileLock lock(file);
  Recorded result = merge_trials(read_ledger(file, study), trials);
  if (result.added + result.replaced > 0) to_store(result.ledger).write(file);
  return result;
}

}  // namespace walras::stats
