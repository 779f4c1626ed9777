// json.dumps, as the tojson filter of chat templates calls it.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "token/jinja_print.h"
#include "token/jinja_sort.h"
#include "token/jinja_unicode.h"

namespace overtake::jinja {
namespace {

std::string json_escape(const Char& c, bool ensure_ascii) {
  switch (c.code) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    case '\b':
      return "\\b";
    case '\f':
      return "\\f";
    default:
      break;
  }
  if (c.code >= 0 && c.code < 0x20) return fmt::format("\\u{:04x}", c.code);
  if (!ensure_ascii || (c.code >= 0 && c.code < 0x7F)) return {};
  if (c.code < 0) return "\\ufffd";
  if (c.code < 0x10000) return fmt::format("\\u{:04x}", c.code);
  const int32_t rest = c.code - 0x10000;
  return fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF));
}

class JsonPrinter {
 public:
  JsonPrinter(TextBuilder& out, const JsonStyle& style) : out_(out), style_(style) {}

  Status print(const Value& v) {
    const Nesting nesting(out_.budget());
    if (!nesting.ok() || !out_.budget().spend(1)) return out_.budget().error();
    switch (v.kind) {
      case Kind::kNone:
        return out_.add("null", v.trusted);
      case Kind::kBool:
        return out_.add(v.boolean ? "true" : "false", v.trusted);
      case Kind::kInt:
      case Kind::kFloat:
        return out_.add(number(v), v.trusted);
      case Kind::kString:
        return print_string(v);
      case Kind::kDict:
        return print_dict(*v.dict);
      case Kind::kSequence:
        if (v.sequence->kind <= SequenceKind::kTuple) return print_list(*v.sequence);
        break;
      default:
        break;
    }
    return type_error(fmt::format("a value of type {} can not be written as JSON", type_name(v)));
  }

 private:
  static std::string number(const Value& v) {
    if (v.is(Kind::kInt)) return fmt::format("{}", v.integer);
    if (std::isnan(v.real)) return "NaN";
    if (std::isinf(v.real)) return v.real > 0 ? "Infinity" : "-Infinity";
    return float_repr(v.real);
  }

  Status print_string(const Value& v) {
    const std::string_view text = v.text();
    const bool trusted = v.trust == nullptr && v.trusted;
    TRY(out_.add("\"", trusted));
    size_t begin = 0;  // of the bytes that need no escape and are not yet written
    for (size_t at = 0; at < text.size();) {
      const Char c = char_at(text, at);
      const std::string escaped = json_escape(c, style_.ensure_ascii);
      if (!escaped.empty()) {
        TRY(out_.add(v.part(begin, at)));
        TRY(out_.add(escaped, v.byte_trusted(at)));
        begin = at + c.size;
      }
      at += c.size;
    }
    TRY(out_.add(v.part(begin, text.size())));
    return out_.add("\"", trusted);
  }

  Status print_key(const Value& key) {
    if (key.is_string()) return print_string(key);
    if (key.is(Kind::kSequence) || key.is(Kind::kUndefined)) {
      return type_error("a key of JSON must be a string, a number or none");
    }
    TRY(out_.add("\"", key.trusted));
    TRY(print(key));
    return out_.add("\"", key.trusted);
  }

  Status new_line(bool trusted) {
    if (!style_.indented) return {};
    TRY(out_.add("\n", trusted));
    for (int i = 0; i < level_; ++i) TRY(out_.add(style_.indent, trusted));
    return {};
  }

  Status print_list(const Sequence& list) {
    if (list.size == 0) return out_.add("[]", list.trusted);
    TRY(out_.add("[", list.trusted));
    ++level_;
    for (size_t i = 0; i < list.size; ++i) {
      if (i > 0) TRY(out_.add(style_.item_separator, list.trusted));
      TRY(new_line(list.trusted));
      TRY(print(list.items[i]));
    }
    --level_;
    TRY(new_line(list.trusted));
    return out_.add("]", list.trusted);
  }

  Status print_dict(const Dict& dict) {
    if (dict.size == 0) return out_.add("{}", dict.trusted);
    std::vector<Entry> entries(dict.all().begin(), dict.all().end());
    if (style_.sort_keys) {
      TRY(sort_stable(entries, [&](const Entry& a, const Entry& b) -> Result<bool> {
        return TRY(compare(out_.budget(), a.key, b.key)) < 0;
      }));
    }
    TRY(out_.add("{", dict.trusted));
    ++level_;
    for (size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) TRY(out_.add(style_.item_separator, dict.trusted));
      TRY(new_line(dict.trusted));
      TRY(print_key(entries[i].key));
      TRY(out_.add(style_.key_separator, dict.trusted));
      TRY(print(entries[i].value));
    }
    --level_;
    TRY(new_line(dict.trusted));
    return out_.add("}", dict.trusted);
  }

  TextBuilder& out_;
  const JsonStyle& style_;
  int level_ = 0;
};

}  // namespace

Status print_json(TextBuilder& out, const Value& value, const JsonStyle& style) {
  return JsonPrinter(out, style).print(value);
}

}  // namespace overtake::jinja
