// Python's two ways of formatting: "%5.2f" % x, and "{:>8}".format(x).
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "token/jinja_arguments.h"
#include "token/jinja_operators.h"
#include "token/jinja_runtime.h"
#include "token/jinja_text.h"
#include "token/jinja_unicode.h"

namespace overtake::jinja {
namespace {

constexpr int64_t kMaxWidth = 10'000;
constexpr int64_t kMaxPrecision = 100;

struct FormatSpec {
  std::string fill = " ";
  char align = 0;  // < > ^ =, or 0 for the type's own
  char sign = '-';
  bool alternate = false;
  bool comma = false;
  int64_t width = 0;
  int64_t precision = -1;
  char type = 0;
};

// Reads the parts of a format from left to right.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool done() const { return at_ >= text_.size(); }
  char peek() const { return done() ? '\0' : text_[at_]; }
  char take() { return done() ? '\0' : text_[at_++]; }
  bool skip(char c) { return peek() == c && !done() ? (++at_, true) : false; }
  size_t at() const { return at_; }
  std::string_view until(char end) {
    const size_t found = std::min(text_.find(end, at_), text_.size());
    const std::string_view out = text_.substr(at_, found - at_);
    at_ = std::min(found + 1, text_.size());
    return out;
  }
  int64_t number() {
    int64_t n = 0;
    while (peek() >= '0' && peek() <= '9')
      n = std::min<int64_t>(n * 10 + (take() - '0'), INT32_MAX);
    return n;
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

Error bad_format(std::string_view what) { return type_error(fmt::format("{} in a format", what)); }

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
  const char type = spec.type == 0 ? 'g' : spec.type == '%' ? 'f' : spec.type;
  const char pattern[] = {'%', '.', '*', type, '\0'};
  char buffer[512];
  const int precision = static_cast<int>(spec.precision < 0 ? 6 : spec.precision);
  std::snprintf(buffer, sizeof(buffer), pattern, precision, d);
  return std::string(buffer) + (spec.type == '%' ? "%" : "");
}

Status add_padded(Runtime& rt, TextBuilder& out, const Value& text, const FormatSpec& spec,
                  bool trusted) {
  const int64_t missing = std::max<int64_t>(0, spec.width - TRY(length(text)));
  const Value fill = string_value(spec.fill, trusted);
  const int64_t left = spec.align == '<' ? 0 : spec.align == '^' ? missing / 2 : missing;
  return out.add(TRY(pad(rt, text, fill, left, missing - left)));
}

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

// Takes the values of a % format in turn, or by name.
class PercentValues {
 public:
  explicit PercentValues(const Value& values) : values_(values) {
    is_tuple_ = is_sequence(values, SequenceKind::kTuple);
  }

  Result<Value> next() {
    const size_t size = is_tuple_ ? values_.sequence->size : 1;
    if (taken_ >= size) return bad_format("not enough arguments");
    const Value value = is_tuple_ ? values_.sequence->items[taken_] : values_;
    ++taken_;
    return value;
  }
  Result<Value> named(Runtime& rt, std::string_view name) {
    if (!values_.is(Kind::kDict)) return bad_format("a name without a dict");
    taken_ = 1;
    const Value* found = TRY(dict_find(rt.budget(), *values_.dict, string_value(name, true)));
    if (found == nullptr) return bad_format("an unknown name");
    return *found;
  }
  bool left_over() const {
    if (is_tuple_) return taken_ < values_.sequence->size;
    return taken_ == 0 && !values_.is(Kind::kDict) && !values_.is(Kind::kSequence);
  }

 private:
  const Value& values_;
  bool is_tuple_;
  size_t taken_ = 0;
};

void read_percent_flags(Scanner& scan, FormatSpec& spec) {
  for (bool flag = true; flag;) {
    switch (scan.peek()) {
      case '-':
        spec.align = '<';
        break;
      case '+':
      case ' ':
        spec.sign = spec.sign == '+' ? '+' : scan.peek();
        break;
      case '#':
        spec.alternate = true;
        break;
      case '0':
        spec.fill = "0";
        break;
      default:
        flag = false;
    }
    if (flag) scan.take();
  }
}

Status add_percent(Runtime& rt, TextBuilder& out, Value v, FormatSpec spec, bool trusted) {
  if (spec.type == 's' || spec.type == 'r' || spec.type == 'a') {
    v = spec.type == 's' ? TRY(rt.to_text(v)) : TRY(repr_of(rt, v));
    spec.fill = " ";
    if (spec.align == 0) spec.align = '>';
    return add_text(rt, out, v, spec, trusted);
  }
  if (spec.type == 'c' && v.is_string() && count_chars(v.text()) == 1) {
    return add_text(rt, out, v, spec, trusted);
  }
  if (std::string_view("diuxXoeEfFgG").find(spec.type) == std::string_view::npos) {
    return bad_format("an unsupported character");
  }
  if (!is_number(v)) return bad_format("a number is required");
  const bool whole = std::string_view("diu").find(spec.type) != std::string_view::npos;
  if (whole && v.is(Kind::kFloat)) {
    if (!(std::fabs(v.real) < 9e18)) return bad_format("a float too large");
    v = int_value(static_cast<int64_t>(v.real), v.trusted);
  }
  if (whole) spec.type = 'd';
  if (spec.fill == "0" && spec.align == 0) spec.align = '=';
  if (spec.align == '<') spec.fill = " ";
  return add_number(rt, out, v, spec, trusted);
}

}  // namespace

Result<Value> format_percent(Runtime& rt, const Value& format, const Value& values) {
  if (!rt.budget().spend(format.size >> 3)) return rt.budget().error();
  TextBuilder out(rt.budget());
  PercentValues source(values);
  Scanner scan(format.text());
  while (!scan.done()) {
    const size_t begin = scan.at();
    const size_t percent = begin + scan.until('%').size();
    TRY(out.add(format.part(begin, percent)));
    if (percent == format.size) break;
    const bool trusted = format.byte_trusted(percent);
    std::optional<Value> value;
    FormatSpec spec;
    if (scan.skip('(')) value = TRY(source.named(rt, scan.until(')')));
    read_percent_flags(scan, spec);
    spec.width = scan.number();
    if (scan.skip('.')) spec.precision = scan.number();
    TRY(check_size(spec));
    spec.type = scan.take();
    if (spec.type == '\0') return bad_format("an incomplete placeholder");
    if (spec.type == '%') {
      TRY(out.add("%", trusted));
      continue;
    }
    TRY(add_percent(rt, out, value ? *value : TRY(source.next()), spec, trusted));
  }
  if (source.left_over()) return bad_format("not all arguments are used");
  return out.finish(rt.heap());
}

namespace {

// [[fill]align][sign][#][0][width][,][.precision][type]
Result<FormatSpec> parse_spec(std::string_view text) {
  FormatSpec spec;
  const auto is_align = [](char c) { return c == '<' || c == '>' || c == '^' || c == '='; };
  const size_t fill = text.empty() ? 0 : char_at(text, 0).size;
  if (fill < text.size() && is_align(text[fill])) {
    spec.fill = text.substr(0, fill);
    text.remove_prefix(fill);
  }
  Scanner scan(text);
  if (is_align(scan.peek())) spec.align = scan.take();
  if (scan.peek() == '+' || scan.peek() == '-' || scan.peek() == ' ') spec.sign = scan.take();
  spec.alternate = scan.skip('#');
  if (scan.skip('0') && spec.align == 0) {
    spec.fill = "0";
    spec.align = '=';
  }
  spec.width = scan.number();
  spec.comma = scan.skip(',');
  if (scan.skip('.')) spec.precision = scan.number();
  if (!scan.done()) spec.type = scan.take();
  TRY(check_size(spec));
  const bool known =
      spec.type == 0 || std::string_view("sdxXobeEfFgG%").find(spec.type) != std::string_view::npos;
  if (!scan.done() || !known) return bad_format("an unsupported specification");
  return spec;
}

// What a field's name stands for: "", "0", "name", "name.attribute", "0[item]".
Result<Value> field_value(Runtime& rt, const CallArgs& a, std::string_view name, size_t& next) {
  const size_t end = std::min(name.find_first_of(".["), name.size());
  const std::string_view head = name.substr(0, end);
  Value v;
  if (head.empty() || (head[0] >= '0' && head[0] <= '9')) {
    const size_t i = head.empty() ? next++ : static_cast<size_t>(Scanner(head).number());
    if (i + 1 >= a.positional.size()) return bad_format("a field beyond the arguments");
    v = a.positional[i + 1];
  } else {
    const auto found = std::find_if(a.named.begin(), a.named.end(),
                                    [&](const NamedValue& n) { return n.name == head; });
    if (found == a.named.end()) return bad_format("an unknown field");
    v = found->value;
  }
  std::string_view rest = name.substr(end);
  while (!rest.empty()) {
    const bool attribute = rest[0] == '.';
    rest.remove_prefix(1);
    const size_t stop =
        attribute ? std::min(rest.find_first_of(".["), rest.size()) : rest.find(']');
    if (stop == rest.npos || stop == 0) return bad_format("an unfinished field");
    const std::string_view key = rest.substr(0, stop);
    const bool number = key.find_first_not_of("0123456789") == key.npos;
    if (attribute) {
      v = TRY(rt.get_attribute(v, key));
    } else {
      v = TRY(rt.get_item(v, number ? int_value(Scanner(key).number()) : string_value(key, true)));
    }
    rest.remove_prefix(attribute ? stop : stop + 1);
  }
  return v;
}

Status add_field(Runtime& rt, TextBuilder& out, std::string_view field, Value v, bool trusted) {
  Scanner scan(field);
  const bool converted = scan.skip('!');
  const char conversion = converted ? scan.take() : '\0';
  if (conversion == 'r') v = TRY(repr_of(rt, v));
  if (conversion == 's') v = TRY(rt.to_text(v));
  if (converted && conversion != 'r' && conversion != 's') return bad_format("a conversion");
  const std::string_view spec_text = scan.skip(':') ? field.substr(scan.at()) : "";
  if (spec_text.empty() && !scan.done()) return bad_format("an unfinished field");
  const FormatSpec spec = TRY(parse_spec(spec_text));
  if (is_number(v) && !spec_text.empty()) return add_number(rt, out, v, spec, trusted);
  if (spec.type != 0 && spec.type != 's') return bad_format("a type that does not fit");
  if (!v.is_string() && !spec_text.empty()) return bad_format("a specification for this type");
  return add_text(rt, out, TRY(rt.to_text(v)), spec, trusted);
}

}  // namespace

Result<Value> format_braces(Runtime& rt, CallArgs& a) {
  const Value format = a.positional[0];
  const std::string_view text = format.text();
  if (!rt.budget().spend(format.size >> 3)) return rt.budget().error();
  TextBuilder out(rt.budget());
  size_t next = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t brace = std::min(text.find_first_of("{}", at), text.size());
    TRY(out.add(format.part(at, brace)));
    if (brace == text.size()) break;
    if (brace + 1 < text.size() && text[brace + 1] == text[brace]) {
      TRY(out.add(format.part(brace, brace + 1)));
      at = brace + 2;
      continue;
    }
    const size_t end = text.find('}', brace);
    if (text[brace] == '}' || end == text.npos) return bad_format("a single brace");
    const std::string_view field = text.substr(brace + 1, end - brace - 1);
    if (field.find('{') != field.npos) return bad_format("a nested field");
    const size_t name_end = std::min(field.find_first_of("!:"), field.size());
    const Value v = TRY(field_value(rt, a, field.substr(0, name_end), next));
    TRY(add_field(rt, out, field.substr(name_end), v, format.byte_trusted(brace)));
    at = end + 1;
  }
  return out.finish(rt.heap());
}

}  // namespace overtake::jinja
