#include "wire/ollama/common_fields.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "wire/base64.h"

namespace overtake::ollama {
namespace {

constexpr size_t kMaxStops = 16;
constexpr size_t kMaxStopBytes = 1024;
constexpr double kMaxTemperature = 100;
constexpr double kMaxRepetitionPenalty = 100;
constexpr int64_t kMaxInt = std::numeric_limits<int>::max();

// All that read_options reads. The rest says how Ollama should run a model (threads, memory), not
// what it answers: it travels along.
constexpr std::string_view kKnownOptions[] = {"temperature",
                                              "top_k",
                                              "top_p",
                                              "min_p",
                                              "seed",
                                              "stop",
                                              "num_predict",
                                              "repeat_penalty",
                                              "presence_penalty",
                                              "frequency_penalty"};

void read_stop(wire::Fields& options, std::vector<std::string>* out) {
  const Json* stop = options.find("stop");
  if (!stop) return;
  const Json list = stop->is_array() ? *stop : Json::array({*stop});
  if (list.size() > kMaxStops) {
    return options.invalid("stop", fmt::format("at most {} stop strings", kMaxStops));
  }
  for (const Json& value : list) {
    if (!value.is_string()) return options.invalid("stop", "expected an array of strings");
    const auto& text = value.get_ref<const std::string&>();
    if (text.empty() || text.size() > kMaxStopBytes) {
      return options.invalid("stop", fmt::format("a stop string has 1 to {} bytes", kMaxStopBytes));
    }
    out->push_back(text);
  }
}

// Options of other samplers: their neutral values are taken, all others would be ignored silently.
void refuse_other_samplers(wire::Fields& options) {
  const struct {
    const char* name;
    double neutral;
    const char* instead;
  } others[] = {
      {"mirostat", 0, "use temperature, top_k, top_p and min_p"},
      {"tfs_z", 1, "use top_p or min_p"},
      {"typical_p", 1, "use top_p or min_p"},
      {"repeat_last_n", -1, "penalties count the whole text: send -1"},
  };
  for (const auto& other : others) {
    const double most = std::numeric_limits<double>::max();
    const auto value = options.number(other.name, -most, most);
    if (value && *value != other.neutral) {
      options.unsupported(
          other.name, fmt::format("only {} is supported here; {}", other.neutral, other.instead));
    }
  }
  if (!options.boolean("penalize_newline").value_or(true)) {
    options.unsupported("penalize_newline", "only true is supported here");
  }
}

void read_sampling(wire::Fields& options, SamplingParams* sampling) {
  sampling->temperature = options.number("temperature", 0, kMaxTemperature);
  sampling->top_p = options.number("top_p", 0, 1);
  sampling->min_p = options.number("min_p", 0, 1);
  if (sampling->min_p == 1.0) options.invalid("min_p", "expected a number below 1");
  sampling->repetition_penalty = options.number("repeat_penalty", 0, kMaxRepetitionPenalty);
  if (sampling->repetition_penalty == 0.0) {
    options.invalid("repeat_penalty", "expected a number above 0");
  }
  sampling->presence_penalty = options.number("presence_penalty", -2, 2).value_or(0);
  sampling->frequency_penalty = options.number("frequency_penalty", -2, 2).value_or(0);
  if (const auto top_k = options.integer("top_k", -1, kMaxInt)) {
    sampling->top_k = static_cast<int>(std::max<int64_t>(*top_k, 0));
  }
  if (sampling->top_p == 0.0) {  // a nucleus of no mass still holds the best token
    sampling->top_p = std::nullopt;
    sampling->top_k = 1;
  }
  // -1 is Ollama's word for "any".
  const int64_t lowest = std::numeric_limits<int64_t>::min();
  const auto seed = options.integer("seed", lowest, std::numeric_limits<int64_t>::max());
  if (seed && *seed != -1) sampling->seed = static_cast<uint64_t>(*seed);
}

void read_options(wire::Fields& fields, GenerateRequest* request) {
  const Json* object = fields.object("options");
  if (!object) return;
  wire::Fields options(*object, "options.");
  read_sampling(options, &request->sampling);
  read_stop(options, &request->stop);
  refuse_other_samplers(options);
  // Ollama's default, -1, and its older -2 and 0 all mean: to the end of the context.
  const auto most = options.integer("num_predict", -2, kMaxInt);
  if (most && *most > 0) request->max_tokens = *most;
  // A wish for room. A model here always has its whole context, and what does not fit is refused.
  options.integer("num_ctx", 1, kMaxInt);
  if (options.error()) fields.fail(*options.error());
}

void read_format(wire::Fields& fields, OutputFormat* out) {
  const Json* format = fields.find("format");
  if (!format || *format == "") return;
  if (*format == "json") {
    out->kind = OutputFormat::Kind::kJson;
  } else if (format->is_object()) {
    out->kind = OutputFormat::Kind::kJsonSchema;
    out->schema = dump_json(*format);
  } else {
    fields.invalid("format", "expected \"json\" or a JSON schema");
  }
}

void read_think(wire::Fields& fields, ReasoningParams* out) {
  const Json* think = fields.find("think");
  if (!think) return;
  if (think->is_boolean()) {
    out->enabled = think->get<bool>();
  } else if (*think == "low" || *think == "medium" || *think == "high") {
    out->enabled = true;
    out->effort = think->get<std::string>();
  } else {
    fields.invalid("think", "expected true, false, low, medium or high");
  }
}

void read_logprobs(wire::Fields& fields, GenerateRequest* request) {
  const bool wanted = fields.boolean("logprobs").value_or(false);
  const auto top = fields.integer("top_logprobs", 0, kMaxTopLogprobs);
  if (top.value_or(0) > 0 && !wanted) {
    fields.invalid("top_logprobs", "only allowed where logprobs is true");
  }
  if (wanted) request->top_logprobs = static_cast<int>(top.value_or(0));
}

bool is_absent(const Json& body, const char* name) {
  const auto at = body.find(name);
  return at == body.end() || at->is_null() ||
         ((at->is_array() || at->is_string()) && at->empty()) || *at == "";
}

// Ollama's clients send an image's bytes alone, other vendors want its type with them.
std::string image_type(std::string_view bytes) {
  using namespace std::string_view_literals;
  if (bytes.starts_with("\x89PNG\r\n\x1a\n"sv)) return "image/png";
  if (bytes.starts_with("\xff\xd8\xff"sv)) return "image/jpeg";
  if (bytes.starts_with("GIF8"sv)) return "image/gif";
  if (bytes.starts_with("RIFF"sv) && bytes.substr(0, 12).ends_with("WEBP"sv)) return "image/webp";
  return {};
}

}  // namespace

void read_common_fields(wire::Fields& fields, wire::Call* call) {
  call->request.dialect = "ollama";
  call->model = model_name(fields.string("model").value_or(""));
  call->stream = fields.boolean("stream").value_or(true);
  read_options(fields, &call->request);
  read_format(fields, &call->request.format);
  read_think(fields, &call->request.reasoning);
  read_logprobs(fields, &call->request);
}

void keep_extra(const wire::Fields& fields, std::initializer_list<std::string_view> own,
                wire::Call* call) {
  std::vector<std::string_view> known(std::begin(kCommonFields), std::end(kCommonFields));
  known.insert(known.end(), own);
  std::string extra = fields.extra(known);
  const Json* options = fields.find("options");
  if (options && options->is_object()) {
    const std::string others = wire::Fields(*options).extra(kKnownOptions);
    if (!others.empty()) extra = wire::with_member(std::move(extra), "options", others);
  }
  call->request.extra = std::move(extra);
}

void read_images(wire::Fields& fields, Message* out) {
  const Json* images = fields.array("images");
  for (size_t i = 0; images && i < images->size(); ++i) {
    const Json& image = (*images)[i];
    const auto* text = image.get_ptr<const std::string*>();
    auto bytes = text ? wire::decode_base64(*text) : std::nullopt;
    if (!bytes || bytes->empty()) {
      return fields.invalid(fmt::format("images[{}]", i), "expected base64");
    }
    ImagePart part;
    part.media_type = image_type(*bytes);
    part.bytes = std::move(*bytes);
    out->content.push_back(std::move(part));
  }
}

std::string_view model_name(std::string_view given) {
  constexpr std::string_view kLatest = ":latest";
  if (given.ends_with(kLatest)) given.remove_suffix(kLatest.size());
  return given;
}

bool only_loads(const Json& body) {
  return is_absent(body, "messages") && is_absent(body, "prompt") && is_absent(body, "images") &&
         is_absent(body, "suffix");
}

}  // namespace overtake::ollama
