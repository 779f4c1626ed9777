// The member that holds a request's prompts: text or token ids, one or several.
#pragma once

#include <cstddef>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/generate_request.h"
#include "wire/fields.h"

namespace overtake::openai {

using PlainPrompt = std::variant<TextPrompt, TokenPrompt>;

// What member `name` holds, at most `limit` of them; the error is in `fields` where it is none of
// the four forms.
std::vector<PlainPrompt> read_prompts(wire::Fields& fields, const char* name, size_t limit);

}  // namespace overtake::openai
