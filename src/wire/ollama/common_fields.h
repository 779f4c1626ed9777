// The fields that Ollama's chat and generate share.
#pragma once

#include <string_view>

#include "engine/generate_request.h"
#include "wire/fields.h"
#include "wire/ollama/request.h"

namespace overtake::ollama {

constexpr int kMaxTopLogprobs = 20;

// Of both requests: what read_common_fields reads.
inline constexpr std::string_view kCommonFields[] = {"model", "stream",   "format",      "options",
                                                     "think", "logprobs", "top_logprobs"};

// Model, stream, options, format, think, log probabilities; errors go to `fields`.
void read_common_fields(wire::Fields& fields, wire::Call* call);
// `extra`: the members that nothing reads, without those of `own`.
void keep_extra(const wire::Fields& fields, std::initializer_list<std::string_view> own,
                wire::Call* call);
// "images": an array of base64.
void read_images(wire::Fields& fields, Message* out);

}  // namespace overtake::ollama
