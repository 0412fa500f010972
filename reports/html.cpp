#include "engine/base/error.hpp"
#include "engine/base/files.hpp"
#include "reports/page.hpp"
#include "reports/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace walras::reports {
namespace {

/// The same text without control characters and broken UTF-8, which become U+FFFD.
std::string cleaned(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const std::size_t length = byte < 0x80 ? 1 : byte < 0xC2 || byte > 0xF4 ? 0 : byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2;
    bool whole = length > 0 && i + length <= text.size() && (byte >= 0x20 || byte == '\n' || byte == '\t');
    for (std::size_t k = 1; whole && k < length; ++k) whole = (static_cast<unsigned char>(text[i + k]) & 0xC0) == 0x80;
    out += whole ? text.substr(i, length) : std::string_view("\uFFFD");
    i += whole ? length : 1;
  }
  return out;
}

/// Text in HTML content and in quoted attributes.
std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 16);
  for (const char character : cleaned(text)) switch (character) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += character;
    }
  return out;
}

/// Text in a quoted CSS string inside <style>: everything but plain characters as a code.
std::string css_string(std::string_view text) {
  std::string out = "\"";
  for (const char character : cleaned(text)) {
    const auto byte = static_cast<unsigned char>(character);
    const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
                       std::string_view(" .,:-_").find(character) != std::string_view::npos || byte >= 0x80;
    out += plain ? std::string(1, character) : fmt::format("\\{:x} ", byte);
  }
  return out + "\"";
}

/// JSON that may stand inside a <script>: nothing in it can end the element.
std::string script_json(const Json& json) {
  std::string out;
  for (const char character : json.dump()) {
    if (character == '<' || character == '>' || character == '&') out += fmt::format("\\u{:04x}", static_cast<unsigned>(character));
    else out += character;
  }
  return out;
}

/// The digest by which the page's security policy knows a script.
std::string policy_hash(std::string_view script) {
  Sha256 sha;
  sha.update(script);
  const std::string hex = sha.hex();
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto nibble = [](char digit) { return static_cast<unsigned>(digit <= '9' ? digit - '0' : digit - 'a' + 10); };
  std::string out;
  for (std::size_t i = 0; i < hex.size(); i += 6) {  // three bytes, four characters
    unsigned bits = 0;
    for (std::size_t k = 0; k < 6; ++k) bits = bits << 4U | (i + k < hex.size() ? nibble(hex[i + k]) : 0U);
    const std::size_t digits = std::min<std::size_t>(4, (hex.size() - i) / 2 + 1);
    for (std::size_t k = 0; k < 4; ++k) out += k < digits ? alphabet[bits >> (18 - 6 * k) & 63U] : '=';
  }
  return "'sha256-" + out + "'";
}

std::string_view class_of(Tone tone) {
  constexpr std::array<std::string_view, 5> names{"plain", "good", "caution", "bad", "muted"};
  return names[static_cast<std::size_t>(tone)];
}

std::string_view sign_of(Tone tone) {
  switch (tone) {
    case Tone::Good: return "\u2713\u00a0";
    case Tone::Bad: return "\u2717\u00a0";
    case Tone::Caution: return "\u25cb\u00a0";
    default: return "";
  }
}

class Page {
 public:
  explicit Page(bool charts) : charts_(charts) {}

  void blocks(const std::vector<Block>& blocks, bool top) {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const bool chart = std::holds_alternative<Chart>(blocks[i].content);
      if (chart && !in_charts_) body_ += "<div class=\"charts\">", in_charts_ = true;
      if (!chart) end_charts();
      std::visit([&](const auto& content) { add(content, top); }, blocks[i].content);
    }
    end_charts();
    if (top) end_section();
  }

  [[nodiscard]] const std::string& body() const { return body_; }
  [[nodiscard]] const std::string& contents() const { return contents_; }
  [[nodiscard]] std::string data() const { return script_json(Json::array(data_)); }

 private:
  void end_charts() {
    if (in_charts_) body_ += "</div>\n";
    in_charts_ = false;
  }
  void end_section() {
    if (in_section_) body_ += "</section>\n";
    in_section_ = false;
  }
  void section(std::string_view css, const std::string& title) {
    end_section();
    const std::string id = fmt::format("part-{}", ++parts_);
    contents_ += fmt::format("<li><a href=\"#{}\">{}</a></li>\n", id, escaped(title));
    body_ += fmt::format("<section{} aria-labelledby=\"{}\">\n", css.empty() ? "" : fmt::format(" class=\"{}\"", css), id);
    in_section_ = true;
  }

  void add(const Heading& heading, bool top) {
    const int level = std::clamp(heading.level, 2, 4);
    if (level == 2 && top) {
      section("", heading.short_text.empty() ? heading.text : heading.short_text);
      body_ += fmt::format("<h2 id=\"part-{}\">{}</h2>\n", parts_, escaped(heading.text));
    } else {
      body_ += fmt::format("<h{0}>{1}</h{0}>\n", std::max(level, 3), escaped(heading.text));
    }
  }

  void add(const Paragraph& paragraph, bool) {
    body_ += fmt::format("<p{}>{}</p>\n", paragraph.tone == Tone::Plain ? "" : fmt::format(" class=\"{}\"", class_of(paragraph.tone)),
                         escaped(paragraph.text));
  }

  void add(const Verbatim& verbatim, bool) {
    body_ += fmt::format("<pre tabindex=\"0\" role=\"region\" aria-label=\"{}\">{}</pre>\n",
                         escaped(verbatim.label.empty() ? "text" : verbatim.label), escaped(verbatim.text));
  }

  static std::string_view side(Align align) { return align == Align::Left ? "l" : align == Align::Center ? "c" : ""; }

  void add(const TableBlock& table, bool) {
    const std::string id = fmt::format("table-{}", ++tables_);
    body_ += fmt::format("<div class=\"table{}\" role=\"region\" tabindex=\"0\" aria-labelledby=\"{}\"><table><caption id=\"{}\">{}</caption>\n<thead><tr>",
                         table.even ? " compact months" : table.compact ? " compact" : "", id, id, escaped(table.caption));
    for (const ColumnHead& column : table.columns) {
      const std::string_view css = side(column.align);
      body_ += fmt::format("<th scope=\"col\"{}>{}{}</th>", css.empty() ? "" : fmt::format(" class=\"{}\"", css), escaped(column.text),
                           column.unit.empty() ? "" : fmt::format("<small>{}</small>", escaped(column.unit)));
    }
    body_ += "</tr></thead>\n<tbody>\n";
    for (std::size_t r = 0; r < table.rows.size(); ++r) {
      body_ += table.rule_after == r + 1 ? "<tr class=\"rule\">" : "<tr>";
      for (std::size_t c = 0; c < table.rows[r].size(); ++c)
        cell(table.rows[r][c], c == 0, c < table.columns.size() ? table.columns[c].align : Align::Right);
      body_ += "</tr>\n";
    }
    body_ += "</tbody></table></div>\n";
    if (!table.note.empty()) body_ += fmt::format("<p class=\"under\">{}</p>\n", escaped(table.note));
  }

  void cell(const Cell& content, bool header, Align align) {
    std::string css(header ? std::string_view() : side(align));
    const auto join = [&](std::string_view more) { css += (css.empty() ? "" : " ") + std::string(more); };
    if (content.tone != Tone::Plain) join(class_of(content.tone));
    std::string style;
    if (content.heat && std::isfinite(*content.heat) && *content.heat != 0) {
      join(*content.heat > 0 ? "heat up" : "heat down");
      style = fmt::format(" style=\"--h:{:.0f}\"", std::clamp(std::fabs(*content.heat), 0.0, 1.0) * 62);
    }
    const std::string_view tag = header ? "th" : "td";
    body_ += fmt::format("<{}{}{}{}>{}{}</{}>", tag, header ? " scope=\"row\"" : "", css.empty() ? "" : fmt::format(" class=\"{}\"", css), style,
                         escaped(content.text), content.small.empty() ? "" : fmt::format("<small>{}</small>", escaped(content.small)), tag);
  }

  void add(const Chart& chart, bool) {
    const bool drawn = charts_ && chart.options.is_object();
    body_ += fmt::format("<figure{}><figcaption><span>{}</span></figcaption>", chart.half ? " class=\"half\"" : "", escaped(chart.title));
    if (drawn) {
      body_ += fmt::format("<div class=\"plot\" role=\"img\" aria-label=\"{}\" style=\"height:{}px\"></div>",
                           escaped(chart.label + (chart.message.empty() ? "" : ". " + chart.message)), chart.height);
      data_.push_back(chart.options);
    }
    if (!chart.message.empty()) body_ += fmt::format("<p class=\"message\">{}</p>", escaped(chart.message));
    body_ += "</figure>\n";
  }

  void add(const Facts& facts, bool) {
    if (!facts.caption.empty()) body_ += fmt::format("<h3>{}</h3>\n", escaped(facts.caption));
    body_ += "<dl class=\"facts\">\n";
    for (const Facts::Fact& fact : facts.facts)
      body_ += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", escaped(fact.name), escaped(fact.value));
    body_ += "</dl>\n";
  }

  void add(const VerdictStrip& strip, bool) {
    section("verdict " + std::string(class_of(strip.tone)), "Verdict");
    body_ += fmt::format("<p class=\"eyebrow\">Verdict</p>\n<h2 id=\"part-{}\">{}</h2>\n", parts_, escaped(strip.headline));
    if (!strip.text.empty()) body_ += fmt::format("<p class=\"lead\">{}</p>\n", escaped(strip.text));
    if (!strip.notes.empty()) {
      body_ += "<ul class=\"notes\">\n";
      for (const std::string& note : strip.notes) body_ += fmt::format("<li>{}</li>\n", escaped(note));
      body_ += "</ul>\n";
    }
    for (const VerdictStrip::Row& row : strip.rows) {
      body_ += fmt::format("<div class=\"row {}\"><h3><span>{}</span><span class=\"badge\">{}{}</span></h3>\n", class_of(row.tone), escaped(row.name),
                           sign_of(row.tone), escaped(row.outcome));
      if (!row.reason.empty()) body_ += fmt::format("<p class=\"reason\">{}</p>\n", escaped(row.reason));
      body_ += "<dl class=\"figures\">";
      for (const VerdictStrip::Figure& figure : row.figures)
        body_ += fmt::format("<div><dt>{}</dt><dd{}>{}{}</dd></div>", escaped(figure.label),
                             figure.tone == Tone::Plain ? "" : fmt::format(" class=\"{}\"", class_of(figure.tone)), escaped(figure.value),
                             figure.note.empty() ? "" : fmt::format("<small>{}</small>", escaped(figure.note)));
      body_ += "</dl></div>\n";
    }
  }

  void add(const Details& details, bool) {
    body_ += fmt::format("<details><summary>{}</summary>\n", escaped(details.summary));
    blocks(details.blocks, false);
    body_ += "</details>\n";
  }

  bool charts_;
  bool in_charts_ = false, in_section_ = false;
  int parts_ = 0, tables_ = 0;
  std::string body_, contents_;
  Json::Array data_;
};

}  // namespace

std::string to_html(const Document& document, std::string_view echarts) {
  const bool charts = !echarts.empty();
  expects(echarts.find("</script") == std::string_view::npos, "echarts.min.js does not end its own element");
  Page page(charts);
  page.blocks(document.blocks, true);
  const std::string_view script = page_script();
  const std::string policy = "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'unsafe-inline'; script-src " +
                             policy_hash(script) + (charts ? " " + policy_hash(echarts) : "");
  std::string out;
  out.reserve(page.body().size() + echarts.size() + (std::size_t{1} << 17));
  out += fmt::format("<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<meta name=\"generator\" content=\"Walras\">\n"
                     "<meta name=\"referrer\" content=\"no-referrer\">\n<title>{}</title>\n<style>",
                     escaped(document.language), policy, escaped(document.title));
  out += page_style();
  out += fmt::format("@page{{size:A4;margin:15mm 15mm 17mm;@bottom-left{{content:{};font:7.5pt var(--print-face);color:#525e6d}}"
                     "@bottom-right{{content:counter(page) \" / \" counter(pages);font:7.5pt var(--print-face);color:#525e6d}}}}\n</style>\n</head>\n<body>\n",
                     css_string(document.foot));
  out += fmt::format("<a class=\"skip\" href=\"#main\">Skip to the report</a>\n<div class=\"page\">\n<header class=\"top\"><div><p class=\"brand\">Walras</p>"
                     "<h1>{}</h1>{}<p class=\"sub\">{}</p></div>\n<div class=\"tools\"><button type=\"button\" id=\"theme\" aria-pressed=\"false\">Dark theme</button>"
                     "<button type=\"button\" id=\"print\">Print</button></div></header>\n",
                     escaped(document.title), document.about.empty() ? "" : "<p class=\"about\">" + escaped(document.about) + "</p>",
                     escaped(document.subtitle));
  out += "<nav class=\"toc\" aria-labelledby=\"contents\"><h2 id=\"contents\">Contents</h2><ol>\n" + page.contents() + "</ol></nav>\n";
  out += "<main id=\"main\" tabindex=\"-1\">\n";
  if (charts) out += "<noscript><p class=\"caution\">The charts need JavaScript. What each says is written under it, and the tables hold the numbers.</p></noscript>\n";
  else out += "<p class=\"caution\">Charts are left out: echarts.min.js was not found. `./walras doctor` says how to get it; then `walras report` writes this page again with charts.</p>\n";
  out += page.body();
  out += "</main>\n<footer>" + escaped(document.foot) + "</footer>\n</div>\n<script type=\"application/json\" id=\"chart-data\">" + page.data() + "</script>\n";
  if (charts) out.append("<script>").append(echarts).append("</script>\n");
  out.append("<script>").append(script).append("</script>\n</body>\n</html>\n");
  return out;
}

std::filesystem::path find_echarts(const std::filesystem::path& named, const std::filesystem::path& source_root,
                                   const std::filesystem::path& share) {
  std::error_code ignored;
  for (const std::filesystem::path& file : {named, source_root / ".deps/echarts/echarts.min.js", share / "walras/echarts.min.js"})
    if (!file.empty() && std::filesystem::is_regular_file(file, ignored)) return file;
  return {};
}

void write_html(const Document& document, const std::filesystem::path& file, const std::filesystem::path& echarts) {
  std::error_code ignored;
  const bool found = !echarts.empty() && std::filesystem::is_regular_file(echarts, ignored);
  write_atomically(file, to_html(document, found ? read_text(echarts, std::size_t{64} << 20) : std::string()));
}

}  // namespace walras::reports
