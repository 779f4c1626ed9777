// The model `null`: fixed tokens at no cost, to load-test everything around a model.
#pragma once

#include <memory>

#include "engine/generator.h"

namespace overtake {

// Answers " token" max_tokens times (16 where unset, and then it ends of itself), all at once.
// Counts four bytes of a prompt as a token. Obeys stop, ignore_end, logprobs and the context's
// length, so that clients' tests run against it. Its embeddings are all the same: of length 1, with
// 64 equal values, or as many as are asked for.
std::shared_ptr<Generator> make_null_generator();

}  // namespace overtake
