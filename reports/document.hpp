#pragma once
// Document: what a report says, free of markup. compose.cpp makes one from results, html.cpp turns it into a page;
// the PDF is a print of that page. All texts are plain text in UTF-8; escaping is the renderer's job.
// It must not know HTML, and no number is formatted after this point.
#include "engine/base/json.hpp"

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace walras::reports {

/// How a text is meant. Never carried by colour alone: the words say it too.
enum class Tone : std::uint8_t { Plain, Good, Caution, Bad, Muted };
enum class Align : std::uint8_t { Left, Right, Center };

/// A section's heading; level 2 opens a chapter and enters the table of contents, level 3 and 4 divide it.
struct Heading {
  int level = 2;
  std::string text;
  std::string short_text = {};  ///< for the table of contents; empty = text
};

struct Paragraph {
  std::string text;
  Tone tone = Tone::Plain;
};

/// Text kept as it is, in a fixed-width face: resolved scenarios, formulas.
struct Verbatim {
  std::string text;
  std::string label = {};  ///< what it is, for screen readers
};

struct Cell {
  std::string text;
  Tone tone = Tone::Plain;
  std::string small = {};           ///< a second line: an interval, a count
  std::optional<double> heat = {};  ///< -1 (loss) to 1 (gain): shades the cell
};

struct ColumnHead {
  std::string text;
  Align align = Align::Right;
  std::string unit = {};  ///< printed under the name
};

/// A table; the first column holds row headers.
struct TableBlock {
  std::string caption;
  std::vector<ColumnHead> columns;
  std::vector<std::vector<Cell>> rows;
  std::string note = {};       ///< printed under the table
  bool compact = false;        ///< smaller type: long lists
  bool even = false;           ///< columns of equal width: heat maps
  std::size_t rule_after = 0;  ///< a rule under this many rows; 0 = none
};

/// A chart as data. `options` are ECharts options in which colours may be roles ("@series1" to "@series8", "@benchmark",
/// "@good", "@bad", "@muted", "@shade", "@band", "@text") and `walras` holds axis formats ({"x": F, "y": F}, F one of
/// "percent", "number", "money", "count").
struct Chart {
  std::string title;
  Json options;
  std::string label;           ///< what the chart shows, for screen readers
  std::string message;         ///< what it says, in words: for everybody, and instead of it without JavaScript
  int height = 300;            ///< CSS pixels
  bool half = false;           ///< two such charts in a row share its width
};

/// Names and values, as in a fact sheet.
struct Facts {
  struct Fact { std::string name, value; };
  std::vector<Fact> facts;
  std::string caption = {};
};

/// The judgement: one headline, the reason in words, key figures.
struct VerdictStrip {
  struct Figure {
    std::string label, value, note;
    Tone tone = Tone::Plain;
  };
  struct Row {  ///< one strategy
    std::string name, outcome, reason;
    Tone tone = Tone::Plain;
    std::vector<Figure> figures;
  };
  std::string headline;
  std::string text;
  Tone tone = Tone::Plain;
  std::vector<Row> rows;
  std::vector<std::string> notes;  ///< what must be known beside it: hindsight in the universe, warnings
};

struct Block;
/// Folded away on the screen, open in print.
struct Details {
  std::string summary;
  std::vector<Block> blocks;
};

struct Block {
  std::variant<Heading, Paragraph, Verbatim, TableBlock, Chart, Facts, VerdictStrip, Details> content;
};

struct Document {
  std::string title;
  std::string about = {};          ///< what was asked, in a sentence
  std::string subtitle;            ///< span, instruments, account: one line
  std::string foot;                ///< version, seed and hash: at the foot of the page and of each printed page
  std::string language = "en";
  std::vector<Block> blocks;

  template <class Content>
  void add(Content content) { blocks.push_back(Block{std::move(content)}); }
};

/// Every text of a document that a reader sees, in reading order; charts give title and message.
[[nodiscard]] std::vector<std::string> texts(const Document& document);

}  // namespace walras::reports
