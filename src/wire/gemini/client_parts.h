// The pieces of an answer's candidate.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "engine/event.h"

namespace overtake::gemini {

// A part as an event; `n_calls`: how many calls went before. nullopt: it says nothing. kDamaged: it
// is no part (the message says why, and quotes nothing).
Result<std::optional<Event>> read_part(const Json& part, int n_calls);
// logprobsResult.
std::vector<TokenLogprob> read_logprobs(const Json& candidate);
// nullopt for a reason that means that something went wrong.
std::optional<FinishReason> finish_reason_of(std::string_view reason);

}  // namespace overtake::gemini
