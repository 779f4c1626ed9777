#include "token/jinja_format.h"

#include <fmt/core.h>

#include <cmath>

#include "token/jinja_operators.h"
#include "token/jinja_runtime.h"
#include "token/jinja_text.h"

namespace overtake::jinja {
namespace {

constexpr int64_t kMaxWidth = 10'000;
constexpr int64_t kMaxPrecision = 100;

std::string with_commas(std::string digits) {
  const size_t end = std::min(digits.find_first_of(".e"), digits.size());
  for (int64_t i = static_cast<int64_t>(end) - 3; i > 0; i -= 3) {
    digits.insert(static_cast<size_t>(i), ",");
  }
  return digits;
}

std::string print_magnitude(uint64_t n, const FormatSpec& spec) {
  switch (spec.type) {
    case 'x':
      return (spec.alternate ? "0x" : "") + fmt::format("{:x}", n);
    case 'X':
      return (spec.alternate ? "0X" : "") + fmt::format("{:X}", n);
    case 'o':
      return (spec.alternate ? "0o" : "") + fmt::format("{:o}", n);
    case 'b':
      return (spec.alternate ? "0b" : "") + fmt::format("{:b}", n);
    default:
      return fmt::format("{}", n);
  }
}

// The digits of a number without its sign.
Result<std::string> digits_of(const Value& v, const FormatSpec& spec) {
  const bool real_type = std::string_view("eEfFgG%").find(spec.type) != std::string_view::npos;
  const bool real = spec.type != 0 && real_type;
  if (!real && !v.is(Kind::kFloat)) {
    const int64_t i = *as_int(v);
    const uint64_t magnitude = i < 0 ? 0 - static_cast<uint64_t>(i) : static_cast<uint64_t>(i);
    return print_magnitude(magnitude, spec);
  }
  if (!real && spec.type != 0) return bad_format("a float where a whole number belongs");
  double d = std::fabs(as_double(v));
  if (std::isnan(d)) return std::string("nan");
  if (std::isinf(d)) return std::string("inf");
  if (spec.type == 0 && spec.precision < 0) return float_repr(d);
  if (spec.type == '%') d *= 100;
  const auto precision = static_cast<int>(spec.precision < 0 ? 6 : spec.precision);
  switch (spec.type) {
    case 'e':
      return fmt::format("{:.{}e}", d, precision);
    case 'E':
      return fmt::format("{:.{}E}", d, precision);
    case 'f':
    case 'F':
      return fmt::format("{:.{}f}", d, precision);
    case '%':
      return fmt::format("{:.{}f}%", d, precision);
    case 'G':
      return fmt::format("{:.{}G}", d, precision);
    default:
      return fmt::format("{:.{}g}", d, precision);
  }
}

Status add_padded(Runtime& rt, TextBuilder& out, const Value& text, const FormatSpec& spec,
                  bool trusted) {
  const int64_t missing = std::max<int64_t>(0, spec.width - TRY(length(text)));
  const Value fill = string_value(spec.fill, trusted);
  const int64_t left = spec.align == '<' ? 0 : spec.align == '^' ? missing / 2 : missing;
  return out.add(TRY(pad(rt, text, fill, left, missing - left)));
}

}  // namespace

Error bad_format(std::string_view what) { return type_error(fmt::format("{} in a format", what)); }

Status add_number(Runtime& rt, TextBuilder& out, const Value& v, FormatSpec spec, bool trusted) {
  std::string digits = TRY(digits_of(v, spec));
  if (spec.comma) digits = with_commas(std::move(digits));
  const bool negative =
      v.is(Kind::kFloat) ? std::signbit(v.real) && !std::isnan(v.real) : *as_int(v) < 0;
  std::string sign = negative ? "-" : spec.sign == '+' ? "+" : spec.sign == ' ' ? " " : "";
  if (spec.align == '=') {
    const auto missing = spec.width - static_cast<int64_t>(sign.size() + digits.size());
    for (int64_t i = 0; i < missing; ++i) sign += spec.fill;
    spec.width = 0;
  }
  if (spec.align == 0) spec.align = '>';
  return add_padded(rt, out, TRY(rt.heap().text(sign + digits, v.trusted)), spec, trusted);
}

Status add_text(Runtime& rt, TextBuilder& out, Value text, FormatSpec spec, bool trusted) {
  if (spec.precision >= 0) {
    const Value parts[3] = {none_value(), int_value(spec.precision), none_value()};
    text = TRY(slice(rt, text, parts));
  }
  if (spec.align == 0) spec.align = '<';
  return add_padded(rt, out, text, spec, trusted);
}

Result<Value> repr_of(Runtime& rt, const Value& v) {
  TextBuilder out(rt.budget());
  TRY(print_repr(out, v));
  return out.finish(rt.heap());
}

Status check_size(const FormatSpec& spec) {
  if (spec.width > kMaxWidth) return bad_format("a width of more than 10000");
  if (spec.precision > kMaxPrecision) return bad_format("a precision of more than 100");
  return {};
}

}  // namespace overtake::jinja
