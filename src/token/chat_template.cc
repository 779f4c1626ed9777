#include "token/chat_template.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "token/jinja_parser.h"
#include "token/jinja_runtime.h"
#include "token/jinja_unicode.h"

namespace overtake {

struct ChatTemplate::Program {
  std::unique_ptr<jinja::Program> parsed;
  TemplateLimits limits;
};

ChatTemplate::ChatTemplate(std::unique_ptr<Program> program) : program_(std::move(program)) {}
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;
ChatTemplate::~ChatTemplate() = default;

Result<ChatTemplate> ChatTemplate::parse(std::string_view source, TemplateLimits limits) {
  auto program = std::make_unique<Program>();
  program->parsed = TRY(jinja::parse_template(source, limits));
  program->limits = limits;
  return ChatTemplate(std::move(program));
}

namespace {

// Reasoning comes under several names; templates read one of two. transformers gives them both.
Status alias_reasoning(jinja::Runtime& runtime, jinja::Value& messages) {
  using jinja::string_value;
  if (!messages.is(jinja::Kind::kSequence)) return jinja::type_error("messages are no list");
  for (jinja::Value& message : messages.sequence->all()) {
    if (!message.is(jinja::Kind::kDict)) return jinja::type_error("a message is no object");
    const jinja::Value* reasoning = nullptr;
    for (const std::string_view name : {"reasoning_content", "thinking", "reasoning"}) {
      const jinja::Value* found =
          TRY(dict_find(runtime.budget(), *message.dict, string_value(name, false)));
      if (found == nullptr || found->is(jinja::Kind::kNone)) continue;
      reasoning = found;
      break;
    }
    if (reasoning == nullptr) continue;
    std::vector<jinja::Entry> entries = {{string_value("thinking", false), *reasoning}};
    const std::span<jinja::Entry> all = message.dict->all();
    entries.insert(entries.end(), all.begin(), all.end());
    entries.push_back({string_value("reasoning_content", false), *reasoning});
    message = TRY(make_dict(runtime.heap(), runtime.budget(), entries));
    message.dict->trusted = false;
  }
  return {};
}

// Names as transformers passes them: tools and documents are always there, none if not given.
Status set_variables(jinja::Runtime& runtime, const TemplateInput& input) {
  runtime.set_global("tools", jinja::none_value());
  runtime.set_global("documents", jinja::none_value());
  runtime.set_global("add_generation_prompt", jinja::bool_value(input.add_generation_prompt));
  runtime.set_global("bos_token", jinja::string_value(input.bos_token, true));
  runtime.set_global("eos_token", jinja::string_value(input.eos_token, true));
  if (!input.unk_token.empty()) {
    runtime.set_global("unk_token", jinja::string_value(input.unk_token, true));
  }
  if (!input.pad_token.empty()) {
    runtime.set_global("pad_token", jinja::string_value(input.pad_token, true));
  }
  const auto set = [&](std::string_view name, const Json& json) -> Status {
    if (!runtime.reads(name)) return {};
    jinja::Value value = TRY(runtime.convert(json));
    if (name == "messages") TRY(alias_reasoning(runtime, value));
    runtime.set_global(name, value);
    return {};
  };
  if (input.extra != nullptr && input.extra->is_object()) {
    for (const auto& [name, value] : input.extra->items()) TRY(set(name, value));
  }
  if (input.messages != nullptr) TRY(set("messages", *input.messages));
  if (input.tools != nullptr) TRY(set("tools", *input.tools));
  return {};
}

// Where the text ends without white space as Python sees it.
size_t stripped_size(std::string_view text) {
  while (!text.empty()) {
    const jinja::Char c = jinja::char_before(text, text.size());
    if (!jinja::is_space(c.code)) break;
    text.remove_suffix(c.size);
  }
  return text.size();
}

std::string_view strip(std::string_view text) {
  text = text.substr(0, stripped_size(text));
  while (!text.empty()) {
    const jinja::Char c = jinja::char_at(text, 0);
    if (!jinja::is_space(c.code)) break;
    text.remove_prefix(c.size);
  }
  return text;
}

// The content of a message, or the last text among its parts; null if it has none.
Json* last_text(Json& message) {
  if (!message.is_object() || !message.contains("content")) return nullptr;
  Json& content = message["content"];
  if (content.is_string()) return &content;
  if (!content.is_array()) return nullptr;
  for (size_t i = content.size(); i-- > 0;) {
    Json& part = content[i];
    if (part.is_object() && part.contains("text")) {
      return part["text"].is_string() ? &part["text"] : nullptr;
    }
  }
  return nullptr;
}

}  // namespace

Result<MarkedText> ChatTemplate::render(const TemplateInput& input) const {
  if (input.continue_final_message) return render_open(input);
  jinja::Runtime runtime(*program_->parsed, program_->limits, input.now_s);
  const Status set = set_variables(runtime, input);
  if (set.ok()) return runtime.render();
  return Error{set.error().code,
               set.error().message + "; the conversation for the chat template; change it"};
}

// The way of transformers: a tag at the end of the message says where it stands in the prompt.
Result<MarkedText> ChatTemplate::render_open(const TemplateInput& input) const {
  constexpr std::string_view kTag = "CONTINUE_FINAL_MESSAGE_TAG ";
  const auto wrong = [](std::string_view what) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}; continue_final_message; end the messages with text that the "
                             "template shows, or leave it out",
                             what)};
  };
  Json messages = input.messages ? *input.messages : Json::array();
  Json* text = messages.is_array() && !messages.empty() ? last_text(messages.back()) : nullptr;
  if (text == nullptr) return wrong("the last message has no text to continue");
  const std::string content = text->get<std::string>();
  *text = content + std::string(kTag);
  TemplateInput tagged = input;
  tagged.messages = &messages;
  tagged.continue_final_message = false;
  MarkedText out = TRY(render(tagged));
  const std::string_view rendered = out.text;
  const size_t end = rendered.rfind(kTag.substr(0, kTag.size() - 1));
  if (end == rendered.npos || jinja::find_text(rendered, strip(content), 0) == rendered.npos) {
    return wrong("the template does not show the whole last message");
  }
  // If the tag's space is gone, the template strips messages, and so would it this one.
  const bool strips = rendered.substr(end, kTag.size()) != kTag;
  const std::string_view kept = rendered.substr(0, end);
  const size_t size = strips ? stripped_size(kept) : kept.size();
  out.text.resize(size);
  out.trusted.resize(size);
  return out;
}

}  // namespace overtake
