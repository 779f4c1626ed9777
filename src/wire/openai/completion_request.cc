// The request of POST /v1/completions.
#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "wire/fields.h"
#include "wire/openai/grammar_fields.h"
#include "wire/openai/prompt_list.h"
#include "wire/openai/request.h"
#include "wire/openai/sampling_fields.h"

namespace overtake::openai {
namespace {

constexpr int64_t kDefaultMaxTokens = 16;

void read_prompt(wire::Fields& fields, wire::Call* call) {
  for (PlainPrompt& prompt : read_prompts(fields, "prompt", wire::kMaxChoices)) {
    std::visit([&](auto& one) { call->prompts.emplace_back(std::move(one)); }, prompt);
  }
}

}  // namespace

std::optional<wire::CallError> parse_completion_request(const Json& body, wire::Call* call) {
  if (!body.is_object()) return wire::plain_error(400, "the request's body is not a JSON object");
  wire::Fields fields(body);
  read_common_fields(fields, call);
  call->request.max_tokens = fields.integer("max_tokens", 0, std::numeric_limits<int64_t>::max())
                                 .value_or(kDefaultMaxTokens);
  call->echo = fields.boolean("echo").value_or(false);
  if (const auto top = fields.integer("logprobs", 0, kMaxTopLogprobs)) {
    call->request.top_logprobs = static_cast<int>(*top);
  }
  if (const auto best_of = fields.integer("best_of", 1, wire::kMaxChoices)) {
    if (*best_of != call->n) fields.unsupported("best_of", "only the value of n is supported");
  }
  if (!fields.string("suffix").value_or("").empty()) {
    fields.unsupported("suffix", "this model does not fill in the middle");
  }
  read_grammar_fields(fields, &call->request.format);
  read_prompt(fields, call);
  if (fields.ok() && call->n_choices() > wire::kMaxChoices) {
    fields.invalid("n", fmt::format("prompts times n is at most {}", wire::kMaxChoices));
  }
  // The text of a prompt of token ids is known to the model alone, which gives it with their
  // log probabilities.
  const bool has_ids =
      std::any_of(call->prompts.begin(), call->prompts.end(),
                  [](const Prompt& prompt) { return std::holds_alternative<TokenPrompt>(prompt); });
  call->request.prompt_logprobs = call->echo && (call->request.top_logprobs >= 0 || has_ids);
  return fields.error();
}

}  // namespace overtake::openai
