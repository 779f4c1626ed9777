#include "wire/openai/sampling_fields.h"

#include <fmt/core.h>

#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

namespace overtake::openai {
namespace {

constexpr size_t kMaxStops = 16;
constexpr size_t kMaxStopBytes = 1024;
constexpr size_t kMaxBiases = 4096;
constexpr double kMaxRepetitionPenalty = 100;

void add_stop(wire::Fields& fields, const Json& value, wire::Call* call) {
  if (!value.is_string()) return fields.invalid("stop", "expected a string or an array of strings");
  const auto& text = value.get_ref<const std::string&>();
  if (text.empty() || text.size() > kMaxStopBytes) {
    return fields.invalid("stop", fmt::format("a stop string has 1 to {} bytes", kMaxStopBytes));
  }
  call->request.stop.push_back(text);
}

void read_stop(wire::Fields& fields, wire::Call* call) {
  const Json* stop = fields.find("stop");
  if (!stop) return;
  if (!stop->is_array()) return add_stop(fields, *stop, call);
  if (stop->size() > kMaxStops) {
    return fields.invalid("stop", fmt::format("at most {} stop strings", kMaxStops));
  }
  for (const Json& value : *stop) add_stop(fields, value, call);
}

void read_logit_bias(wire::Fields& fields, wire::Call* call) {
  const Json* bias = fields.object("logit_bias");
  if (!bias) return;
  if (bias->size() > kMaxBiases) {
    return fields.invalid("logit_bias", fmt::format("at most {} tokens", kMaxBiases));
  }
  for (const auto& [key, value] : bias->items()) {
    int32_t id = -1;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc() || end != key.data() + key.size() || id < 0) {
      return fields.invalid("logit_bias", "keys are token ids");
    }
    if (!value.is_number() || !(value.get<double>() >= -100 && value.get<double>() <= 100)) {
      return fields.invalid("logit_bias", "values are numbers from -100 to 100");
    }
    call->request.sampling.logit_bias[id] = value.get<double>();
  }
}

void read_sampling(wire::Fields& fields, SamplingParams* sampling) {
  sampling->temperature = fields.number("temperature", 0, 2);
  sampling->top_p = fields.number("top_p", 0, 1);
  sampling->presence_penalty = fields.number("presence_penalty", -2, 2).value_or(0);
  sampling->frequency_penalty = fields.number("frequency_penalty", -2, 2).value_or(0);
  sampling->min_p = fields.number("min_p", 0, 1);
  if (sampling->min_p == 1.0) fields.invalid("min_p", "expected a number below 1");
  sampling->repetition_penalty = fields.number("repetition_penalty", 0, kMaxRepetitionPenalty);
  if (sampling->repetition_penalty == 0.0) {
    fields.invalid("repetition_penalty", "expected a number above 0");
  }
  // -1 is how some clients say "off".
  if (const auto top_k = fields.integer("top_k", -1, std::numeric_limits<int>::max())) {
    sampling->top_k = static_cast<int>(std::max<int64_t>(*top_k, 0));
  }
  if (sampling->top_p == 0.0) {  // a nucleus of no mass still holds the best token
    sampling->top_p = std::nullopt;
    sampling->top_k = 1;
  }
  const int64_t lowest = std::numeric_limits<int64_t>::min();
  if (const auto seed = fields.integer("seed", lowest, std::numeric_limits<int64_t>::max())) {
    sampling->seed = static_cast<uint64_t>(*seed);
  }
}

void read_stream(wire::Fields& fields, wire::Call* call) {
  call->stream = fields.boolean("stream").value_or(false);
  const Json* options = fields.object("stream_options");
  if (!options) return;
  if (!call->stream) return fields.invalid("stream_options", "only allowed where stream is true");
  wire::Fields inner(*options, "stream_options.");
  call->include_usage = inner.boolean("include_usage").value_or(false);
  if (inner.error()) fields.fail(*inner.error());
}

}  // namespace

void read_common_fields(wire::Fields& fields, wire::Call* call) {
  call->request.dialect = "openai";
  call->model = fields.string("model").value_or("");
  call->n = static_cast<int>(fields.integer("n", 1, wire::kMaxChoices).value_or(1));
  call->request.end_user = fields.string("user").value_or("");
  call->request.ignore_end = fields.boolean("ignore_eos").value_or(false);
  read_sampling(fields, &call->request.sampling);
  read_logit_bias(fields, call);
  read_stop(fields, call);
  read_stream(fields, call);
  if (const Json* metadata = fields.object("metadata")) {
    wire::Fields inner(*metadata, "metadata.");
    call->request.workload = inner.string("workload").value_or("");
    if (inner.error()) fields.fail(*inner.error());
  }
}

}  // namespace overtake::openai
