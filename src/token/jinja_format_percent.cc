// Python's older way of formatting: "%5.2f" % x.
#include <cmath>
#include <optional>

#include "token/jinja_format.h"
#include "token/jinja_operators.h"
#include "token/jinja_runtime.h"
#include "token/jinja_unicode.h"

namespace overtake::jinja {
namespace {

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

}  // namespace overtake::jinja
