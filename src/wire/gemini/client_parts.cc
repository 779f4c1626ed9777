#include "wire/gemini/client_parts.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "wire/upstream_answer.h"

namespace overtake::gemini {
namespace {

using wire::member;
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

// The model ran code of its own: what it ran and saw is told as text.
std::string fenced(std::string_view language, const std::string& text) {
  return fmt::format("\n```{}\n{}{}```\n", language, text, text.ends_with('\n') ? "" : "\n");
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return text;
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
  out.signature = std::move(signature);
  if (text) {
    out.text = text->get<std::string>();
  } else if (const Json* code = member(part, "executableCode")) {
    out.text = fenced(lower(string_member(*code, "language")), string_member(*code, "code"));
  } else if (const Json* result = member(part, "codeExecutionResult")) {
    out.text = fenced("", string_member(*result, "output"));
  } else if (member(part, "inlineData") || member(part, "fileData")) {
    return Error{ErrorCode::kUnsupported,
                 "the model answered with an image or another file, which can not be passed on; "
                 "answer of the upstream; ask for text"};
  } else if (out.signature.empty() && !part.empty() && !thought) {
    return Error{ErrorCode::kUnsupported,
                 "the model answered with a part of a kind that is not known here; answer of the "
                 "upstream; leave out the tools that the vendor runs"};
  }
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
