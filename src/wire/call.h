// Call: one HTTP request in any dialect, read into what a Generator takes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/generate_request.h"

namespace overtake::wire {

// Where the client's request has what became one of the prompt's messages.
struct MessageOrigin {
  std::string parts;       // the list that holds its parts: "messages.1.content.0.content"
  int first_part = 0;      // of that list
  bool bracketed = false;  // "[0]" after it instead of ".0"
};

// OpenAI's Responses: an answer as it is kept.
struct KeptAnswer {
  // "completed" or "incomplete"; of one in the background also "queued" and "in_progress" before
  // that, and "failed" or "cancelled" instead.
  std::string status;
  std::string body;
  std::string items;  // of its output, a JSON array's text
};

// It asks for prompts.size() * n answers.
struct Call {
  std::string model;            // empty: the server's default
  GenerateRequest request;      // all but prompt, id and model
  std::vector<Prompt> prompts;  // chat has one
  int n = 1;                    // answers to each prompt
  bool stream = false;
  bool include_usage = false;  // of a stream
  bool echo = false;           // OpenAI's completions: the prompt's text goes before the answer's

  // Of a chat prompt's messages; empty where they stand in the request one by one.
  std::vector<MessageOrigin> origins;

  // OpenAI's Responses: members of the request that the answer repeats (a JSON object's text), and
  // who keeps the answer; it gets it before the client does.
  std::string repeated;
  std::function<void(KeptAnswer answer)> keep;
  bool background = false;      // it is answered whether or not its client waits
  bool truncate_input = false;  // the oldest messages may go where the prompt is too long

  int n_choices() const { return static_cast<int>(prompts.size()) * n; }
  // The request of choice `index`, which belongs to prompt index / n. A seed is spread so that the
  // choices differ and yet repeat.
  GenerateRequest choice_request(int index) const;
  // The member of the client's request that became this part of a message; empty without origins.
  std::string member_of(int message, int part) const;
};

constexpr int kMaxChoices = 128;

}  // namespace overtake::wire
