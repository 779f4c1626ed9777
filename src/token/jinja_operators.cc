#include "token/jinja_operators.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/checked.h"
#include "token/jinja_runtime.h"
#include "token/jinja_text.h"
#include "token/jinja_unicode.h"

namespace overtake::jinja {
namespace {

constexpr const char* kSigns[] = {"+", "-", "*", "/", "//", "%", "**"};

Error overflow() {
  return Error{ErrorCode::kUnsupported, "a whole number does not fit in 64 bits"};
}
Error division_by_zero() { return type_error("division by zero"); }

Error no_operator(Operator op, const Value& a, const Value& b) {
  if (a.is(Kind::kUndefined)) return undefined_error(a);
  if (b.is(Kind::kUndefined)) return undefined_error(b);
  return type_error(fmt::format("{} does not work on {} and {}", kSigns[static_cast<int>(op)],
                                type_name(a), type_name(b)));
}

Result<int64_t> power(int64_t base, int64_t exponent) {
  int64_t out = 1;
  while (exponent > 0) {
    if (exponent & 1) {
      const auto next = checked_mul(out, base);
      if (!next) return overflow();
      out = *next;
    }
    exponent >>= 1;
    if (exponent == 0) break;
    const auto square = checked_mul(base, base);
    if (!square) return overflow();
    base = *square;
  }
  return out;
}

Result<Value> float_arithmetic(Operator op, double a, double b, bool trusted) {
  const bool divides =
      op == Operator::kDivide || op == Operator::kFloorDivide || op == Operator::kModulo;
  if (divides && b == 0) return division_by_zero();
  double out = 0;
  switch (op) {
    case Operator::kAdd:
      out = a + b;
      break;
    case Operator::kSubtract:
      out = a - b;
      break;
    case Operator::kMultiply:
      out = a * b;
      break;
    case Operator::kDivide:
      out = a / b;
      break;
    case Operator::kFloorDivide:
    case Operator::kModulo: {
      // As Python: the remainder has the divisor's sign, and the quotient is exact for it.
      double rest = std::fmod(a, b);
      double quotient = (a - rest) / b;
      if (rest != 0 && (b < 0) != (rest < 0)) {
        rest += b;
        quotient -= 1;
      }
      if (rest == 0) rest = std::copysign(0.0, b);
      double whole = std::floor(quotient);
      if (quotient - whole > 0.5) whole += 1;
      if (quotient == 0) whole = std::copysign(0.0, a / b);
      out = op == Operator::kModulo ? rest : whole;
      break;
    }
    default:
      if (a == 0 && b < 0) return division_by_zero();
      if (a < 0 && b != std::floor(b)) return type_error("a power that is no real number");
      out = std::pow(a, b);
      if (std::isinf(out) && !std::isinf(a) && !std::isinf(b)) {
        return type_error("a power too large for a float");
      }
      break;
  }
  return float_value(out, trusted);
}

Result<Value> int_arithmetic(Operator op, int64_t a, int64_t b, bool trusted) {
  std::optional<int64_t> out;
  switch (op) {
    case Operator::kAdd:
      out = checked_add(a, b);
      break;
    case Operator::kSubtract: {
      int64_t difference = 0;
      if (!__builtin_sub_overflow(a, b, &difference)) out = difference;
      break;
    }
    case Operator::kMultiply:
      out = checked_mul(a, b);
      break;
    case Operator::kPower:
      if (b < 0) {
        return float_arithmetic(op, static_cast<double>(a), static_cast<double>(b), trusted);
      }
      out = TRY(power(a, b));
      break;
    case Operator::kDivide:
      return float_arithmetic(op, static_cast<double>(a), static_cast<double>(b), trusted);
    default: {
      if (b == 0) return division_by_zero();
      if (b == -1) {  // the one divisor that can overflow
        if (op == Operator::kModulo) return int_value(0, trusted);
        if (a != INT64_MIN) out = -a;
        break;
      }
      const bool down = a % b != 0 && (a < 0) != (b < 0);
      if (op == Operator::kModulo) return int_value(down ? a % b + b : a % b, trusted);
      out = a / b - (down ? 1 : 0);
      break;
    }
  }
  if (!out) return overflow();
  return int_value(*out, trusted);
}

Result<Value> join_sequences(Runtime& rt, const Value& a, const Value& b) {
  Value out = TRY(make_sequence(rt.heap(), a.sequence->kind, a.sequence->size + b.sequence->size));
  out.sequence->trusted = a.sequence->trusted && b.sequence->trusted;
  if (!rt.budget().spend(static_cast<int64_t>(out.sequence->size >> 3))) return rt.budget().error();
  std::copy_n(a.sequence->items, a.sequence->size, out.sequence->items);
  std::copy_n(b.sequence->items, b.sequence->size, out.sequence->items + a.sequence->size);
  return out;
}

Result<Value> repeat(Runtime& rt, const Value& what, int64_t times) {
  if (times < 0) times = 0;
  if (what.is_string()) {
    TextBuilder out(rt.budget());
    if (what.size == 0) return what;
    for (int64_t i = 0; i < times; ++i) {
      if (!rt.budget().spend(1)) return rt.budget().error();
      TRY(out.add(what));
    }
    return out.finish(rt.heap());
  }
  const auto size = checked_mul(static_cast<uint64_t>(times), uint64_t{what.sequence->size});
  if (!size || !rt.budget().spend(static_cast<int64_t>(std::min<uint64_t>(*size, INT32_MAX)))) {
    return rt.budget().error();
  }
  Value out = TRY(make_sequence(rt.heap(), what.sequence->kind, *size));
  out.sequence->trusted = what.sequence->trusted;
  for (size_t i = 0; i < *size; ++i) {
    out.sequence->items[i] = what.sequence->items[i % what.sequence->size];
  }
  return out;
}

bool can_repeat(const Value& v) {
  return v.is_string() || is_sequence(v, SequenceKind::kList) ||
         is_sequence(v, SequenceKind::kTuple);
}

}  // namespace

Result<Value> arithmetic(Runtime& rt, Operator op, const Value& a, const Value& b) {
  if (op == Operator::kAdd && a.is_string() && b.is_string()) {
    if (!a.markup && !b.markup) return rt.heap().concat(a, b);
    const Value left = TRY(escape_html(rt, a));
    return as_markup(TRY(rt.heap().concat(left, TRY(escape_html(rt, b)))));
  }
  if (op == Operator::kModulo && a.is_string()) return format_percent(rt, a, b);
  if (is_number(a) && is_number(b)) {
    const bool trusted = a.trusted && b.trusted;
    if (a.is(Kind::kFloat) || b.is(Kind::kFloat)) {
      return float_arithmetic(op, as_double(a), as_double(b), trusted);
    }
    return int_arithmetic(op, *as_int(a), *as_int(b), trusted);
  }
  if (op == Operator::kAdd && a.is(Kind::kSequence) && b.is(Kind::kSequence) &&
      a.sequence->kind == b.sequence->kind && a.sequence->kind <= SequenceKind::kTuple) {
    return join_sequences(rt, a, b);
  }
  if (op == Operator::kMultiply && can_repeat(a) && as_int(b)) return repeat(rt, a, *as_int(b));
  if (op == Operator::kMultiply && can_repeat(b) && as_int(a)) return repeat(rt, b, *as_int(a));
  return no_operator(op, a, b);
}

Result<Value> negate(const Value& v) {
  if (v.is(Kind::kUndefined)) return undefined_error(v);
  if (v.is(Kind::kFloat)) return float_value(-v.real, v.trusted);
  const std::optional<int64_t> i = as_int(v);
  if (!i) return type_error(fmt::format("- does not work on {}", type_name(v)));
  if (*i == INT64_MIN) return overflow();
  return int_value(-*i, v.trusted);
}

Result<bool> compare_values(Runtime& rt, Operator op, const Value& a, const Value& b) {
  Budget& budget = rt.budget();
  switch (op) {
    case Operator::kEqual:
      return equal(budget, a, b);
    case Operator::kNotEqual:
      return !TRY(equal(budget, a, b));
    case Operator::kIn:
      return contains(rt, b, a);
    case Operator::kNotIn:
      return !TRY(contains(rt, b, a));
    default:
      break;
  }
  const bool nan =
      (a.is(Kind::kFloat) && std::isnan(a.real)) || (b.is(Kind::kFloat) && std::isnan(b.real));
  const int order = TRY(compare(budget, a, b));
  if (nan) return false;
  switch (op) {
    case Operator::kLess:
      return order < 0;
    case Operator::kLessEqual:
      return order <= 0;
    case Operator::kGreater:
      return order > 0;
    default:
      return order >= 0;
  }
}

Result<bool> contains(Runtime& rt, const Value& container, const Value& item) {
  Budget& budget = rt.budget();
  switch (container.kind) {
    case Kind::kString:
      if (!item.is_string()) {
        return type_error(fmt::format("in looks for a str in a str, not for {}", type_name(item)));
      }
      if (!budget.spend_bytes(container.size)) return budget.error();
      return find_text(container.text(), item.text(), 0) != std::string_view::npos;
    case Kind::kDict:
      TRY(check_hashable(budget, item));
      return TRY(dict_find(budget, *container.dict, item)) != nullptr;
    case Kind::kUndefined:
      return false;
    case Kind::kSequence: {
      for (const Value& candidate : TRY(rt.iterate(container))) {
        if (TRY(equal(budget, candidate, item))) return true;
      }
      return false;
    }
    default:
      return type_error(fmt::format("in does not work on {}", type_name(container)));
  }
}

Result<int64_t> length(const Value& v) {
  switch (v.kind) {
    case Kind::kUndefined:
      return 0;
    case Kind::kString:
      return static_cast<int64_t>(count_chars(v.text()));
    case Kind::kDict:
      return static_cast<int64_t>(v.dict->size);
    case Kind::kLoop:
      return static_cast<int64_t>(v.loop->items.size());
    case Kind::kSequence:
      if (v.sequence->kind != SequenceKind::kIterator) {
        return static_cast<int64_t>(v.sequence->size);
      }
      break;
    default:
      break;
  }
  return type_error(fmt::format("{} has no length", type_name(v)));
}

}  // namespace overtake::jinja
