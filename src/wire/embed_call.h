// EmbedCall: one HTTP request for embeddings in any dialect, and EmbedDialect: how it is read and
// answered. The sister of Call and Dialect, which are about completions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "engine/embed_request.h"
#include "engine/event.h"
#include "engine/feature.h"
#include "wire/call_error.h"
#include "wire/dialect.h"

namespace overtake::wire {

struct EmbedCall {
  std::string model;     // empty: the server's default
  EmbedRequest request;  // all but id and model
  bool base64 = false;   // OpenAI's: vectors as the bytes of their floats
};

// What the model gave.
struct EmbedAnswer {
  std::string model;                 // that answered
  std::vector<std::string> vectors;  // [n_inputs], each as EmbedDialect::write_vector wrote it
  std::vector<size_t> truncated;     // inputs of which the end was cut off, ascending
  UsageEvent usage;
  int64_t total_us = 0;
};

struct EmbedDialect {
  const Dialect* errors;  // whose errors, name and headers these calls share
  std::optional<CallError> (*parse)(const Json& body, EmbedCall* call);
  std::string (*write_vector)(const EmbedCall& call, std::span<const float> values);
  std::string (*write_answer)(const EmbedAnswer& answer);
  // As Dialect::field_of; `use.part` is an input's.
  std::string (*field_of)(const FeatureUse& use);
};

// "[0.1,-0.25]", each in the fewest digits that read back as the same float.
std::string floats_json(std::span<const float> values);
// The floats' bytes (IEEE 754, little-endian) in base64, without quotes.
std::string floats_base64(std::span<const float> values);
// "[A,B]" of texts that are JSON.
std::string join_json(std::span<const std::string> values);

}  // namespace overtake::wire
