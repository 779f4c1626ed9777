// What readers of upstreams' answers share: members that may be anything, and failures.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "engine/event.h"

namespace overtake::wire {

// A member of what should be an object; null where it is absent, null, or the owner no object.
const Json* member(const Json& object, std::string_view name);
// The member's text; empty for anything else.
std::string string_member(const Json& object, std::string_view name);
// The member's value in [0, 2^48]; 0 for anything else. Counts are the vendor's word: one that can
// not be is taken for none.
int64_t count_member(const Json& object, std::string_view name);
// The members of `object` that are not in `known` and not null, as a new one; none of an object
// with more than any should have.
Json other_members(const Json& object, std::initializer_list<std::string_view> known);
// An answer's citations beyond this are left out.
constexpr size_t kMaxCitations = 4096;

// The log probabilities of tokens, as OpenAI has them and Ollama after it: [{token, logprob, bytes,
// top_logprobs}]. `entries` may be null or anything.
std::vector<TokenLogprob> read_token_logprobs(const Json* entries);

// An array of numbers, as floats; empty for anything else. `values` may be null.
std::vector<float> floats_of(const Json* values);

// An answer that is not `api` ("OpenAI's chat completions"): kDamaged. `what` must not quote it.
Error damaged_answer(std::string_view api, std::string_view what);

// The names in a list of models: each one's first member of `keys` that is a text. kDamaged for
// what is no list, or one without end.
Result<std::vector<std::string>> model_names(const Json* list,
                                             std::initializer_list<std::string_view> keys);

// How often a status or a failure within a stream (status 0) may pass.
bool is_retryable_status(int status);
// A failure in the vendor's words, bounded. `status` 0: within a stream, whose status was 200; the
// failure is the vendor's then, as one of 500 and more. `fault.status` is set from `status`.
FailedEvent upstream_failure(int status, UpstreamFault fault, std::string message);
// The same for an answer that says nothing that can be read.
FailedEvent unexplained_failure(int status);

}  // namespace overtake::wire
