// EmbedRequest: texts that a model is asked to turn into vectors. As GenerateRequest, it is what
// every vendor's dialect is read into and written from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/generate_request.h"

namespace overtake {

struct EmbedInput {
  std::variant<TextPrompt, TokenPrompt> content;
  // What the vector is for, in Gemini's words ("RETRIEVAL_DOCUMENT"), and the title of a document;
  // or empty. A model that was not trained for tasks gives the same vector for all.
  std::string task = {};
  std::string title = {};
};

struct EmbedRequest {
  std::string id;  // as GenerateRequest's, down to the deadline
  std::string trace_id;
  std::string dialect;
  std::string model;
  Principal principal;
  std::string workload;
  std::string data_class;
  std::optional<int64_t> deadline_us;  // UTC

  std::vector<EmbedInput> inputs;
  std::optional<int64_t> dimensions;  // keep so many of a vector's first ones; unset: all
  // What to do with an input that does not fit the context: false refuses the request, true cuts
  // the input's end off.
  bool truncate = false;
  std::string end_user;
  ExtraFields extra;
};

// What OpenAI takes of a request, and we of any.
constexpr size_t kMaxEmbedInputs = 2048;

}  // namespace overtake
