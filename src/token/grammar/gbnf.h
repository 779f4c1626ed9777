// GBNF, llama.cpp's notation for grammars, and lists of choices.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "token/grammar/grammar_builder.h"

namespace overtake {

// The rule `root` of the grammar. kInvalidArgument with the line for what can not be read.
Result<RuleId> add_gbnf(GrammarBuilder& builder, std::string_view source);

// One of `choices`, whole. kInvalidArgument where there is none.
Result<RuleId> add_choices(GrammarBuilder& builder, std::span<const std::string> choices);

}  // namespace overtake
