// The request of POST /v1/messages and of count_tokens.
#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "wire/anthropic/content.h"
#include "wire/anthropic/request.h"

namespace overtake::anthropic {
namespace {

constexpr size_t kMaxTools = 1024;
constexpr size_t kMaxStopBytes = 1024;

// All that is read below. What else a request has goes along as `extra`.
constexpr std::string_view kKnownFields[] = {
    "model",         "messages",    "system",      "max_tokens", "stop_sequences",
    "stream",        "temperature", "top_k",       "top_p",      "thinking",
    "output_config", "tools",       "tool_choice", "metadata",   "output_format",
};

void fail_from(const wire::Fields& inner, wire::Fields* outer) {
  if (inner.error()) outer->fail(*inner.error());
}

// Of a member that is understood in part: what else it holds, to be written back.
void keep_rest(const wire::Fields& inner, std::string_view name,
               std::initializer_list<std::string_view> known, Json* extra) {
  const std::string rest = inner.extra(known);
  if (rest.empty()) return;
  auto members = parse_json(rest, "extra fields");
  if (members.ok()) (*extra)[std::string(name)] = std::move(members).value();
}

void read_sampling(wire::Fields& fields, SamplingParams* sampling) {
  sampling->temperature = fields.number("temperature", 0, 1);
  sampling->top_p = fields.number("top_p", 0, 1);
  if (const auto top_k = fields.integer("top_k", 0, std::numeric_limits<int>::max())) {
    sampling->top_k = static_cast<int>(*top_k);
  }
  if (sampling->top_p == 0.0) {  // a nucleus of no mass still holds the best token
    sampling->top_p = std::nullopt;
    sampling->top_k = 1;
  }
}

void read_stops(wire::Fields& fields, std::vector<std::string>* out) {
  const Json* stops = fields.array("stop_sequences");
  if (!stops) return;
  if (stops->size() > kMaxStops) {
    return fields.invalid("stop_sequences", fmt::format("at most {} strings", kMaxStops));
  }
  for (const Json& stop : *stops) {
    const std::string text = stop.is_string() ? stop.get<std::string>() : std::string();
    if (text.empty() || text.size() > kMaxStopBytes) {
      return fields.invalid("stop_sequences",
                            fmt::format("expected strings of 1 to {} bytes", kMaxStopBytes));
    }
    out->push_back(text);
  }
}

void read_thinking(wire::Fields& fields, ReasoningParams* out, Json* extra) {
  const Json* thinking = fields.object("thinking");
  if (!thinking) return;
  wire::Fields inner(*thinking, "thinking.");
  const std::string type = inner.string("type").value_or("");
  if (type == "enabled") {
    out->enabled = true;
    out->budget_tokens = inner.integer("budget_tokens", 1, std::numeric_limits<int64_t>::max());
    if (!out->budget_tokens) inner.invalid("budget_tokens", "field required: an integer");
  } else if (type == "adaptive") {  // as much as the model likes: no budget
    out->enabled = true;
  } else if (type == "disabled") {
    out->enabled = false;
  } else {
    inner.invalid("type", "expected enabled, adaptive or disabled");
  }
  if (const auto display = inner.string("display")) {
    out->shown = *display != "omitted";
    if (*display != "omitted" && *display != "summarized") {
      inner.invalid("display", "expected summarized or omitted");
    }
  }
  keep_rest(inner, "thinking", {"type", "budget_tokens", "display"}, extra);
  fail_from(inner, &fields);
}

void read_format(wire::Fields& owner, std::string_view name, OutputFormat* out) {
  const Json* format = owner.object(name);
  if (!format) return;
  wire::Fields inner(*format, owner.param(name) + ".");
  const Json* schema = inner.object("schema");
  if (inner.string("type") != "json_schema") inner.invalid("type", "expected json_schema");
  if (!schema) inner.invalid("schema", "field required: an object");
  out->kind = OutputFormat::Kind::kJsonSchema;
  if (schema) out->schema = dump_json(*schema);
  fail_from(inner, &owner);
}

void read_output_config(wire::Fields& fields, GenerateRequest* request, Json* extra) {
  read_format(fields, "output_format", &request->format);  // its first name
  const Json* config = fields.object("output_config");
  if (!config) return;
  wire::Fields inner(*config, "output_config.");
  request->reasoning.effort = inner.string("effort").value_or("");
  read_format(inner, "format", &request->format);
  keep_rest(inner, "output_config", {"effort", "format"}, extra);
  fail_from(inner, &fields);
}

void read_metadata(wire::Fields& fields, GenerateRequest* request, Json* extra) {
  const Json* metadata = fields.object("metadata");
  if (!metadata) return;
  wire::Fields inner(*metadata, "metadata.");
  request->end_user = inner.string("user_id").value_or("");
  request->workload = inner.string("workload").value_or("");
  keep_rest(inner, "metadata", {"user_id", "workload"}, extra);
  fail_from(inner, &fields);
}

void read_tool(const Json& json, const std::string& path, wire::Fields& call, ChatPrompt* out) {
  if (!json.is_object()) {
    return call.fail(wire::invalid_field(path, path + ": expected an object"));
  }
  wire::Fields fields(json, path + ".");
  ToolSpec tool;
  const std::string type = fields.string("type").value_or("custom");
  if (type != "custom") {  // one that Anthropic defines: passed on as it is
    tool.extra = dump_json(json);
  } else {
    tool.name = fields.string("name").value_or("");
    tool.description = fields.string("description").value_or("");
    tool.strict = fields.boolean("strict");
    if (tool.name.empty()) fields.invalid("name", "field required: the tool's name");
    const Json* schema = fields.object("input_schema");
    if (!schema) fields.invalid("input_schema", "field required: an object");
    if (schema) tool.parameters = dump_json(*schema);
    tool.extra = fields.extra({"type", "name", "description", "strict", "input_schema"});
  }
  fail_from(fields, &call);
  out->tools.push_back(std::move(tool));
}

void read_tool_choice(wire::Fields& fields, ToolChoice* out) {
  const Json* choice = fields.object("tool_choice");
  if (!choice) return;
  wire::Fields inner(*choice, "tool_choice.");
  const std::string type = inner.string("type").value_or("");
  if (type == "tool") {
    out->kind = ToolChoice::Kind::kNamed;
    out->name = inner.string("name").value_or("");
    if (out->name.empty()) inner.invalid("name", "field required: the tool's name");
  } else if (type == "any") {
    out->kind = ToolChoice::Kind::kRequired;
  } else if (type == "none") {
    out->kind = ToolChoice::Kind::kNone;
  } else if (type != "auto") {
    inner.invalid("type", "expected auto, any, tool or none");
  }
  if (const auto disabled = inner.boolean("disable_parallel_tool_use")) out->parallel = !*disabled;
  fail_from(inner, &fields);
}

void read_tools(wire::Fields& fields, ChatPrompt* out) {
  const Json* tools = fields.array("tools");
  if (tools && tools->size() > kMaxTools) {
    return fields.invalid("tools", fmt::format("at most {} tools", kMaxTools));
  }
  for (size_t i = 0; tools && i < tools->size() && fields.ok(); ++i) {
    read_tool((*tools)[i], fmt::format("tools.{}", i), fields, out);
  }
  read_tool_choice(fields, &out->tool_choice);
}

void read_messages(wire::Fields& fields, MessageList* out) {
  const Json* messages = fields.array("messages");
  if (!messages) return fields.invalid("messages", "field required: an array of messages");
  if (messages->empty()) return fields.invalid("messages", "expected at least one message");
  for (size_t i = 0; i < messages->size() && fields.ok(); ++i) {
    read_message((*messages)[i], fmt::format("messages.{}", i), fields, out);
  }
}

// The model writes on where the last message is the beginning of its answer.
bool is_begun_answer(const std::vector<Message>& messages) {
  if (messages.empty()) return false;
  const Message& last = messages.back();
  return last.role == Role::kAssistant && last.tool_calls().empty() && !last.text().empty();
}

std::optional<wire::CallError> parse(const Json& body, bool needs_max_tokens, wire::Call* call) {
  if (!body.is_object()) return wire::plain_error(400, "the request's body is not a JSON object");
  wire::Fields fields(body);
  GenerateRequest& request = call->request;
  request.dialect = "anthropic";
  Json extra = Json::object();
  call->model = fields.string("model").value_or("");
  request.max_tokens = fields.integer("max_tokens", 1, std::numeric_limits<int64_t>::max());
  if (needs_max_tokens && !request.max_tokens) {
    fields.invalid("max_tokens", "field required: an integer");
  }
  call->stream = fields.boolean("stream").value_or(false);
  call->include_usage = true;
  read_sampling(fields, &request.sampling);
  read_stops(fields, &request.stop);
  read_thinking(fields, &request.reasoning, &extra);
  read_output_config(fields, &request, &extra);
  read_metadata(fields, &request, &extra);

  ChatPrompt prompt;
  MessageList list;
  read_tools(fields, &prompt);
  read_system(fields, &list);
  read_messages(fields, &list);
  prompt.continue_final_message = is_begun_answer(list.messages);
  prompt.add_generation_prompt = !prompt.continue_final_message;
  prompt.messages = std::move(list.messages);
  call->origins = std::move(list.origins);
  call->prompts.emplace_back(std::move(prompt));

  const std::string unknown = fields.extra(kKnownFields);
  if (!unknown.empty()) {
    const auto members = parse_json(unknown, "extra fields");
    if (members.ok()) wire::add_missing(members.value(), &extra);
  }
  if (!extra.empty()) request.extra = dump_json(extra);
  return fields.error();
}

}  // namespace

std::optional<wire::CallError> parse_messages_request(const Json& body, wire::Call* call) {
  return parse(body, /*needs_max_tokens=*/true, call);
}

std::optional<wire::CallError> parse_count_request(const Json& body, wire::Call* call) {
  return parse(body, /*needs_max_tokens=*/false, call);
}

}  // namespace overtake::anthropic
