// Tests: what may follow "is".
#include <array>

#include "token/jinja_arguments.h"
#include "token/jinja_operators.h"
#include "token/jinja_runtime.h"

namespace overtake::jinja {
namespace {

Result<Value> remainder(Runtime& rt, CallArgs& a, const Value& divisor) {
  return arithmetic(rt, Operator::kModulo, a.positional[0], divisor);
}

template <int64_t rest>
Result<Value> parity(Runtime& rt, CallArgs& a) {
  if (a.positional[0].is_string()) return type_error("a str is neither odd nor even");
  const Value r = TRY(remainder(rt, a, int_value(2)));
  return bool_value(TRY(equal(rt.budget(), r, int_value(rest))));
}

Result<Value> divisibleby(Runtime& rt, CallArgs& a) {
  const Value r = TRY(remainder(rt, a, a.positional[1]));
  return bool_value(TRY(equal(rt.budget(), r, int_value(0))));
}

template <Operator op>
Result<Value> compares(Runtime& rt, CallArgs& a) {
  return bool_value(TRY(compare_values(rt, op, a.positional[0], a.positional[1])));
}

template <Kind kind>
Result<Value> is_kind(Runtime&, CallArgs& a) {
  return bool_value(a.positional[0].is(kind));
}

template <bool truth>
Result<Value> is_bool(Runtime&, CallArgs& a) {
  return bool_value(a.positional[0].is(Kind::kBool) && a.positional[0].boolean == truth);
}

Result<Value> is_defined(Runtime&, CallArgs& a) {
  return bool_value(!a.positional[0].is(Kind::kUndefined));
}

Result<Value> is_a_number(Runtime&, CallArgs& a) { return bool_value(is_number(a.positional[0])); }

Result<Value> is_iterable(Runtime&, CallArgs& a) {
  const Value& v = a.positional[0];
  return bool_value(v.is(Kind::kUndefined) || v.is_string() || v.is(Kind::kSequence) ||
                    v.is(Kind::kDict) || v.is(Kind::kLoop));
}

Result<Value> is_a_sequence(Runtime&, CallArgs& a) {
  const Value& v = a.positional[0];
  if (v.is(Kind::kSequence)) {
    return bool_value(v.sequence->kind != SequenceKind::kView &&
                      v.sequence->kind != SequenceKind::kIterator);
  }
  return bool_value(v.is_string() || v.is(Kind::kDict) || v.is(Kind::kUndefined));
}

Result<Value> is_callable(Runtime&, CallArgs& a) {
  const Kind k = a.positional[0].kind;
  return bool_value(k == Kind::kFunction || k == Kind::kMethod || k == Kind::kMacro ||
                    k == Kind::kJoiner || k == Kind::kLoop || k == Kind::kUndefined);
}

// Identity, which for strings and numbers is not defined by the language; equal ones of one type
// count as the same here.
Result<Value> is_same(Runtime& rt, CallArgs& a) {
  const Value& x = a.positional[0];
  const Value& y = a.positional[1];
  if (x.kind != y.kind) return bool_value(false);
  if (x.is(Kind::kSequence) || x.is(Kind::kDict)) return bool_value(x.data == y.data);
  return bool_value(TRY(equal(rt.budget(), x, y)));
}

template <bool upper>
Result<Value> is_case(Runtime& rt, CallArgs& a) {
  return bool_value(TRY(text_has_case(rt, TRY(rt.to_text(a.positional[0])), upper)));
}

template <const Builtin* (*find)(std::string_view)>
Result<Value> is_known(Runtime&, CallArgs& a) {
  const Value& v = a.positional[0];
  return bool_value(v.is_string() && find(v.text()) != nullptr);
}

Result<Value> is_escaped(Runtime&, CallArgs& a) { return bool_value(a.positional[0].markup); }

constexpr Builtin kTests[] = {
    {"!=", "value other", 2, compares<Operator::kNotEqual>},
    {"<", "value other", 2, compares<Operator::kLess>},
    {"<=", "value other", 2, compares<Operator::kLessEqual>},
    {"==", "value other", 2, compares<Operator::kEqual>},
    {">", "value other", 2, compares<Operator::kGreater>},
    {">=", "value other", 2, compares<Operator::kGreaterEqual>},
    {"boolean", "value", 1, is_kind<Kind::kBool>},
    {"callable", "value", 1, is_callable},
    {"defined", "value", 1, is_defined},
    {"divisibleby", "value num", 2, divisibleby},
    {"eq", "value other", 2, compares<Operator::kEqual>},
    {"equalto", "value other", 2, compares<Operator::kEqual>},
    {"escaped", "value", 1, is_escaped},
    {"even", "value", 1, parity<0>},
    {"false", "value", 1, is_bool<false>},
    {"filter", "value", 1, is_known<find_filter>},
    {"float", "value", 1, is_kind<Kind::kFloat>},
    {"ge", "value other", 2, compares<Operator::kGreaterEqual>},
    {"greaterthan", "value other", 2, compares<Operator::kGreater>},
    {"gt", "value other", 2, compares<Operator::kGreater>},
    {"in", "value seq", 2, compares<Operator::kIn>},
    {"integer", "value", 1, is_kind<Kind::kInt>},
    {"iterable", "value", 1, is_iterable},
    {"le", "value other", 2, compares<Operator::kLessEqual>},
    {"lessthan", "value other", 2, compares<Operator::kLess>},
    {"lower", "value", 1, is_case<false>},
    {"lt", "value other", 2, compares<Operator::kLess>},
    {"mapping", "value", 1, is_kind<Kind::kDict>},
    {"ne", "value other", 2, compares<Operator::kNotEqual>},
    {"none", "value", 1, is_kind<Kind::kNone>},
    {"number", "value", 1, is_a_number},
    {"odd", "value", 1, parity<1>},
    {"sameas", "value other", 2, is_same},
    {"sequence", "value", 1, is_a_sequence},
    {"string", "value", 1, is_kind<Kind::kString>},
    {"test", "value", 1, is_known<find_test>},
    {"true", "value", 1, is_bool<true>},
    {"undefined", "value", 1, is_kind<Kind::kUndefined>},
    {"upper", "value", 1, is_case<true>},
};
static_assert(is_sorted_by_name(kTests));

}  // namespace

const Builtin* find_test(std::string_view name) { return find_builtin(kTests, name); }

}  // namespace overtake::jinja
