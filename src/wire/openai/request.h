// Requests of OpenAI's chat completions and completions, read into what a Generator takes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "engine/generator.h"
#include "wire/openai/error.h"

namespace overtake::openai {

// One HTTP request, which asks for prompts.size() * n answers.
struct CompletionCall {
  std::string model;            // empty: the server's default
  GenerateRequest request;      // all but prompt, id and model
  std::vector<Prompt> prompts;  // chat has one
  int n = 1;                    // answers to each prompt
  bool stream = false;
  bool include_usage = false;  // of a stream
  bool echo = false;           // completions: the prompt's text goes before the answer's

  int n_choices() const { return static_cast<int>(prompts.size()) * n; }
  // The request of choice `index`, which belongs to prompt index / n. A seed is spread so that the
  // choices differ and yet repeat.
  GenerateRequest choice_request(int index) const;
};

constexpr int kMaxChoices = 128;
constexpr int kMaxTopLogprobs = 20;

// Fills `call`, or says what is wrong and where. Fields that we do not know are ignored; fields
// that ask for what these models can not do are refused by name.
std::optional<ApiError> parse_chat_request(const Json& body, CompletionCall* call);
std::optional<ApiError> parse_completion_request(const Json& body, CompletionCall* call);

}  // namespace overtake::openai
