#include "wire/gemini/client_parts.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "wire/gemini/client.h"
#include "wire/upstream_answer.h"

namespace overtake::gemini {
namespace {

using wire::member;
using wire::other_members;
using wire::string_member;

constexpr int kMaxCalls = 128;

Error broken(std::string what) { return {ErrorCode::kDamaged, std::move(what)}; }

Result<std::optional<Event>> read_call(const Json& call, std::string signature, int n_calls) {
  ToolEvent out;
  out.index = n_calls;
  out.id = string_member(call, "id");
  out.name = string_member(call, "name");
  out.signature = std::move(signature);
  if (out.name.empty()) return broken("a function call without a name");
  if (n_calls >= kMaxCalls) return broken("more function calls than any answer should have");
  if (member(call, "partialArgs") || member(call, "willContinue")) {
    return broken("a function call in pieces");
  }
  const Json* args = member(call, "args");
  if (args && !args->is_object()) return broken("a function call whose args are no object");
  out.arguments = args ? dump_json(*args) : "{}";
  return std::optional<Event>(std::move(out));
}

// What the model's own tools did, an image, and kinds of parts that are not known yet.
Event vendors_own(const Json& part) {
  VendorEvent out;
  out.dialect = client_dialect.name;
  out.json = dump_json(part);
  out.is_needed = member(part, "inlineData") || member(part, "fileData");
  return out;
}

TokenLogprob::Alternative read_token(const Json& token) {
  const Json* logprob = member(token, "logProbability");
  return {static_cast<int32_t>(std::min<int64_t>(wire::count_member(token, "tokenId"), INT32_MAX)),
          string_member(token, "token"),
          logprob && logprob->is_number() ? logprob->get<double>() : 0};
}

const Json* list_of(const Json* owner, std::string_view name) {
  const Json* list = owner ? member(*owner, name) : nullptr;
  return list && list->is_array() ? list : nullptr;
}

}  // namespace

Result<std::optional<Event>> read_part(const Json& part, int n_calls) {
  if (!part.is_object()) return broken("a part that is no object");
  std::string signature = string_member(part, "thoughtSignature");
  if (const Json* call = member(part, "functionCall")) {
    return read_call(*call, std::move(signature), n_calls);
  }
  const Json* text = member(part, "text");
  if (text && !text->is_string()) return broken("text that is no string");
  const Json* thought = member(part, "thought");
  if (text && thought && *thought == true) {
    ReasoningEvent out{text->get<std::string>(), std::move(signature)};
    if (out.text.empty() && out.signature.empty()) return std::optional<Event>();
    out.is_summary = true;
    return std::optional<Event>(std::move(out));
  }
  TextEvent out;
  if (text) {
    out.text = text->get<std::string>();
  } else if (!other_members(part, {"thought", "thoughtSignature"}).empty()) {
    return std::optional<Event>(vendors_own(part));
  }
  out.signature = std::move(signature);
  if (out.text.empty() && out.signature.empty()) return std::optional<Event>();
  return std::optional<Event>(std::move(out));
}

std::vector<TokenLogprob> read_logprobs(const Json& candidate) {
  std::vector<TokenLogprob> out;
  const Json* result = member(candidate, "logprobsResult");
  const Json* chosen = list_of(result, "chosenCandidates");
  const Json* top = list_of(result, "topCandidates");
  for (size_t i = 0; chosen && i < chosen->size(); ++i) {
    auto token = read_token((*chosen)[i]);
    TokenLogprob& entry =
        out.emplace_back(TokenLogprob{token.id, std::move(token.bytes), token.logprob});
    const Json* best = top && i < top->size() ? list_of(&(*top)[i], "candidates") : nullptr;
    for (size_t j = 0; best && j < best->size(); ++j) entry.top.push_back(read_token((*best)[j]));
  }
  return out;
}

std::optional<FinishReason> finish_reason_of(std::string_view reason) {
  if (reason == "STOP") return FinishReason::kStop;
  if (reason == "MAX_TOKENS" || reason == "CONTINUATION") return FinishReason::kLength;
  for (const std::string_view filter :
       {"SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII",
        "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "MODEL_ARMOR",
        "ESCALATION"}) {
    if (reason == filter) return FinishReason::kContentFilter;
  }
  return std::nullopt;
}

}  // namespace overtake::gemini
