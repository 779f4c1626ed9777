// Filters that make text, and the tables of all filters together.
#include <fmt/core.h>

#include <algorithm>

#include "token/jinja_arguments.h"
#include "token/jinja_operators.h"
#include "token/jinja_runtime.h"
#include "token/jinja_text.h"
#include "token/jinja_unicode.h"

namespace overtake::jinja {
namespace {

template <CaseMapping mapping>
Result<Value> change_case(Runtime& rt, CallArgs& a) {
  return map_case(rt, TRY(rt.to_text(a.positional[0])), mapping);
}

Result<Value> center(Runtime& rt, CallArgs& a) {
  const Value text = TRY(rt.to_text(a.positional[0]));
  const int64_t width = TRY(int_argument(a, 1, 80));
  const int64_t missing = std::max<int64_t>(0, width - TRY(length(text)));
  const int64_t left = missing / 2 + (missing & width & 1);
  return pad(rt, text, string_value(" ", true), left, missing - left);
}

Result<Value> escape(Runtime& rt, CallArgs& a) {
  return escape_html(rt, TRY(rt.to_text(a.positional[0])));
}

Result<Value> force_escape(Runtime& rt, CallArgs& a) {
  return escape_html(rt, as_plain(TRY(rt.to_text(a.positional[0]))));
}

Result<Value> safe(Runtime& rt, CallArgs& a) { return as_markup(TRY(rt.to_text(a.positional[0]))); }

// Jinja's indent: lines after the first, and blank ones only where asked.
Result<Value> indent(Runtime& rt, CallArgs& a) {
  const Value text = TRY(text_argument(a, 0));
  Value indention = string_value(" ", true);
  if (given(a, 1) && a.positional[1].is_string()) {
    indention = a.positional[1];
  } else {
    indention = TRY(pad(rt, string_value({}, true), indention, 0, TRY(int_argument(a, 1, 4))));
  }
  const bool first = truthy_argument(a, 2, false);
  const bool blank = truthy_argument(a, 3, false);
  const Value line_end = string_value("\n", true);
  // The added end makes a last empty line count.
  const Value lines = TRY(split_lines(rt, TRY(rt.heap().concat(text, line_end)), false));
  TextBuilder out(rt.budget());
  size_t i = 0;
  for (const Value& line : lines.sequence->all()) {
    if (!rt.budget().spend(1)) return rt.budget().error();
    if (i > 0) TRY(out.add(line_end));
    if (i == 0 ? first : blank || line.size > 0) TRY(out.add(indention));
    TRY(out.add(line));
    ++i;
  }
  return out.finish(rt.heap());
}

Result<Value> join_filter(Runtime& rt, CallArgs& a) {
  std::span<Value> items = TRY(rt.iterate(a.positional[0]));
  const Value separator = given(a, 1) ? TRY(rt.to_text(a.positional[1])) : string_value({}, true);
  if (!given(a, 2)) return join(rt, separator, items);
  std::vector<Value> attributes;
  for (const Value& item : items) {
    attributes.push_back(TRY(get_path(rt, item, a.positional[2])));
  }
  return join(rt, separator, attributes);
}

Result<Value> replace_filter(Runtime& rt, CallArgs& a) {
  return as_plain(
      TRY(replace(rt, TRY(rt.to_text(a.positional[0])), TRY(rt.to_text(a.positional[1])),
                  TRY(rt.to_text(a.positional[2])), TRY(int_argument(a, 3, -1)))));
}

Result<Value> string_filter(Runtime& rt, CallArgs& a) { return rt.to_text(a.positional[0]); }

Result<Value> title(Runtime& rt, CallArgs& a) {
  return title_filter(rt, TRY(rt.to_text(a.positional[0])));
}

Result<Value> trim(Runtime& rt, CallArgs& a) {
  const std::optional<Value> set = TRY(optional_text(a, 1));
  return strip(rt, TRY(rt.to_text(a.positional[0])), set ? &*set : nullptr, true, true);
}

Result<Value> truncate(Runtime& rt, CallArgs& a) {
  const Value text = TRY(text_argument(a, 0));
  const int64_t limit = TRY(int_argument(a, 1, 255));
  const Value end = TRY(optional_text(a, 3)).value_or(string_value("...", true));
  const int64_t leeway = TRY(int_argument(a, 4, 5));
  const int64_t n_end = TRY(length(end));
  if (limit < n_end || leeway < 0) return type_error("truncate: length or leeway is too small");
  const int64_t n = TRY(length(text));
  if (n <= leeway || n - leeway <= limit) return text;
  const Value parts[3] = {none_value(), int_value(limit - n_end), none_value()};
  Value kept = TRY(slice(rt, text, parts));
  if (!truthy_argument(a, 2, false)) {
    const Value space = string_value(" ", true);
    kept = TRY(split(rt, kept, &space, 1, true)).sequence->items[0];
  }
  return rt.heap().concat(kept, end);
}

Result<Value> wordcount(Runtime& rt, CallArgs& a) {
  const Value text = TRY(rt.to_text(a.positional[0]));
  if (!rt.budget().spend(text.size >> 3)) return rt.budget().error();
  int64_t n = 0;
  bool in_word = false;
  for (size_t at = 0; at < text.size;) {
    const Char c = char_at(text.text(), at);
    const bool word = is_word(c.code);
    n += word && !in_word ? 1 : 0;
    in_word = word;
    at += c.size;
  }
  return int_value(n);
}

Result<Value> format_filter(Runtime& rt, CallArgs& a) {
  const Value format = TRY(rt.to_text(a.positional[0]));
  if (!a.named.empty() && a.positional.size() > 1) {
    return type_error("format takes positional or named arguments, not both");
  }
  if (a.named.empty()) {
    const std::vector<Value> values(a.positional.begin() + 1, a.positional.end());
    return format_percent(rt, format, TRY(make_sequence(rt.heap(), SequenceKind::kTuple, values)));
  }
  std::vector<Entry> entries;
  for (const NamedValue& n : a.named) entries.push_back({string_value(n.name, true), n.value});
  return format_percent(rt, format, TRY(make_dict(rt.heap(), rt.budget(), entries)));
}

Status read_separators(const Value& v, JsonStyle& style) {
  const bool pair = v.is(Kind::kSequence) && v.sequence->size == 2 &&
                    v.sequence->items[0].is_string() && v.sequence->items[1].is_string();
  if (!pair) return type_error("separators must be two strings");
  style.item_separator = v.sequence->items[0].text();
  style.key_separator = v.sequence->items[1].text();
  return {};
}

Result<Value> tojson(Runtime& rt, CallArgs& a) {
  JsonStyle style;
  style.ensure_ascii = truthy_argument(a, 1, false);
  style.sort_keys = truthy_argument(a, 4, false);
  if (given(a, 2)) {
    style.indented = true;
    style.item_separator = ",";
    if (a.positional[2].is_string()) {
      style.indent = a.positional[2].text();
    } else {
      const int64_t width = std::max<int64_t>(0, TRY(int_argument(a, 2, 0)));
      if (width > 1024) return type_error("an indent of more than 1024 spaces");
      style.indent.assign(static_cast<size_t>(width), ' ');
    }
  }
  if (given(a, 3)) TRY(read_separators(a.positional[3], style));
  TextBuilder out(rt.budget());
  TRY(print_json(out, a.positional[0], style));
  return out.finish(rt.heap());
}

constexpr Builtin kTextFilters[] = {
    {"capitalize", "s", 1, change_case<CaseMapping::kCapitalize>},
    {"center", "value width", 1, center},
    {"e", "value", 1, escape},
    {"escape", "value", 1, escape},
    {"forceescape", "value", 1, force_escape},
    {"format", "*", 1, format_filter},
    {"indent", "s width first blank", 1, indent},
    {"join", "value d attribute", 1, join_filter},
    {"lower", "s", 1, change_case<CaseMapping::kLower>},
    {"replace", "s old new count", 3, replace_filter},
    {"safe", "value", 1, safe},
    {"string", "value", 1, string_filter},
    {"title", "s", 1, title},
    {"tojson", "x ensure_ascii indent separators sort_keys", 1, tojson},
    {"trim", "value chars", 1, trim},
    {"truncate", "s length killwords end leeway", 1, truncate},
    {"upper", "s", 1, change_case<CaseMapping::kUpper>},
    {"wordcount", "s", 1, wordcount},
};
static_assert(is_sorted_by_name(kTextFilters));

}  // namespace

std::span<const Builtin> text_filters() { return kTextFilters; }

const Builtin* find_filter(std::string_view name) {
  for (const auto table : {text_filters(), list_filters(), select_filters(), number_filters()}) {
    if (const Builtin* found = find_builtin(table, name)) return found;
  }
  return nullptr;
}

}  // namespace overtake::jinja
