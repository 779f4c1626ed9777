#include "wire/openai/answer_parts.h"

#include <fmt/core.h>
#include <utf8proc.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace overtake::openai {
namespace {

// Lets clients see that two answers came from the same program.
constexpr const char* kFingerprint = "fp_overtake_" OVERTAKE_VERSION;

// A token that holds part of a character has no text: OpenAI writes its bytes.
std::string completion_token_text(std::string_view bytes) {
  if (is_valid_utf8(bytes)) return std::string(bytes);
  std::string out = "bytes:";
  for (const char c : bytes) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return out;
}

Json chat_token_json(std::string_view bytes, double logprob) {
  Json out;
  out["token"] = std::string(bytes);  // dump_json replaces broken characters; "bytes" is exact
  out["logprob"] = logprob;
  Json& list = out["bytes"] = Json::array();
  for (const char c : bytes) list.push_back(static_cast<unsigned char>(c));
  return out;
}

}  // namespace

std::string_view finish_reason_name(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kToolCalls:
      return "tool_calls";
    case FinishReason::kContentFilter:
      return "content_filter";
    case FinishReason::kRefusal:  // the message's "refusal" tells
    case FinishReason::kCancelled:
      return "stop";
  }
  return "stop";
}

Json usage_json(const wire::UsageTotals& usage) {
  Json out;
  out["prompt_tokens"] = usage.prompt_tokens;
  out["completion_tokens"] = usage.completion_tokens;
  out["total_tokens"] = usage.prompt_tokens + usage.completion_tokens;
  out["prompt_tokens_details"]["cached_tokens"] = usage.cached_tokens;
  Json& details = out["completion_tokens_details"];
  details["reasoning_tokens"] = usage.reasoning_tokens;
  if (usage.accepted_draft_tokens > 0 || usage.rejected_draft_tokens > 0) {
    details["accepted_prediction_tokens"] = usage.accepted_draft_tokens;
    details["rejected_prediction_tokens"] = usage.rejected_draft_tokens;
  }
  if (usage.cost_nano_usd) out["cost_nano_usd"] = *usage.cost_nano_usd;  // not in OpenAI's API
  return out;
}

Json envelope_json(const wire::AnswerIdentity& identity, std::string_view object) {
  Json out;
  out["id"] = identity.id;
  out["object"] = object;
  out["created"] = identity.created_s;
  out["model"] = identity.model;
  out["system_fingerprint"] = kFingerprint;
  return out;
}

std::string tool_call_id(const wire::AnswerIdentity& identity, int choice, int tool) {
  constexpr size_t kTail = 20;  // enough to be unique; OpenAI takes back no id beyond 40 bytes
  std::string tail = identity.id;
  std::erase(tail, '-');
  return fmt::format("call_{}_{}_{}", tail.substr(tail.size() - std::min(tail.size(), kTail)),
                     choice, tool);
}

void append_event(const Json& value, std::string& out) {
  out.append("data: ").append(dump_json(value)).append("\n\n");
}

void append_json_string(std::string_view text, std::string& out) { out += dump_json(Json(text)); }

bool is_valid_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    utf8proc_int32_t codepoint = 0;
    const auto n = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(bytes.data()),
                                    static_cast<utf8proc_ssize_t>(bytes.size()), &codepoint);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

Json chat_logprobs_json(const std::vector<TokenLogprob>& tokens) {
  Json out;
  Json& content = out["content"] = Json::array();
  for (const TokenLogprob& token : tokens) {
    Json entry = chat_token_json(token.bytes, token.logprob);
    Json& top = entry["top_logprobs"] = Json::array();
    for (const auto& other : token.top) top.push_back(chat_token_json(other.bytes, other.logprob));
    content.push_back(std::move(entry));
  }
  out["refusal"] = nullptr;
  return out;
}

void CompletionLogprobs::add(const std::vector<TokenLogprob>& added, bool first_has_none) {
  for (const TokenLogprob& token : added) {
    const bool none = first_has_none && &token == &added.front();
    tokens.push_back(completion_token_text(token.bytes));
    logprobs.push_back(none ? Json(nullptr) : Json(token.logprob));
    Json best = none ? Json(nullptr) : Json::object();
    if (!none) {
      for (const auto& other : token.top) {
        best.emplace(completion_token_text(other.bytes), other.logprob);
      }
      best.emplace(tokens.back(), token.logprob);  // the chosen token is always among them
    }
    top.push_back(std::move(best));
    offsets.push_back(offset);
    for (const char c : token.bytes) offset += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }
}

Json CompletionLogprobs::take() {
  if (!wanted) return nullptr;
  Json out;
  out["tokens"] = std::exchange(tokens, {});
  out["token_logprobs"] = std::exchange(logprobs, {});
  out["top_logprobs"] = std::exchange(top, {});
  out["text_offset"] = std::exchange(offsets, {});
  return out;
}

}  // namespace overtake::openai
