#include "engine/base/error.hpp"
#include "engine/data/fetch.hpp"
#include "engine/data/library.hpp"
#include "engine/data/source.hpp"
#include "scenarios/cli/catalog.hpp"
#include "scenarios/cli/console.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iostream>

namespace walras::scenarios {
namespace {

engine::Library library_of(const Arguments& arguments) {
  return engine::Library(arguments.has("--library") ? std::filesystem::path(arguments.text("--library"))
                                                    : engine::Library::default_folder());
}

/// The kind of source that reads a file, told by its content where it is not given.
std::string kind_of(const Arguments& arguments, const std::filesystem::path& file) {
  return arguments.has("--kind") ? arguments.text("--kind") : engine::detect_kind(file);
}

/// Source sections for the files, with what --set changes in each.
Json sections(const Arguments& arguments, const std::vector<std::string>& files) {
  Json list = Json::array();
  for (const std::string& file : files) {
    Json section = Json::object({{"kind", kind_of(arguments, file)}, {"path", std::filesystem::absolute(file).string()}});
    for (const std::string& set : arguments.all("--set")) {
      const std::size_t equals = set.find('=');
      if (equals == std::string::npos || !set.starts_with("/")) {
        fail(Fault::Usage, "--set", fmt::format("expected /json/pointer=value, was '{}'", set));
      }
      Json value = set.substr(equals + 1);
      try {
        value = Json::parse(set.substr(equals + 1));
      } catch (const Error&) {   // not JSON: the text itself
        value = set.substr(equals + 1);
      }
      section.set_pointer(set.substr(0, equals), value);
    }
    list.push_back(section);
  }
  return list;
}

std::shared_ptr<const engine::Tape> read_files(const Arguments& arguments, const std::vector<std::string>& files) {
  engine::SourceRegistry registry("source");
  engine::add_sources(registry);
  return engine::load_tape(sections(arguments, files), "", registry, {std::filesystem::current_path(), library_of(arguments).folder()});
}

std::string cell(const Json& value) {
  if (value.is_string()) return value.as_string();
  if (value.is_number() && !value.is_integer()) return figure(value.as_number());
  return value.dump();
}

/// Objects as a table, one row each; nested values are left to --json.
void print_rows(const Json& rows) {
  std::vector<std::string> head;
  for (const Json& row : rows.as_array()) {
    for (const auto& [key, value] : row.as_object()) {
      if (!value.is_object() && !value.is_array() && std::ranges::find(head, key) == head.end()) head.push_back(key);
    }
  }
  TextTable table(head, true);
  for (const Json& row : rows.as_array()) {
    std::vector<std::string> cells;
    for (const std::string& key : head) cells.push_back(row.find(key) == nullptr ? "" : cell(*row.find(key)));
    table.add(cells);
  }
  std::cout << table.str();
}

void print_description(const Json& description) {
  for (const auto& [key, value] : description.as_object()) {
    if (!value.is_array() && !value.is_object()) std::cout << fmt::format("{:<16} {}\n", key, cell(value));
  }
  for (const auto& [key, value] : description.as_object()) {
    if (value.is_object()) {
      std::cout << '\n' << key << '\n';
      for (const auto& [name, member] : value.as_object()) std::cout << fmt::format("  {:<20} {}\n", name, cell(member));
    }
    if (value.is_array() && value.size() > 0 && value.as_array().front().is_object()) {
      std::cout << '\n' << key << '\n';
      print_rows(value);
    }
  }
}

/// What was found out about each input, and the largest moves: nested values, one line each.
void print_detected(const Json& description) {
  for (const Json& instrument : description.at("instruments").as_array()) {
    const Json* moves = instrument.find("largest_moves");
    if (moves == nullptr || moves->size() == 0) continue;
    std::string line;
    for (const Json& move : moves->as_array()) {
      line += fmt::format("  {} {:+.1f} %", move.at("time").as_string(), 100 * move.at("change").as_number());
    }
    std::cout << fmt::format("\nlargest moves of {}:{}", instrument.at("name").as_string(), line);
  }
  std::cout << '\n';
  if (!description.at("provenance").is_array()) return;
  for (const Json& input : description.at("provenance").as_array()) {
    std::cout << "\ndetected in " << input.at("file").as_string() << '\n';
    for (const auto& [key, value] : input.at("detected").as_object()) {
      if (key != "instruments") std::cout << fmt::format("  {:<18} {}\n", key, cell(value));
    }
    for (const Json& note : input.at("notes").as_array()) std::cout << "  note: " << note.as_string() << '\n';
  }
}

int show_library(const Arguments& arguments) {
  const engine::Library library = library_of(arguments);
  const Json sets = library.list();
  Json fetchable = Json::array();
  for (const engine::Fetchable& set : engine::fetchable_sets()) {
    fetchable.push_back(Json::object({{"name", set.name}, {"title", set.title}, {"here", library.contains(set.name)}}));
  }
  if (arguments.has("--json")) {
    print_json("data", Json::object({{"library", library.folder().string()}, {"sets", sets}, {"fetchable", fetchable}}));
    return 0;
  }
  std::cout << "library " << library.folder().string() << '\n';
  if (sets.size() == 0) {
    std::cout << "holds nothing yet; `walras data fetch` brings one of these:\n";
  } else {
    print_rows(sets);
    std::cout << "\n`walras data fetch` knows:\n";
  }
  print_rows(fetchable);
  return 0;
}

int show(const Arguments& arguments) {
  const std::string name = arguments.text("SET");
  if (name.empty()) return show_library(arguments);
  const engine::Library library = library_of(arguments);
  const Json description = !library.contains(name) && std::filesystem::exists(name) ? engine::describe(*read_files(arguments, {name}))
                                                                                    : library.show(name);
  if (arguments.has("--json")) {
    print_json("data_set", description);
  } else {
    print_description(description);
    print_detected(description);
  }
  return 0;
}

int fetch(const Arguments& arguments) {
  const engine::Library library = library_of(arguments);
  const std::string name = arguments.text("SET");
  if (library.contains(name) && !arguments.has("--again")) {
    std::cout << fmt::format("{} is already in {}; --again fetches it once more\n", name, library.folder().string());
    return 0;
  }
  notice(arguments.has("--package") ? fmt::format("reading {} from {}", name, arguments.text("--package"))
                                    : fmt::format("fetching {} from the Python package index", name));
  const std::vector<std::string> made =
      arguments.has("--package") ? engine::import_package(name, arguments.text("--package"), library) : engine::fetch(name, library);
  for (const std::string& set : made) std::cout << fmt::format("{} is in {}\n", set, library.folder().string());
  return 0;
}

int import(const Arguments& arguments) {
  const engine::Library library = library_of(arguments);
  const auto tape = read_files(arguments, arguments.all("FILE"));
  Json metadata = Json::object();
  for (const std::string_view note : {"title", "source", "licence", "hindsight"}) {
    const std::string flag = "--" + std::string(note);
    if (arguments.has(flag)) metadata[note] = arguments.text(flag);
  }
  const std::filesystem::path file = library.import(arguments.text("NAME"), *tape, metadata);
  std::cout << fmt::format("{}: {} instruments, {} events, in {}\n", arguments.text("NAME"), tape->instruments.size(),
                           tape->events.size(), file.string());
  return 0;
}

/// Reads everything; what cannot stand is an error that names the row, what is odd is printed.
int check_files(const Arguments& arguments) {
  const auto tape = read_files(arguments, arguments.all("FILE"));
  const Json description = engine::describe(*tape);
  if (arguments.has("--json")) {
    print_json("data_check", description);
    return 0;
  }
  print_description(description);
  print_detected(description);
  std::cout << fmt::format("\nreadable: {} instruments, {} events\n", tape->instruments.size(), tape->events.size());
  return 0;
}

const Flag kLibrary{"--library", "DIR", "data library (default: the user's)"};
const Flag kKind{"--kind", "KIND", "ohlcv_csv, close_panel, lobster, itch50, dbn, binance, tardis or lean (default: told by the content)"};
const Flag kSet{"--set", "POINTER=VALUE", "a setting of the reader, as /instrument/tick_size=0.01", true};
const Flag kJson{"--json", "", "print JSON"};

}  // namespace

std::vector<Command> data_commands() {
  return {
      {"data fetch", "bring a public data set into the library", {{"SET", "as `walras data show` lists them"}},
       {kLibrary, {"--package", "FILE", "a package that already lies on disk (its hash is checked)"}, {"--again", "", "even where the library has it"}},
       {"walras data fetch sp500"}, fetch},
      {"data import", "bring files of your own into the library", {{"NAME", "what the set is called"}, {"FILE", "csv, gz, zst, xz or zip", true, true}},
       {kKind, kSet, {"--title", "TEXT", "what it is"}, {"--source", "TEXT", "where it comes from"}, {"--licence", "TEXT", "under which terms"},
        {"--hindsight", "TEXT", "what its choice already knew of the future; repeated beside every verdict"}, kLibrary},
       {"walras data import mydata prices/*.csv", "walras data import panel closes.csv --kind close_panel"}, import},
      {"data show", "what the library, a set of it, or a file holds", {{"SET", "a set or a file (default: the whole library)", false}},
       {kKind, kSet, kLibrary, kJson}, {"walras data show", "walras data show sp500 --json"}, show},
      {"data check", "read files to the end and report what is odd", {{"FILE", "csv, gz, zst, xz or zip", true, true}},
       {kKind, kSet, kLibrary, kJson}, {"walras data check prices.csv"}, check_files}};
}

}  // namespace walras::scenarios
