#include "token/chat_template.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "token/jinja_parser.h"
#include "token/jinja_runtime.h"

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

}  // namespace

Result<MarkedText> ChatTemplate::render(const TemplateInput& input) const {
  jinja::Runtime runtime(*program_->parsed, program_->limits, input.now_s);
  const Status set = set_variables(runtime, input);
  if (set.ok()) return runtime.render();
  return Error{set.error().code,
               set.error().message + "; the conversation for the chat template; change it"};
}

}  // namespace overtake
