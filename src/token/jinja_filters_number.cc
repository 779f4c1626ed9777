// Filters that make numbers, and those for one value of any type.
#include <fmt/core.h>

#include <charconv>
#include <cmath>

#include "token/jinja_arguments.h"
#include "token/jinja_literal.h"
#include "token/jinja_operators.h"
#include "token/jinja_runtime.h"
#include "token/jinja_text.h"
#include "token/jinja_unicode.h"

namespace overtake::jinja {
namespace {

Error too_large() {
  return Error{ErrorCode::kUnsupported, "a whole number does not fit in 64 bits"};
}

// Digits with single underscores between them, underscores removed; nothing if they stand wrong.
std::optional<std::string> plain_digits(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += text[i];
      continue;
    }
    const bool between = i > 0 && i + 1 < text.size() &&
                         std::isalnum(static_cast<unsigned char>(text[i - 1])) != 0 &&
                         std::isalnum(static_cast<unsigned char>(text[i + 1])) != 0;
    if (!between) return std::nullopt;
  }
  return out;
}

// int(text, base); nothing if the text is no number.
Result<std::optional<int64_t>> parse_int(std::string_view text, int64_t base) {
  const std::optional<int64_t> none;
  if (base < 0 || base == 1 || base > 36) return none;
  std::optional<std::string> digits = plain_digits(text);
  if (!digits || digits->empty()) return none;
  std::string_view rest = *digits;
  const bool negative = rest[0] == '-';
  if (rest[0] == '-' || rest[0] == '+') rest.remove_prefix(1);
  if (rest.size() > 2 && rest[0] == '0') {
    const char mark = static_cast<char>(rest[1] | 0x20);
    const int64_t marked = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
    if (marked != 0 && (base == marked || base == 0)) {
      base = marked;
      rest.remove_prefix(2);
    }
  }
  if (base == 0) base = 10;
  const std::string signed_text = (negative ? "-" : "") + std::string(rest);
  if (rest.empty() || std::isalnum(static_cast<unsigned char>(rest[0])) == 0) return none;
  int64_t value = 0;
  const char* end = signed_text.data() + signed_text.size();
  const auto result = std::from_chars(signed_text.data(), end, value, static_cast<int>(base));
  if (result.ptr != end) return none;
  if (result.ec == std::errc::result_out_of_range) return too_large();
  return std::optional<int64_t>(value);
}

// float(text); nothing if the text is no number.
std::optional<double> parse_float(std::string_view text) {
  std::optional<std::string> digits = plain_digits(text);
  if (!digits) return std::nullopt;
  for (char& c : *digits) c = static_cast<char>(c | ((c >= 'A' && c <= 'Z') ? 0x20 : 0));
  if (digits->find('(') != std::string::npos) return std::nullopt;  // "nan(1)" is C's alone
  return parse_double(*digits);
}

Result<std::string_view> stripped(Runtime& rt, const Value& text) {
  return TRY(strip(rt, text, nullptr, true, true)).text();
}

Result<std::optional<int64_t>> whole(double d) {
  if (std::isnan(d) || std::isinf(d)) return std::optional<int64_t>();
  if (d >= 9223372036854775808.0 || d < -9223372036854775808.0) return too_large();
  return std::optional<int64_t>(static_cast<int64_t>(d));
}

Result<Value> int_filter(Runtime& rt, CallArgs& a) {
  const Value& v = a.positional[0];
  if (v.is(Kind::kUndefined)) return undefined_error(v);
  std::optional<int64_t> number = as_int(v);
  if (v.is(Kind::kFloat)) number = TRY(whole(v.real));
  if (v.is_string()) {
    const std::string_view text = TRY(stripped(rt, v));
    number = TRY(parse_int(text, TRY(int_argument(a, 2, 10))));
    const std::optional<double> real = number ? std::nullopt : parse_float(text);
    if (real) number = TRY(whole(*real));
  }
  if (number) return int_value(*number, v.trusted && v.trust == nullptr);
  return a.positional[1].is(Kind::kAbsent) ? int_value(0) : a.positional[1];
}

Result<Value> float_filter(Runtime& rt, CallArgs& a) {
  const Value& v = a.positional[0];
  if (v.is(Kind::kUndefined)) return undefined_error(v);
  const bool trusted = v.trusted && v.trust == nullptr;
  if (is_number(v)) return float_value(as_double(v), trusted);
  if (v.is_string()) {
    const std::optional<double> number = parse_float(TRY(stripped(rt, v)));
    if (number) return float_value(*number, trusted);
  }
  return a.positional[1].is(Kind::kAbsent) ? float_value(0) : a.positional[1];
}

Result<Value> abs_filter(Runtime&, CallArgs& a) {
  const Value& v = a.positional[0];
  if (v.is(Kind::kUndefined)) return undefined_error(v);
  if (v.is(Kind::kFloat)) return float_value(std::fabs(v.real), v.trusted);
  const std::optional<int64_t> number = as_int(v);
  if (!number) return type_error(fmt::format("{} has no absolute value", type_name(v)));
  return *number < 0 ? negate(v) : int_value(*number, v.trusted);
}

// Python's round(): to the nearest, the exact binary value decides, ties go to even.
Result<Value> round_common(const Value& v, int64_t precision) {
  if (!v.is(Kind::kFloat)) {
    if (precision >= 0) return int_value(*as_int(v), v.trusted);
    return type_error("round with a negative precision needs a float");
  }
  if (std::isnan(v.real) || std::isinf(v.real) || precision > 320) return v;
  if (precision < 0) {
    if (precision < -320) return float_value(std::copysign(0.0, v.real), v.trusted);
    const double scale = std::pow(10.0, static_cast<double>(-precision));
    return float_value(std::nearbyint(v.real / scale) * scale, v.trusted);
  }
  const std::string text = fmt::format("{:.{}f}", v.real, precision);
  return float_value(parse_double(text).value_or(v.real), v.trusted);
}

Result<Value> round_filter(Runtime&, CallArgs& a) {
  const Value& v = a.positional[0];
  if (v.is(Kind::kUndefined)) return undefined_error(v);
  if (!is_number(v)) return type_error(fmt::format("{} can not be rounded", type_name(v)));
  const int64_t precision = TRY(int_argument(a, 1, 0));
  const std::string_view method = given(a, 2) ? TRY(text_argument(a, 2)).text() : "common";
  if (method == "common") return round_common(v, precision);
  if (method != "ceil" && method != "floor") {
    return type_error("method must be common, ceil or floor");
  }
  const double scale = std::pow(10.0, static_cast<double>(precision));
  const double scaled = as_double(v) * scale;
  if (std::isnan(scaled) || std::isinf(scaled) || scale == 0) {
    return type_error("a number too large to round");
  }
  return float_value((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale,
                     v.trusted);
}

Result<Value> default_filter(Runtime&, CallArgs& a) {
  const Value& v = a.positional[0];
  const bool falsy = truthy_argument(a, 2, false) && !truthy(v);
  if (!v.is(Kind::kUndefined) && !falsy) return v;
  return a.positional[1].is(Kind::kAbsent) ? string_value({}, true) : a.positional[1];
}

Result<Value> length_filter(Runtime&, CallArgs& a) {
  return int_value(TRY(length(a.positional[0])), false);
}

Result<Value> attr(Runtime& rt, CallArgs& a) {
  const Value name = TRY(text_argument(a, 1));
  // Unlike a.b it never finds a dict's key.
  if (a.positional[0].is(Kind::kDict) && find_method(a.positional[0], name.text()) == nullptr) {
    return undefined_value(name.text());
  }
  return rt.get_attribute(a.positional[0], name.text());
}

constexpr Builtin kNumberFilters[] = {
    {"abs", "x", 1, abs_filter},
    {"attr", "obj name", 2, attr},
    {"count", "obj", 1, length_filter},
    {"d", "value default_value boolean", 1, default_filter},
    {"default", "value default_value boolean", 1, default_filter},
    {"float", "value default", 1, float_filter},
    {"int", "value default base", 1, int_filter},
    {"length", "obj", 1, length_filter},
    {"round", "value precision method", 1, round_filter},
};
static_assert(is_sorted_by_name(kNumberFilters));

}  // namespace

std::span<const Builtin> number_filters() { return kNumberFilters; }

}  // namespace overtake::jinja
