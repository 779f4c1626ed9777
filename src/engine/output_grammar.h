// The form of an answer, as a request has it, as a grammar's source.
#pragma once

#include <optional>

#include "engine/generate_request.h"
#include "token/grammar/grammar_cache.h"

namespace overtake {

// nullopt: any text.
std::optional<GrammarSource> grammar_of(const OutputFormat& format);

}  // namespace overtake
