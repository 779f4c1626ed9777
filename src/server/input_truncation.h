// truncation "auto" of OpenAI's Responses: what was said first goes where the prompt does not fit.
#pragma once

#include <cstddef>

#include "engine/generator.h"
#include "wire/call.h"

namespace overtake {

// Takes the oldest messages out of the call's prompt until it leaves room for the answer
// (max_tokens, or 1,024 where they are not said; a quarter of the context at most). Never
// instructions, the user's last message, or what comes last; a call goes with its outputs, and what
// is left begins with a user's message unless the conversation did not. Nothing goes where that
// would not be enough, or where the model's context or the prompt's length is not known here.
// How many messages went.
size_t truncate_input(Generator& generator, wire::Call* call);

}  // namespace overtake
