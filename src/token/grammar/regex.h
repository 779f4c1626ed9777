// Regular expressions as grammars: the syntax that RE2, ECMAScript and Python share, without what
// is not regular (back references, looking around).
#pragma once

#include <functional>
#include <string_view>

#include "base/result.h"
#include "token/grammar/grammar_builder.h"

namespace overtake {

struct RegexOptions {
  // The expression for one of these characters; unset: their UTF-8. JSON strings have escapes.
  std::function<ExprId(const CodePointSet&)> chars = {};
  // Whether it is enough that a part of the text matches, unless ^ and $ stand at its ends.
  bool searches = false;
};

// kInvalidArgument with the position and what to do for what can not be read, kUnsupported for
// what can not be held.
Result<ExprId> add_regex(GrammarBuilder& builder, std::string_view source,
                         const RegexOptions& options = {});

}  // namespace overtake
