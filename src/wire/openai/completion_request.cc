// The request of POST /v1/completions.
#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "wire/fields.h"
#include "wire/openai/request.h"
#include "wire/openai/sampling_fields.h"

namespace overtake::openai {
namespace {

constexpr int64_t kDefaultMaxTokens = 16;

// [1, 2, 3]; nullopt, with the error in `fields`, for anything else.
std::optional<TokenPrompt> read_ids(const Json& array, wire::Fields& fields) {
  TokenPrompt prompt;
  prompt.ids.reserve(array.size());
  for (const Json& id : array) {
    const bool fits = id.is_number_unsigned() &&
                      id.get<uint64_t>() <= uint64_t{std::numeric_limits<int32_t>::max()};
    if (!fits) {
      fields.invalid("prompt", "a token id is an integer from 0 to 2147483647");
      return std::nullopt;
    }
    prompt.ids.push_back(id.get<int32_t>());
  }
  return prompt;
}

void read_prompt(wire::Fields& fields, wire::Call* call) {
  static constexpr const char* kExpected =
      "expected a string, an array of strings, of token ids, or of arrays of token ids";
  const Json* prompt = fields.find("prompt");
  if (!prompt) return fields.invalid("prompt", kExpected);
  if (prompt->is_string()) {
    call->prompts.emplace_back(TextPrompt{prompt->get<std::string>()});
    return;
  }
  if (!prompt->is_array() || prompt->empty()) return fields.invalid("prompt", kExpected);
  if (prompt->front().is_number()) {
    if (auto ids = read_ids(*prompt, fields)) call->prompts.emplace_back(std::move(*ids));
    return;
  }
  if (prompt->size() > static_cast<size_t>(wire::kMaxChoices)) {
    return fields.invalid("prompt", fmt::format("at most {} prompts", wire::kMaxChoices));
  }
  for (const Json& one : *prompt) {
    if (one.is_string()) {
      call->prompts.emplace_back(TextPrompt{one.get<std::string>()});
    } else if (one.is_array() && !one.empty()) {
      if (auto ids = read_ids(one, fields)) call->prompts.emplace_back(std::move(*ids));
    } else {
      return fields.invalid("prompt", kExpected);
    }
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
