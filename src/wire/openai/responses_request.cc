// The request of POST /v1/responses.
#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>

#include "wire/openai/request.h"
#include "wire/openai/responses.h"
#include "wire/openai/sampling_fields.h"

namespace overtake::openai {
namespace {

// All that is read here, in sampling_fields.cc and in responses_tools.cc, but for what OpenAI may
// want to see itself: include and truncation.
constexpr std::string_view kKnownFields[] = {
    "model",
    "input",
    "instructions",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "max_output_tokens",
    "previous_response_id",
    "conversation",
    "reasoning",
    "text",
    "top_logprobs",
    "background",
    "stream",
    "stream_options",
    "user",
    "ignore_eos",
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "min_p",
    "repetition_penalty",
    "top_k",
    "seed",
    "logit_bias",
    "stop",
};

// What the answer says again, as it was sent.
constexpr std::string_view kRepeated[] = {
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "service_tier",
    "temperature",
    "top_p",
    "previous_response_id",
    "prompt_cache_key",
    "safety_identifier",
    "user",
    "top_logprobs",
    "tool_choice",
    "tools",
    "text",
    "reasoning",
    "truncation",
    "store",
    "conversation",
    "parallel_tool_calls",
};

// Members that would change what the answer is, and that nothing here heeds.
void refuse_unsupported(wire::Fields& fields) {
  if (fields.find("prompt")) {
    fields.unsupported("prompt", "no prompt templates are kept here; send instructions and input");
  }
  if (fields.find("moderation")) fields.unsupported("moderation", "no moderation is done here");
  const Json* management = fields.array("context_management");
  if (management && !management->empty()) {
    fields.unsupported("context_management",
                       "nothing is compacted here; send truncation \"auto\" or a shorter input");
  }
  if (fields.find("n")) fields.unsupported("n", "a response is one answer");
}

void read_modes(wire::Fields& fields, wire::Call* call) {
  const bool is_kept = fields.boolean("store").value_or(true);
  call->background = fields.boolean("background").value_or(false);
  if (call->background && !is_kept) {
    fields.invalid("background", "a response in the background is kept; leave store out");
  }
  const std::string truncation = fields.string("truncation").value_or("disabled");
  call->truncate_input = truncation == "auto";
  if (truncation != "auto" && truncation != "disabled") {
    fields.invalid("truncation", "expected auto or disabled");
  }
}

void check_history(wire::Fields& fields, const Json& body) {
  const bool goes_on = fields.string("previous_response_id").has_value();
  if (!fields.find("conversation")) return;
  if (conversation_of(body).empty()) {
    fields.invalid("conversation", "expected a conversation's id, or an object with its id");
  } else if (goes_on) {
    fields.invalid("conversation", "send either this or previous_response_id, not both");
  }
}

// All that the API knows. Encrypted reasoning is told wherever there is any; the others belong to
// items that no answer here has, and ask for nothing.
constexpr std::string_view kLogprobs = "message.output_text.logprobs";
constexpr std::string_view kIncludable[] = {kLogprobs,
                                            "reasoning.encrypted_content",
                                            "message.input_image.image_url",
                                            "file_search_call.results",
                                            "web_search_call.results",
                                            "web_search_call.action.sources",
                                            "computer_call_output.output.image_url",
                                            "code_interpreter_call.outputs"};

void read_logprobs(wire::Fields& fields, GenerateRequest* out) {
  const auto top = fields.integer("top_logprobs", 0, kMaxTopLogprobs);
  bool wanted = top.value_or(0) > 0;
  const Json* include = fields.array("include");
  for (size_t i = 0; include && i < include->size(); ++i) {
    const Json& name = (*include)[i];
    if (std::none_of(std::begin(kIncludable), std::end(kIncludable),
                     [&](std::string_view known) { return name == known; })) {
      fields.invalid(fmt::format("include[{}]", i),
                     fmt::format("expected one of {}", fmt::join(kIncludable, ", ")));
    }
    wanted = wanted || name == kLogprobs;
  }
  if (wanted) out->top_logprobs = static_cast<int>(top.value_or(0));
}

void read_reasoning(wire::Fields& fields, ReasoningParams* out) {
  const Json* reasoning = fields.object("reasoning");
  if (!reasoning) return;
  wire::Fields inner(*reasoning, "reasoning.");
  out->effort = inner.string("effort").value_or("");
  if (inner.string("summary") || inner.string("generate_summary")) out->shown = true;
  if (inner.error()) fields.fail(*inner.error());
}

void read_input(wire::Fields& fields, wire::Call* call, ChatPrompt* chat) {
  if (const auto instructions = fields.string("instructions")) {
    chat->messages.emplace_back().content.push_back(TextPart{*instructions});
    chat->messages.back().role = Role::kSystem;
    call->origins.push_back({"instructions", 0, true});
  }
  const Json* input = fields.find("input");
  if (input && input->is_string()) {
    chat->messages.emplace_back().content.push_back(TextPart{input->get<std::string>()});
    call->origins.push_back({"input", 0, true});
  } else if (input && input->is_array() && !input->empty()) {
    ItemMessages items;
    read_items(*input, "input", fields, &items);
    for (Message& message : items.messages) chat->messages.push_back(std::move(message));
    for (auto& origin : items.origins) call->origins.push_back(std::move(origin));
  } else if (input || !(fields.find("previous_response_id") || fields.find("conversation"))) {
    fields.invalid("input", "expected a string or an array of items, at least one");
  }
}

// What `name`, an object, has besides `known`.
void keep_others(const Json& body, const char* name, std::string_view known, ExtraFields* extra) {
  const auto at = body.find(name);
  if (at == body.end() || !at->is_object()) return;
  Json others = Json::object();
  for (const auto& [key, value] : at->items()) {
    if (key != known && !value.is_null()) others[key] = value;
  }
  if (!others.empty()) *extra = wire::with_member(std::move(*extra), name, dump_json(others));
}

void repeat_members(const Json& body, wire::Call* call) {
  Json repeated = Json::object();
  for (const std::string_view name : kRepeated) {
    const auto at = body.find(name);
    if (at != body.end()) repeated[std::string(name)] = *at;
  }
  call->repeated = dump_json(repeated);
}

}  // namespace

std::optional<wire::CallError> parse_responses_request(const Json& body, wire::Call* call) {
  if (!body.is_object()) return wire::plain_error(400, "the request's body is not a JSON object");
  wire::Fields fields(body);
  refuse_unsupported(fields);
  read_common_fields(fields, call);
  call->n = 1;
  GenerateRequest& request = call->request;
  request.dialect = kResponsesName;
  request.max_tokens = fields.integer("max_output_tokens", 1, std::numeric_limits<int64_t>::max());
  read_logprobs(fields, &request);
  read_reasoning(fields, &request.reasoning);
  read_text_config(fields, &request);
  read_modes(fields, call);
  check_history(fields, body);
  request.extra = fields.extra(kKnownFields);
  keep_others(body, "reasoning", "effort", &request.extra);
  keep_others(body, "text", "format", &request.extra);
  ChatPrompt chat;
  read_responses_tools(fields, &chat);
  read_input(fields, call, &chat);
  call->prompts.emplace_back(std::move(chat));
  repeat_members(body, call);
  return fields.error();
}

void insert_history(ItemMessages history, wire::Call* call) {
  auto& chat = std::get<ChatPrompt>(call->prompts.front());
  const bool instructed = !call->origins.empty() && call->origins.front().parts == "instructions";
  const auto move_in = [&](auto& from, auto& into) {
    into.insert(into.begin() + instructed, std::make_move_iterator(from.begin()),
                std::make_move_iterator(from.end()));
  };
  move_in(history.messages, chat.messages);
  move_in(history.origins, call->origins);
}

}  // namespace overtake::openai
