#include "token/jinja_text.h"

#include <algorithm>

#include "token/jinja_runtime.h"
#include "token/jinja_unicode.h"

namespace overtake::jinja {
namespace {

// A new string in which `map(out, at, c)` appends what each character becomes.
template <typename Map>
Result<Value> map_chars(Runtime& rt, const Value& text, Map map) {
  if (!rt.budget().spend(text.size >> 3)) return rt.budget().error();
  TextBuilder out(rt.budget());
  std::string piece;
  for (size_t at = 0; at < text.size;) {
    const Char c = char_at(text.text(), at);
    if (c.code < 0) {
      TRY(out.add(text.part(at, at + 1)));
    } else {
      piece.clear();
      map(piece, at, c);
      TRY(out.add(piece, text.byte_trusted(at)));
    }
    at += c.size;
  }
  Value mapped = TRY(out.finish(rt.heap()));
  mapped.markup = text.markup;
  return mapped;
}

// A capital sigma becomes ς at the end of a word, else σ.
void append_lower_at(std::string& out, std::string_view text, size_t at, const Char& c) {
  if (c.code != 0x3A3) return append_lower(out, c.code);
  const bool before = at > 0 && is_cased(char_before(text, at).code);
  const size_t next = at + c.size;
  const bool after = next < text.size() && is_cased(char_at(text, next).code);
  append_utf8(out, before && !after ? 0x3C2 : 0x3C3);
}

bool in_set(std::string_view set, int32_t code, std::string_view bytes) {
  if (code < 0x80 && code >= 0) return set.find(static_cast<char>(code)) != set.npos;
  return set.find(bytes) != set.npos;
}

}  // namespace

Result<Value> map_case(Runtime& rt, const Value& text, CaseMapping mapping) {
  const std::string_view all = text.text();
  bool in_word = false;
  return map_chars(rt, text, [&](std::string& out, size_t at, const Char& c) {
    const bool inside = mapping == CaseMapping::kCapitalize ? at > 0 : in_word;
    in_word = is_cased(c.code);
    switch (mapping) {
      case CaseMapping::kUpper:
        return append_upper(out, c.code);
      case CaseMapping::kLower:
        return append_lower_at(out, all, at, c);
      case CaseMapping::kSwap:
        if (is_upper(c.code)) return append_lower_at(out, all, at, c);
        return is_lower(c.code) ? append_upper(out, c.code) : append_utf8(out, c.code);
      case CaseMapping::kCapitalize:
      case CaseMapping::kTitle:
        return inside ? append_lower_at(out, all, at, c) : append_title(out, c.code);
    }
  });
}

Result<Value> escape_html(Runtime& rt, const Value& text) {
  if (text.markup) return text;
  return as_markup(TRY(map_chars(rt, text, [](std::string& out, size_t, const Char& c) {
    switch (c.code) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        append_utf8(out, c.code);
    }
  })));
}

Value as_markup(Value text) {
  text.markup = true;
  return text;
}

Value as_plain(Value text) {
  text.markup = false;
  return text;
}

Result<Value> title_filter(Runtime& rt, const Value& text) {
  const std::string_view all = text.text();
  bool begins = true;
  return map_chars(rt, text, [&](std::string& out, size_t at, const Char& c) {
    const bool first = std::exchange(
        begins, is_space(c.code) ||
                    (c.code < 0x80 && std::string_view("-({[<").find(static_cast<char>(c.code)) !=
                                          std::string_view::npos));
    if (first) return append_upper(out, c.code);
    append_lower_at(out, all, at, c);
  });
}

Result<Value> strip(Runtime& rt, const Value& text, const Value* set, bool left, bool right) {
  if (!rt.budget().spend_bytes(text.size)) return rt.budget().error();
  std::string_view rest = text.text();
  int64_t work = 0;  // a large set makes every character dear
  const auto cut = [&](const Char& c, size_t at) {
    if (set == nullptr) return is_space(c.code);
    work += set->size >> 4;
    return in_set(set->text(), c.code, rest.substr(at, c.size));
  };
  size_t begin = 0;
  while (left && begin < rest.size()) {
    const Char c = char_at(rest, begin);
    if (!cut(c, begin)) break;
    begin += c.size;
  }
  while (right && rest.size() > begin) {
    const Char c = char_before(rest, rest.size());
    if (!cut(c, rest.size() - c.size)) break;
    rest.remove_suffix(c.size);
    if (!rt.budget().spend(std::exchange(work, 0))) return rt.budget().error();
  }
  if (!rt.budget().spend(work)) return rt.budget().error();
  return text.part(begin, std::max(begin, rest.size()));
}

Result<Value> replace(Runtime& rt, const Value& text, const Value& from, const Value& to,
                      int64_t limit) {
  const std::string_view all = text.text();
  if (!rt.budget().spend_bytes(all.size())) return rt.budget().error();
  if (limit < 0) limit = INT64_MAX;
  size_t at = limit == 0 ? all.npos : find_text(all, from.text(), 0);
  if (at == all.npos) return text;
  TextBuilder out(rt.budget());
  size_t copied = 0;
  for (; limit > 0 && at != all.npos; --limit) {
    if (!rt.budget().spend(1)) return rt.budget().error();
    TRY(out.add(text.part(copied, at)));
    TRY(out.add(to));
    copied = at + from.size;
    if (from.size > 0) {
      at = find_text(all, from.text(), copied);
    } else {  // an empty string stands before every character and at the end
      at = at < all.size() ? at + char_at(all, at).size : all.npos;
    }
  }
  TRY(out.add(text.part(copied, all.size())));
  return out.finish(rt.heap());
}

Result<Value> join(Runtime& rt, const Value& separator, std::span<const Value> items) {
  TextBuilder out(rt.budget());
  bool first = true;
  for (const Value& item : items) {
    if (!rt.budget().spend(1)) return rt.budget().error();
    if (!first) TRY(out.add(separator));
    first = false;
    TRY(print_value(out, item));
  }
  return out.finish(rt.heap());
}

Result<Value> pad(Runtime& rt, const Value& text, const Value& fill, int64_t left, int64_t right) {
  if (left <= 0 && right <= 0) return text;
  TextBuilder out(rt.budget());
  const auto add = [&](int64_t n) -> Status {
    for (int64_t i = 0; i < n; ++i) {
      if (!rt.budget().spend(1)) return rt.budget().error();
      TRY(out.add(fill));
    }
    return {};
  };
  TRY(add(left));
  TRY(out.add(text));
  TRY(add(right));
  return out.finish(rt.heap());
}

Result<Value> reverse_text(Runtime& rt, const Value& text) {
  if (!rt.budget().spend(text.size >> 3)) return rt.budget().error();
  TextBuilder out(rt.budget());
  for (size_t end = text.size; end > 0;) {
    const size_t begin = end - char_before(text.text(), end).size;
    TRY(out.add(text.part(begin, end)));
    end = begin;
  }
  return out.finish(rt.heap());
}

}  // namespace overtake::jinja
