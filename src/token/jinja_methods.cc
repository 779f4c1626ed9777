// Methods of strings, lists, dicts, loops and cyclers. Whatever would change a value is missing.
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
  return map_case(rt, a.positional[0], mapping);
}

template <bool left, bool right>
Result<Value> strip_method(Runtime& rt, CallArgs& a) {
  const std::optional<Value> set = TRY(optional_text(a, 1));
  return strip(rt, a.positional[0], set ? &*set : nullptr, left, right);
}

template <bool from_right>
Result<Value> split_method(Runtime& rt, CallArgs& a) {
  const std::optional<Value> separator = TRY(optional_text(a, 1));
  return split(rt, a.positional[0], separator ? &*separator : nullptr, TRY(int_argument(a, 2, -1)),
               from_right);
}

Result<Value> splitlines(Runtime& rt, CallArgs& a) {
  return split_lines(rt, a.positional[0], truthy_argument(a, 1, false));
}

template <bool from_right>
Result<Value> partition_method(Runtime& rt, CallArgs& a) {
  return partition(rt, a.positional[0], TRY(text_argument(a, 1)), from_right);
}

Result<Value> replace_method(Runtime& rt, CallArgs& a) {
  return replace(rt, a.positional[0], TRY(text_argument(a, 1)), TRY(text_argument(a, 2)),
                 TRY(int_argument(a, 3, -1)));
}

Result<Value> join_method(Runtime& rt, CallArgs& a) {
  const std::span<Value> items = TRY(rt.iterate(a.positional[1]));
  for (const Value& item : items) {
    if (!item.is_string())
      return type_error(fmt::format("join needs str, not {}", type_name(item)));
  }
  return join(rt, a.positional[0], items);
}

// The text between the optional begin and end in a[from], a[from + 1], and where it begins.
Result<Value> window(Runtime& rt, const CallArgs& a, size_t from) {
  Value parts[3] = {none_value(), none_value(), none_value()};
  for (size_t i = 0; i < 2; ++i) {
    if (!a.positional[from + i].is(Kind::kAbsent)) parts[i] = a.positional[from + i];
  }
  return slice(rt, a.positional[0], parts);
}

template <bool at_start>
Result<Value> has_affix(Runtime& rt, CallArgs& a) {
  const Value text = TRY(window(rt, a, 2));
  std::vector<Value> affixes = {a.positional[1]};
  if (is_sequence(a.positional[1], SequenceKind::kTuple)) {
    const std::span<Value> all = a.positional[1].sequence->all();
    affixes.assign(all.begin(), all.end());
  }
  for (const Value& affix : affixes) {
    if (!affix.is_string())
      return type_error("startswith and endswith need a str or a tuple of str");
    if (!rt.budget().spend(1 + (affix.size >> 6))) return rt.budget().error();
    if (at_start ? text.text().starts_with(affix.text()) : text.text().ends_with(affix.text())) {
      return bool_value(true);
    }
  }
  return bool_value(false);
}

template <bool at_start>
Result<Value> remove_affix(Runtime& rt, CallArgs& a) {
  const Value& text = a.positional[0];
  const Value affix = TRY(text_argument(a, 1));
  if (at_start && text.text().starts_with(affix.text())) return text.part(affix.size, text.size);
  if (!at_start && text.text().ends_with(affix.text())) {
    return text.part(0, text.size - affix.size);
  }
  return text;
}

// The character number where a[1] begins within a[0], or -1.
Result<int64_t> find_char(Runtime& rt, CallArgs& a, bool last) {
  const Value part = TRY(window(rt, a, 2));
  const Value what = TRY(text_argument(a, 1));
  if (!rt.budget().spend_bytes(part.size)) return rt.budget().error();
  size_t at = find_text(part.text(), what.text(), 0);
  if (last && what.size == 0) at = part.size;
  if (last && what.size > 0 && at != std::string_view::npos) {
    at = TRY(split(rt, part, &what, 1, true)).sequence->items[0].size;
  }
  if (at == std::string_view::npos) return -1;
  const auto before = static_cast<size_t>(part.data - a.positional[0].data);
  return static_cast<int64_t>(count_chars(a.positional[0].text().substr(0, before + at)));
}

template <bool last, bool must_exist>
Result<Value> find_method_of_text(Runtime& rt, CallArgs& a) {
  const int64_t at = TRY(find_char(rt, a, last));
  if (must_exist && at < 0) return type_error("substring not found");
  return int_value(at, false);
}

Result<Value> count_in_text(Runtime& rt, CallArgs& a) {
  const Value part = TRY(window(rt, a, 2));
  const Value what = TRY(text_argument(a, 1));
  if (!rt.budget().spend(part.size >> 3)) return rt.budget().error();
  if (what.size == 0) return int_value(static_cast<int64_t>(count_chars(part.text())) + 1, false);
  int64_t n = 0;
  for (size_t at = find_text(part.text(), what.text(), 0); at != std::string_view::npos;
       at = find_text(part.text(), what.text(), at + what.size)) {
    ++n;
  }
  return int_value(n, false);
}

// Whether the text has characters and all satisfy `is`.
template <bool (*is)(int32_t)>
Result<Value> all_chars(Runtime& rt, CallArgs& a) {
  const std::string_view text = a.positional[0].text();
  if (!rt.budget().spend_bytes(text.size())) return rt.budget().error();
  for (size_t at = 0; at < text.size();) {
    const Char c = char_at(text, at);
    if (!is(c.code)) return bool_value(false);
    at += c.size;
  }
  return bool_value(!text.empty());
}

bool is_alphanumeric(int32_t code) { return is_alphabetic(code) || is_numeric(code); }
bool is_ascii_char(int32_t code) { return code >= 0 && code < 0x80; }

template <bool upper>
Result<Value> is_case(Runtime& rt, CallArgs& a) {
  return bool_value(TRY(text_has_case(rt, a.positional[0], upper)));
}

enum class Side { kLeft, kRight, kBoth };

template <Side side>
Result<Value> justify(Runtime& rt, CallArgs& a) {
  const Value& text = a.positional[0];
  const int64_t width = TRY(int_argument(a, 1, 0));
  const Value space = string_value(" ", true);
  const Value fill = TRY(optional_text(a, 2)).value_or(space);
  if (count_chars(fill.text()) != 1) return type_error("the fill must be one character");
  const int64_t missing = std::max<int64_t>(0, width - TRY(length(text)));
  if (side == Side::kLeft) return pad(rt, text, fill, 0, missing);
  if (side == Side::kRight) return pad(rt, text, fill, missing, 0);
  const int64_t left = missing / 2 + (missing & width & 1);
  return pad(rt, text, fill, left, missing - left);
}

Result<Value> zfill(Runtime& rt, CallArgs& a) {
  const Value& text = a.positional[0];
  const int64_t missing = std::max<int64_t>(0, TRY(int_argument(a, 1, 0)) - TRY(length(text)));
  const bool sign = text.size > 0 && (text.data[0] == '+' || text.data[0] == '-');
  const Value head = text.part(0, sign ? 1 : 0);
  const Value zeros = TRY(pad(rt, head, string_value("0", true), 0, missing));
  return rt.heap().concat(zeros, text.part(sign ? 1 : 0, text.size));
}

constexpr Builtin kStringMethods[] = {
    {"capitalize", "self", 1, change_case<CaseMapping::kCapitalize>},
    {"casefold", "self", 1, change_case<CaseMapping::kLower>},
    {"center", "self width fillchar", 2, justify<Side::kBoth>},
    {"count", "self sub start end", 2, count_in_text},
    {"endswith", "self suffix start end", 2, has_affix<false>},
    {"find", "self sub start end", 2, find_method_of_text<false, false>},
    {"format", "*", 1, format_braces},
    {"index", "self sub start end", 2, find_method_of_text<false, true>},
    {"isalnum", "self", 1, all_chars<is_alphanumeric>},
    {"isalpha", "self", 1, all_chars<is_alphabetic>},
    {"isascii", "self", 1, all_chars<is_ascii_char>},
    {"isdecimal", "self", 1, all_chars<is_decimal>},
    {"isdigit", "self", 1, all_chars<is_digit>},
    {"islower", "self", 1, is_case<false>},
    {"isnumeric", "self", 1, all_chars<is_numeric>},
    {"isprintable", "self", 1, all_chars<is_printable>},
    {"isspace", "self", 1, all_chars<is_space>},
    {"isupper", "self", 1, is_case<true>},
    {"join", "self iterable", 2, join_method},
    {"ljust", "self width fillchar", 2, justify<Side::kLeft>},
    {"lower", "self", 1, change_case<CaseMapping::kLower>},
    {"lstrip", "self chars", 1, strip_method<true, false>},
    {"partition", "self sep", 2, partition_method<false>},
    {"removeprefix", "self prefix", 2, remove_affix<true>},
    {"removesuffix", "self suffix", 2, remove_affix<false>},
    {"replace", "self old new count", 3, replace_method},
    {"rfind", "self sub start end", 2, find_method_of_text<true, false>},
    {"rindex", "self sub start end", 2, find_method_of_text<true, true>},
    {"rjust", "self width fillchar", 2, justify<Side::kRight>},
    {"rpartition", "self sep", 2, partition_method<true>},
    {"rsplit", "self sep maxsplit", 1, split_method<true>},
    {"rstrip", "self chars", 1, strip_method<false, true>},
    {"split", "self sep maxsplit", 1, split_method<false>},
    {"splitlines", "self keepends", 1, splitlines},
    {"startswith", "self prefix start end", 2, has_affix<true>},
    {"strip", "self chars", 1, strip_method<true, true>},
    {"swapcase", "self", 1, change_case<CaseMapping::kSwap>},
    {"title", "self", 1, change_case<CaseMapping::kTitle>},
    {"upper", "self", 1, change_case<CaseMapping::kUpper>},
    {"zfill", "self width", 2, zfill},
};
static_assert(is_sorted_by_name(kStringMethods));

}  // namespace

std::span<const Builtin> string_methods() { return kStringMethods; }

}  // namespace overtake::jinja
