// Python's str operations on values. Every byte of a result keeps the trust of the byte it came
// from; parts of a string share its memory.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "token/jinja_value.h"

namespace overtake::jinja {

class Runtime;

enum class CaseMapping { kUpper, kLower, kSwap, kCapitalize, kTitle };

// str.upper, lower, swapcase, capitalize, title.
Result<Value> map_case(Runtime& rt, const Value& text, CaseMapping mapping);
// & < > ' " as HTML spells them, but not in what is markup already; the result is markup.
Result<Value> escape_html(Runtime& rt, const Value& text);
Value as_markup(Value text);
Value as_plain(Value text);

// Jinja's title filter: words begin after space, - ( { [ <.
Result<Value> title_filter(Runtime& rt, const Value& text);

// Cuts characters of `set` (white space if null) from the ends.
Result<Value> strip(Runtime& rt, const Value& text, const Value* set, bool left, bool right);
// At most `limit` replacements, all if negative.
Result<Value> replace(Runtime& rt, const Value& text, const Value& from, const Value& to,
                      int64_t limit);
// A list; `separator` null splits at runs of white space. At most `limit` splits, all if negative.
Result<Value> split(Runtime& rt, const Value& text, const Value* separator, int64_t limit,
                    bool from_right);
Result<Value> split_lines(Runtime& rt, const Value& text, bool keep_ends);
Result<Value> partition(Runtime& rt, const Value& text, const Value& separator, bool from_right);
Result<Value> join(Runtime& rt, const Value& separator, std::span<const Value> items);
// `left` and `right` fill characters around the text.
Result<Value> pad(Runtime& rt, const Value& text, const Value& fill, int64_t left, int64_t right);
Result<Value> reverse_text(Runtime& rt, const Value& text);

}  // namespace overtake::jinja
