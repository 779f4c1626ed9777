#include "cli/chat_session.h"

#include <fmt/core.h>

#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "base/uuid.h"
#include "cli/answer_printer.h"
#include "cli/line_editor.h"
#include "cli/terminal.h"

namespace overtake {
namespace {

void complain(const std::string& message) {
  const Colors colors = Colors::for_stream(stderr);
  fmt::print(stderr, "{}overtake: {}{}\n", colors.red, printable(message, true), colors.reset);
}

void remark(const std::string& text) {
  const Colors colors = Colors::for_stream(stdout);
  fmt::print("{}{}{}\n", colors.dim, printable(text, true), colors.reset);
  std::fflush(stdout);
}

// A number that fills the whole text.
template <typename T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// A parameter that /set knows.
struct Parameter {
  const char* name;
  bool (*set)(ChatOptions& options, std::string_view value);
};

template <auto Member>
bool set_sampling(ChatOptions& options, std::string_view text) {
  auto& field = options.sampling.*Member;
  using Value = typename std::remove_reference_t<decltype(field)>::value_type;
  const auto value = parse_number<Value>(text);
  if (value) field = *value;
  return value.has_value();
}

bool set_max_tokens(ChatOptions& options, std::string_view text) {
  const auto value = parse_number<int64_t>(text);
  if (!value || *value < 1) return false;
  options.max_tokens = *value;
  return true;
}

constexpr Parameter kParameters[] = {
    {"temperature", set_sampling<&SamplingParams::temperature>},
    {"top_k", set_sampling<&SamplingParams::top_k>},
    {"top_p", set_sampling<&SamplingParams::top_p>},
    {"min_p", set_sampling<&SamplingParams::min_p>},
    {"repetition_penalty", set_sampling<&SamplingParams::repetition_penalty>},
    {"seed", set_sampling<&SamplingParams::seed>},
    {"max_tokens", set_max_tokens},
};

}  // namespace

Message text_message(Role role, std::string text) {
  Message message;
  message.role = role;
  message.content.push_back(TextPart{std::move(text)});
  return message;
}

GenerateRequest chat_request(const ChatOptions& options, std::vector<Message> messages) {
  GenerateRequest request;
  request.id = make_uuid_v7();
  request.sampling = options.sampling;
  request.max_tokens = options.max_tokens;
  request.stop = options.stop;
  request.format = options.format;
  if (!options.system.empty()) {
    messages.insert(messages.begin(), text_message(Role::kSystem, options.system));
  }
  request.prompt = ChatPrompt{std::move(messages), {}};
  return request;
}

struct ChatSession::SlashCommand {
  const char* name;
  const char* arguments;
  const char* help;
  bool (*run)(ChatSession& session, const std::string& argument);  // false: leave
};

const std::vector<ChatSession::SlashCommand>& ChatSession::slash_commands() {
  static const std::vector<SlashCommand> commands = {
      {"/help", "", "this list",
       [](ChatSession&, const std::string&) {
         Table table({Table::Align::kLeft, Table::Align::kLeft});
         for (const SlashCommand& command : slash_commands()) {
           table.add({fmt::format("{} {}", command.name, command.arguments), command.help});
         }
         fmt::print("{}", table.text(2));
         remark(
             "  \"\"\" begins and ends a message of several lines; a \\ at the end of a line goes "
             "on.\n  Ctrl-C stops an answer; Ctrl-D leaves.");
         return true;
       }},
      {"/new", "", "forget the conversation",
       [](ChatSession& session, const std::string&) {
         session.messages_.clear();
         remark("A new conversation.");
         return true;
       }},
      {"/retry", "", "answer the last message again",
       [](ChatSession& session, const std::string&) {
         auto& messages = session.messages_;
         if (!messages.empty() && messages.back().role == Role::kAssistant) messages.pop_back();
         if (messages.empty()) {
           remark("There is no message to answer yet.");
         } else {
           session.answer();
         }
         return true;
       }},
      {"/undo", "", "take back the last message and its answer",
       [](ChatSession& session, const std::string&) {
         auto& messages = session.messages_;
         while (!messages.empty() && messages.back().role == Role::kAssistant) messages.pop_back();
         if (!messages.empty()) messages.pop_back();
         remark(fmt::format("{} messages are left.", messages.size()));
         return true;
       }},
      {"/system", "[TEXT]", "set the system prompt, or remove it",
       [](ChatSession& session, const std::string& argument) {
         session.options_.system = argument;
         remark(argument.empty() ? "The model's own system prompt." : "System prompt set.");
         return true;
       }},
      {"/set", "NAME VALUE",
       "set a parameter: temperature, top_k, top_p, min_p, seed, max_tokens ...",
       [](ChatSession& session, const std::string& argument) {
         session.set_parameter(argument);
         return true;
       }},
      {"/show", "", "the model and the parameters in force",
       [](ChatSession& session, const std::string&) {
         session.show_settings();
         return true;
       }},
      {"/speed", "", "show or hide the line after each answer",
       [](ChatSession& session, const std::string&) {
         session.show_speed_ = !session.show_speed_;
         return true;
       }},
      {"/save", "FILE", "write the conversation as JSON",
       [](ChatSession& session, const std::string& argument) {
         session.save(argument);
         return true;
       }},
      {"/bye", "", "leave", [](ChatSession&, const std::string&) { return false; }},
  };
  return commands;
}

bool ChatSession::run_slash_command(const std::string& line) {
  const size_t space = line.find_first_of(" \n\t");
  const std::string name = line.substr(0, space);
  const std::string argument = space == line.npos ? "" : std::string(trim(line.substr(space)));
  if (name == "/exit" || name == "/quit") return false;
  for (const SlashCommand& command : slash_commands()) {
    if (name == command.name) return command.run(*this, argument);
  }
  remark(fmt::format("{} is not a command; /help lists them.", name));
  return true;
}

void ChatSession::set_parameter(const std::string& text) {
  const size_t space = text.find(' ');
  const std::string name = text.substr(0, space);
  const std::string value = space == text.npos ? "" : std::string(trim(text.substr(space)));
  for (const Parameter& parameter : kParameters) {
    if (name != parameter.name) continue;
    ChatOptions changed = options_;
    if (!parameter.set(changed, value)) {
      remark(fmt::format("{} is not a value for {}.", value.empty() ? "Nothing" : value, name));
      return;
    }
    options_ = std::move(changed);
    remark(fmt::format("{} = {}", name, value));
    return;
  }
  std::string names;
  for (const Parameter& parameter : kParameters) names += fmt::format(" {}", parameter.name);
  remark(fmt::format("Parameters are:{}.", names));
}

void ChatSession::show_settings() const {
  const SamplingParams& sampling = options_.sampling;
  const auto text = [](const auto& value) {
    return value ? fmt::format("{}", *value) : std::string("the model's default");
  };
  Table table({Table::Align::kLeft, Table::Align::kLeft});
  table.add({"model", printable(generator_.info().name)});
  table.add({"context", fmt::format("{} tokens", generator_.info().context_length)});
  table.add({"system", options_.system.empty() ? "the model's own" : printable(options_.system)});
  table.add({"temperature", text(sampling.temperature)});
  table.add({"top_k", text(sampling.top_k)});
  table.add({"top_p", text(sampling.top_p)});
  table.add({"min_p", text(sampling.min_p)});
  table.add({"repetition_penalty", text(sampling.repetition_penalty)});
  table.add({"seed", sampling.seed ? fmt::format("{}", *sampling.seed) : "a new one each time"});
  table.add({"max_tokens", options_.max_tokens ? fmt::format("{}", *options_.max_tokens)
                                               : "to the end of the context"});
  fmt::print("{}", table.text(2));
}

void ChatSession::save(const std::string& path) const {
  if (path.empty()) {
    remark("/save needs the name of a file.");
    return;
  }
  Json json = Json::array();
  if (!options_.system.empty()) json.push_back({{"role", "system"}, {"content", options_.system}});
  for (const Message& message : messages_) {
    json.push_back({{"role", std::string(role_name(message.role))}, {"content", message.text()}});
  }
  const Status written = write_file_atomic(path, dump_json({{"messages", json}}, 2) + "\n", 0600);
  if (!written.ok()) {
    complain(written.error().message);
  } else {
    remark(fmt::format("{} messages written to {}", messages_.size(), path));
  }
}

void ChatSession::answer() {
  InterruptGuard::clear();
  auto answer = generator_.generate(chat_request(options_, messages_));
  if (!answer.ok()) {
    complain(answer.error().message);
    if (answer.error().code == ErrorCode::kContextLength) remark("/new begins a new conversation.");
    messages_.pop_back();
    return;
  }
  const auto printed = print_answer(std::move(answer).value());
  InterruptGuard::clear();
  if (!printed.ok()) {
    complain(printed.error().message);
    messages_.pop_back();
    return;
  }
  messages_.push_back(text_message(Role::kAssistant, printed->text));
  if (show_speed_) remark(speed_line(*printed));
  fmt::print("\n");
}

Result<int> ChatSession::run(const std::string& history_path) {
  const InterruptGuard guard;
  LineEditor editor(history_path);
  const Colors colors = Colors::for_stream(stdout);
  const auto invisible = [](std::string_view escape) {
    return escape.empty() ? std::string() : fmt::format("\1{}\1", escape);
  };
  const std::string prompt = invisible(colors.cyan) + ">>> " + invisible(colors.reset);
  remark(fmt::format("{}. /help lists commands, Ctrl-D leaves.", generator_.info().name));
  int interrupts = 0;
  for (;;) {
    const LineEditor::Input input = editor.read(prompt, "... ");
    if (input.end == LineEditor::End::kClosed) break;
    if (input.end == LineEditor::End::kInterrupted) {
      if (++interrupts == 2) break;
      remark("Ctrl-C again or Ctrl-D leaves.");
      continue;
    }
    interrupts = 0;
    const std::string text(trim(input.text));
    if (text.empty()) continue;
    if (text.front() == '/' && text.find('\n') == text.npos) {
      if (!run_slash_command(text)) break;
      continue;
    }
    messages_.push_back(text_message(Role::kUser, input.text));
    answer();
  }
  return 0;
}

}  // namespace overtake
