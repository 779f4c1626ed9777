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

// Names as transformers passes them: tools and documents are always there, none if not given.
Result<MarkedText> ChatTemplate::render(const TemplateInput& input) const {
  jinja::Runtime runtime(*program_->parsed, program_->limits, input.now_s);
  runtime.set_global("messages", jinja::undefined_value("messages"));
  runtime.set_global("tools", jinja::none_value());
  runtime.set_global("documents", jinja::none_value());
  runtime.set_global("add_generation_prompt", jinja::bool_value(input.add_generation_prompt));
  runtime.set_global("bos_token", jinja::string_value(input.bos_token, true));
  runtime.set_global("eos_token", jinja::string_value(input.eos_token, true));
  if (input.extra != nullptr && input.extra->is_object()) {
    for (const auto& [name, value] : input.extra->items()) TRY(runtime.set_global(name, value));
  }
  if (input.messages != nullptr) TRY(runtime.set_global("messages", *input.messages));
  if (input.tools != nullptr) TRY(runtime.set_global("tools", *input.tools));
  return runtime.render();
}

}  // namespace overtake
