// ChatSession: the conversation of `overtake run` in a terminal, its /commands included.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/generator.h"

namespace overtake {

// What the command line sets for every request of a session.
struct ChatOptions {
  SamplingParams sampling;
  std::optional<int64_t> max_tokens;
  std::vector<std::string> stop;
  std::string system;
  OutputFormat format;
};

// A request for the next answer to `messages`.
GenerateRequest chat_request(const ChatOptions& options, std::vector<Message> messages);
Message text_message(Role role, std::string text);

class ChatSession {
 public:
  ChatSession(Generator& generator, ChatOptions options)
      : generator_(generator), options_(std::move(options)) {}
  // Reads and answers until the person leaves. Problems of single requests are shown and survived.
  Result<int> run(const std::string& history_path);

 private:
  struct SlashCommand;
  static const std::vector<SlashCommand>& slash_commands();
  bool run_slash_command(const std::string& line);  // false: leave
  void answer();                                    // to the last message
  void set_parameter(const std::string& text);
  void show_settings() const;
  void save(const std::string& path) const;

  Generator& generator_;
  ChatOptions options_;
  std::vector<Message> messages_;
  bool show_speed_ = true;
};

}  // namespace overtake
