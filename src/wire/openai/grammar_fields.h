// Not OpenAI's: members by which clients of vLLM and llama-server ask for an answer in a form, on
// OpenAI's endpoints.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "wire/fields.h"

namespace overtake::openai {

// structured_outputs {json, json_object, regex, choice, grammar}, guided_json, guided_regex,
// guided_choice, guided_grammar, grammar, json_schema; into `out` where response_format has not
// asked for a form already. What is wrong goes to `fields`.
void read_grammar_fields(wire::Fields& fields, OutputFormat* out);

// Of those, the members that `format` stands for where it is a schema: they are not to be passed on
// beside it.
std::vector<std::string_view> grammar_fields_of(const OutputFormat& format);

}  // namespace overtake::openai
