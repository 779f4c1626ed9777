// Writes what a request wants besides an answer: its tools, its form, its sampling.
#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "wire/gemini/client_writer.h"

namespace overtake::gemini {
namespace {

Result<Json> declaration_json(const GenerateRequest& request, const ToolSpec& tool) {
  Json out = {{"name", tool.name}};
  if (!tool.description.empty()) out["description"] = tool.description;
  if (!tool.parameters.empty()) {
    // Not `parameters`, which takes a part of OpenAPI's schemas only.
    out["parametersJsonSchema"] = TRY(parse_json(tool.parameters, "parameters of a tool"));
  }
  TRY(merge_own(request, tool.extra, &out));
  return out;
}

Status write_choice(const ToolChoice& choice, Json* body) {
  if (choice.parallel == false && choice.kind != ToolChoice::Kind::kNone) {
    return cannot_say("that only one tool may be called at a time", "allow parallel calls");
  }
  Json config;
  switch (choice.kind) {
    case ToolChoice::Kind::kAuto:
      return {};
    case ToolChoice::Kind::kNone:
      config["mode"] = "NONE";
      break;
    case ToolChoice::Kind::kRequired:
      config["mode"] = "ANY";
      break;
    case ToolChoice::Kind::kNamed:
      config["mode"] = "ANY";
      config["allowedFunctionNames"] = Json::array({choice.name});
      break;
    case ToolChoice::Kind::kVendors:
      return cannot_say("another vendor's choice among its tools", "leave it out");
  }
  (*body)["toolConfig"]["functionCallingConfig"] = std::move(config);
  return {};
}

// Seeds are 32 bits wide at Google; a wider one becomes one that is always the same.
int32_t narrow_seed(uint64_t seed) {
  const auto exact = static_cast<int64_t>(seed);
  if (exact == static_cast<int32_t>(exact)) return static_cast<int32_t>(exact);
  return static_cast<int32_t>((seed ^ (seed >> 32)) & 0x7fffffff);
}

void write_sampling(const GenerateRequest& request, Json* out) {
  const SamplingParams& sampling = request.sampling;
  Json& config = *out;
  if (sampling.temperature) config["temperature"] = *sampling.temperature;
  if (sampling.top_p) config["topP"] = *sampling.top_p;
  if (sampling.top_k.value_or(0) > 0) config["topK"] = *sampling.top_k;
  if (sampling.presence_penalty != 0) config["presencePenalty"] = sampling.presence_penalty;
  if (sampling.frequency_penalty != 0) config["frequencyPenalty"] = sampling.frequency_penalty;
  if (sampling.seed) config["seed"] = narrow_seed(*sampling.seed);
  if (request.max_tokens) {
    const int64_t most = std::numeric_limits<int32_t>::max();
    config["maxOutputTokens"] = std::min(*request.max_tokens, most);
  }
  if (!request.stop.empty()) config["stopSequences"] = request.stop;
  if (request.top_logprobs >= 0) config["responseLogprobs"] = true;
  if (request.top_logprobs > 0) config["logprobs"] = request.top_logprobs;
}

struct EffortNames {
  const char* effort;
  const char* level;  // since Gemini 3
  int64_t budget;     // before: tokens, as Google documents them for OpenAI's efforts
};
constexpr EffortNames kEfforts[] = {{"minimal", "MINIMAL", 1024}, {"low", "LOW", 1024},
                                    {"medium", "MEDIUM", 8192},   {"high", "HIGH", 24576},
                                    {"xhigh", "HIGH", 24576},     {"max", "HIGH", 24576}};

Status write_effort(const GenerateRequest& request, Json* thinking) {
  const std::string& effort = request.reasoning.effort;
  if (effort == "none") {
    (*thinking)["thinkingBudget"] = 0;
    return {};
  }
  const auto* known = std::find_if(std::begin(kEfforts), std::end(kEfforts),
                                   [&](const EffortNames& each) { return each.effort == effort; });
  if (known == std::end(kEfforts)) {
    return cannot_say("this effort of reasoning", "send minimal, low, medium or high");
  }
  if (is_own(request) && effort == "xhigh") {
    (*thinking)["thinkingLevel"] = "XHIGH";
  } else if (is_own(request) || !is_before_gemini_3(request.model)) {
    (*thinking)["thinkingLevel"] = known->level;
  } else if (!thinking->contains("thinkingBudget")) {
    (*thinking)["thinkingBudget"] = known->budget;
  }
  return {};
}

Status write_thinking(const GenerateRequest& request, Json* config) {
  const ReasoningParams& reasoning = request.reasoning;
  Json thinking = Json::object();
  if (reasoning.shown) thinking["includeThoughts"] = *reasoning.shown;
  if (reasoning.budget_tokens) {
    const int64_t most = std::numeric_limits<int32_t>::max();
    thinking["thinkingBudget"] = std::min(*reasoning.budget_tokens, most);
  } else if (reasoning.enabled && (!*reasoning.enabled || reasoning.effort.empty())) {
    thinking["thinkingBudget"] = *reasoning.enabled ? -1 : 0;  // -1: as the model likes
  }
  if (!reasoning.effort.empty()) TRY(write_effort(request, &thinking));
  if (!thinking.empty()) (*config)["thinkingConfig"] = std::move(thinking);
  return {};
}

}  // namespace

Status write_tools(const GenerateRequest& request, const ChatPrompt& chat, Json* body) {
  Json tools = Json::array();
  bool has_functions = false;
  for (const ToolSpec& tool : chat.tools) {
    if (tool.name.empty()) {
      if (!is_own(request)) return cannot_say("another vendor's own tools", "leave them out");
      tools.push_back(TRY(parse_json(tool.extra, "tool")));
      continue;
    }
    has_functions = true;
    if (tools.empty() || !tools.back().contains("functionDeclarations")) {
      tools.push_back(Json{{"functionDeclarations", Json::array()}});
    }
    tools.back()["functionDeclarations"].push_back(TRY(declaration_json(request, tool)));
  }
  if (!tools.empty()) (*body)["tools"] = std::move(tools);
  return has_functions ? write_choice(chat.tool_choice, body) : Status();
}

Status write_config(const GenerateRequest& request, Json* body) {
  Json config = Json::object();
  write_sampling(request, &config);
  const OutputFormat& format = request.format;
  if (format.kind != OutputFormat::Kind::kText) config["responseMimeType"] = "application/json";
  if (format.kind == OutputFormat::Kind::kJsonSchema && !format.schema.empty()) {
    config["responseJsonSchema"] = TRY(parse_json(format.schema, "schema"));
  }
  TRY(write_thinking(request, &config));
  if (!config.empty()) (*body)["generationConfig"] = std::move(config);
  return {};
}

}  // namespace overtake::gemini
