#include "reports/document.hpp"

namespace walras::reports {
namespace {

struct Reader {
  std::vector<std::string>& out;

  void say(const std::string& text) const {
    if (!text.empty()) out.push_back(text);
  }
  void operator()(const Heading& heading) const { say(heading.text); }
  void operator()(const Paragraph& paragraph) const { say(paragraph.text); }
  void operator()(const Verbatim& verbatim) const { say(verbatim.text); }
  void operator()(const TableBlock& table) const {
    say(table.caption);
    for (const ColumnHead& column : table.columns) say(column.text), say(column.unit);
    for (const auto& row : table.rows)
      for (const Cell& cell : row) say(cell.text), say(cell.small);
    say(table.note);
  }
  void operator()(const Chart& chart) const { say(chart.title), say(chart.message); }
  void operator()(const Facts& facts) const {
    say(facts.caption);
    for (const Facts::Fact& fact : facts.facts) say(fact.name), say(fact.value);
  }
  void operator()(const VerdictStrip& strip) const {
    say(strip.headline), say(strip.text);
    for (const std::string& note : strip.notes) say(note);
    for (const VerdictStrip::Row& row : strip.rows) {
      say(row.name), say(row.outcome), say(row.reason);
      for (const VerdictStrip::Figure& figure : row.figures) say(figure.label), say(figure.value), say(figure.note);
    }
  }
  void operator()(const Details& details) const {
    say(details.summary);
    for (const Block& block : details.blocks) std::visit(*this, block.content);
  }
};

}  // namespace

std::vector<std::string> texts(const Document& document) {
  std::vector<std::string> out;
  const Reader reader{out};
  reader.say(document.title);
  reader.say(document.about);
  reader.say(document.subtitle);
  for (const Block& block : document.blocks) std::visit(reader, block.content);
  reader.say(document.foot);
  return out;
}

}  // namespace walras::reports
