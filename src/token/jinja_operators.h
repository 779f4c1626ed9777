// Python's operators on values.
#pragma once

#include "base/result.h"
#include "token/jinja_ast.h"
#include "token/jinja_value.h"

namespace overtake::jinja {

class Runtime;

// + - * / // % **. Whole numbers have 64 bits; a result beyond them is an error.
Result<Value> arithmetic(Runtime& rt, Operator op, const Value& a, const Value& b);
Result<Value> negate(const Value& v);
Result<bool> compare_values(Runtime& rt, Operator op, const Value& a, const Value& b);
Result<bool> contains(Runtime& rt, const Value& container, const Value& item);
// container[begin:end:step]; absent parts are none.
Result<Value> slice(Runtime& rt, const Value& container, const Value (&parts)[3]);
// "%s and %d" % values (a tuple, a dict or one value).
Result<Value> format_percent(Runtime& rt, const Value& format, const Value& values);
Result<int64_t> length(const Value& v);

}  // namespace overtake::jinja
