// The fields that chat completions and completions share.
#pragma once

#include "wire/fields.h"
#include "wire/openai/request.h"

namespace overtake::openai {

// Sampling, stop, n, stream, model, user, metadata; errors go to `fields`.
void read_common_fields(wire::Fields& fields, wire::Call* call);

}  // namespace overtake::openai
