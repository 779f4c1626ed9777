// Reading the arguments of native functions.
#pragma once

#include <optional>

#include "base/result.h"
#include "token/jinja_builtins.h"

namespace overtake::jinja {

// Argument `i` as what a function needs; an absent or none one gives the default.
Result<int64_t> int_argument(const CallArgs& args, size_t i, int64_t otherwise);
bool truthy_argument(const CallArgs& args, size_t i, bool otherwise);
Result<std::optional<Value>> optional_text(const CallArgs& args, size_t i);
Result<Value> text_argument(const CallArgs& args, size_t i);  // must be a str
bool given(const CallArgs& args, size_t i);                   // neither absent nor none

// The attribute of an item that a filter is told by name: "a.b.0", a number, or the item itself
// where `path` is absent or none.
Result<Value> get_path(Runtime& rt, const Value& item, const Value& path);

// str.isupper or islower: some cased character, and none of the other case.
Result<bool> text_has_case(Runtime& rt, const Value& text, bool upper);
// "{} and {name}".format(...): args.positional[0] is the format.
Result<Value> format_braces(Runtime& rt, CallArgs& args);

}  // namespace overtake::jinja
