// The generationConfig of a request: sampling, length, form and thinking.
#include <fmt/core.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "wire/gemini/names.h"
#include "wire/gemini/request.h"
#include "wire/gemini/schema.h"

namespace overtake::gemini {
namespace {

constexpr size_t kMaxStops = 16;
constexpr size_t kMaxStopBytes = 1024;
constexpr int64_t kMaxInt = std::numeric_limits<int>::max();

// A whole number that protobuf's JSON may write as 40.0 too.
std::optional<int64_t> whole(wire::Fields& fields, const std::string& name, int64_t min,
                             int64_t max) {
  const Json* value = fields.find(name);
  if (!value || !value->is_number_float()) return fields.integer(name, min, max);
  const double number = value->get<double>();
  if (number == std::floor(number) && number >= static_cast<double>(min) &&
      number <= static_cast<double>(max) && std::abs(number) < 1e15) {
    return static_cast<int64_t>(number);
  }
  fields.invalid(name, fmt::format("expected an integer from {} to {}", min, max));
  return std::nullopt;
}

void read_sampling(wire::Fields& config, GenerateRequest* request) {
  SamplingParams& sampling = request->sampling;
  sampling.temperature = config.number("temperature", 0, 2);
  sampling.top_p = config.number(spelled(config, "topP"), 0, 1);
  if (const auto top_k = whole(config, spelled(config, "topK"), 0, kMaxInt)) {
    sampling.top_k = static_cast<int>(*top_k);
  }
  if (sampling.top_p == 0.0) {  // a nucleus of no mass still holds the best token
    sampling.top_p = std::nullopt;
    sampling.top_k = 1;
  }
  sampling.presence_penalty = config.number(spelled(config, "presencePenalty"), -2, 2).value_or(0);
  sampling.frequency_penalty =
      config.number(spelled(config, "frequencyPenalty"), -2, 2).value_or(0);
  const int64_t lowest = std::numeric_limits<int64_t>::min();
  if (const auto seed = whole(config, "seed", lowest, std::numeric_limits<int64_t>::max())) {
    sampling.seed = static_cast<uint64_t>(*seed);
  }
  request->max_tokens = whole(config, spelled(config, "maxOutputTokens"), 1, kMaxInt);
}

void read_stop(wire::Fields& config, std::vector<std::string>* out) {
  const std::string name = spelled(config, "stopSequences");
  const Json* stops = config.array(name);
  if (!stops) return;
  if (stops->size() > kMaxStops) {
    return config.invalid(name, fmt::format("at most {} stop strings", kMaxStops));
  }
  for (const Json& stop : *stops) {
    const auto* text = stop.get_ptr<const std::string*>();
    if (!text || text->empty() || text->size() > kMaxStopBytes) {
      return config.invalid(name, fmt::format("a stop string has 1 to {} bytes", kMaxStopBytes));
    }
    out->push_back(*text);
  }
}

void read_format(wire::Fields& config, OutputFormat* out) {
  const std::string type_name = spelled(config, "responseMimeType");
  const std::string type = config.string(type_name).value_or("");
  const std::string schema_name = spelled(config, "responseSchema");
  const Json* schema = config.object(schema_name);
  const Json* plain = config.object(spelled(config, "responseJsonSchema"));
  if (!plain) plain = config.object("_responseJsonSchema");  // its name before it was final
  if (schema && plain) {
    return config.invalid(schema_name, "contradicts responseJsonSchema; send one of them");
  }
  if (type == "application/json") {
    out->kind = OutputFormat::Kind::kJson;
  } else if (!type.empty() && type != "text/plain") {
    return config.unsupported(type_name, "expected text/plain or application/json");
  } else if (schema || plain) {
    return config.invalid(type_name, "a schema needs application/json");
  }
  if (!schema && !plain) return;
  out->kind = OutputFormat::Kind::kJsonSchema;
  out->schema = dump_json(plain ? *plain : to_json_schema(*schema));
}

void read_thinking(wire::Fields& config, ReasoningParams* out) {
  const std::string name = spelled(config, "thinkingConfig");
  const Json* object = config.object(name);
  if (!object) return;
  wire::Fields fields(*object, config.param(name) + ".");
  out->shown = fields.boolean(spelled(fields, "includeThoughts"));
  // -1: as the model likes; 0: not at all.
  if (const auto budget = whole(fields, spelled(fields, "thinkingBudget"), -1, kMaxInt)) {
    out->enabled = *budget != 0;
    if (*budget > 0) out->budget_tokens = *budget;
  }
  const std::string level_name = spelled(fields, "thinkingLevel");
  if (const auto level = fields.string(level_name)) {
    for (const auto& [word, effort] : {std::pair{"MINIMAL", "minimal"},
                                       {"LOW", "low"},
                                       {"MEDIUM", "medium"},
                                       {"HIGH", "high"}}) {
      if (*level == word || *level == effort) out->effort = effort;
    }
    if (out->effort.empty() && *level != "THINKING_LEVEL_UNSPECIFIED") {
      fields.invalid(level_name, "expected MINIMAL, LOW, MEDIUM or HIGH");
    }
    if (!out->effort.empty()) out->enabled = true;
  }
  if (fields.error()) config.fail(*fields.error());
}

void read_logprobs(wire::Fields& config, GenerateRequest* request) {
  const bool wanted = config.boolean(spelled(config, "responseLogprobs")).value_or(false);
  const auto top = whole(config, "logprobs", 0, kMaxLogprobs);
  if (top.value_or(0) > 0 && !wanted) {
    config.invalid("logprobs", "only allowed where responseLogprobs is true");
  }
  if (wanted) request->top_logprobs = static_cast<int>(top.value_or(0));
}

// Answers are text.
void refuse_other_media(wire::Fields& config) {
  const std::string name = spelled(config, "responseModalities");
  const Json* modalities = config.array(name);
  for (size_t i = 0; modalities && i < modalities->size(); ++i) {
    if ((*modalities)[i] != "TEXT") config.unsupported(name, "answers are text only");
  }
  for (const char* other : {"speechConfig", "imageConfig"}) {
    const std::string found = spelled(config, other);
    if (config.find(found)) config.unsupported(found, "answers are text only");
  }
}

}  // namespace

void read_config(wire::Fields& fields, wire::Call* call) {
  const std::string name = spelled(fields, "generationConfig");
  const Json* object = fields.object(name);
  if (!object) return;
  wire::Fields config(*object, fields.param(name) + ".");
  const auto n = whole(config, spelled(config, "candidateCount"), 1, wire::kMaxChoices);
  call->n = static_cast<int>(n.value_or(1));
  read_sampling(config, &call->request);
  read_stop(config, &call->request.stop);
  read_format(config, &call->request.format);
  read_thinking(config, &call->request.reasoning);
  read_logprobs(config, &call->request);
  refuse_other_media(config);
  const std::string rest =
      extra_of(config, {"temperature", "topP", "topK", "candidateCount", "maxOutputTokens",
                        "stopSequences", "responseMimeType", "responseSchema", "responseJsonSchema",
                        "_responseJsonSchema", "responseLogprobs", "logprobs", "presencePenalty",
                        "frequencyPenalty", "seed", "thinkingConfig", "responseModalities"});
  keep_extra(rest, "generationConfig", call);
  if (config.error()) fields.fail(*config.error());
}

}  // namespace overtake::gemini
