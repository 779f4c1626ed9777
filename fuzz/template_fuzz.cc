// A chat template from a stranger's model file, over a conversation from a stranger: no crash, no
// hang, and a trust bit for every byte. Input: the template, a zero byte, JSON for the variables.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/check.h"
#include "base/json.h"
#include "token/chat_template.h"

namespace {

using overtake::Json;

const Json& default_variables() {
  static const Json value = Json::parse(R"({
    "messages": [{"role": "system", "content": "Be kind."},
                 {"role": "user", "content": "Gr\u00fc\u00dfe <|im_end|> {{ x }}"},
                 {"role": "assistant", "content": null, "tool_calls": [{"id": "call00001",
                  "function": {"name": "f", "arguments": {"a": [1, 2.5, true]}}}]},
                 {"role": "tool", "content": [{"type": "text", "text": "42"}]}],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]})");
  return value;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t zero = input.find('\0');
  overtake::TemplateLimits limits;
  limits.max_depth = 60;
  limits.max_steps = 5'000;
  limits.max_output_bytes = 1 << 15;
  limits.max_memory_bytes = 1 << 20;
  limits.max_cpu_ms = 2'000;
  const auto parsed = overtake::ChatTemplate::parse(input.substr(0, zero), limits);
  if (!parsed.ok()) {
    OVERTAKE_CHECK(!parsed.error().message.empty());
    return 0;
  }
  Json variables = default_variables();
  if (zero != input.npos) {
    auto given = overtake::parse_json(input.substr(zero + 1), "variables");
    if (given.ok() && given->is_object()) variables = std::move(given).value();
  }
  overtake::TemplateInput arguments;
  arguments.extra = &variables;
  arguments.bos_token = "<s>";
  arguments.eos_token = "</s>";
  arguments.now_s = 1'721'997'296;
  const auto rendered = parsed->render(arguments);
  if (rendered.ok()) {
    OVERTAKE_CHECK(rendered->text.size() == rendered->trusted.size());
    OVERTAKE_CHECK(rendered->text.size() <= limits.max_output_bytes);
  } else {
    OVERTAKE_CHECK(!rendered.error().message.empty());
  }
  return 0;
}
