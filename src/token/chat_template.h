// ChatTemplate: a model's own Jinja template, run by our interpreter within fixed bounds.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "token/tokenizer.h"

namespace overtake {

struct TemplateLimits {
  int max_depth = 200;  // of nesting, in the source and while it runs
  int64_t max_steps = 1'000'000;
  size_t max_output_bytes = 8 << 20;
  int max_cpu_ms = 100;  // of the rendering thread, so that a busy machine fails no request
  size_t max_memory_bytes = 64 << 20;  // of all intermediate values together
  int64_t (*cpu_ms)() = nullptr;       // the clock of max_cpu_ms; null is the thread's own
};

struct TemplateInput {
  const Json* messages = nullptr;  // array of {role, content, ...}, as OpenAI's API has them
  const Json* tools = nullptr;     // array, or null
  bool add_generation_prompt = true;
  // The prompt ends within the last message, for the model to write on: after its content, or the
  // last text of its parts. What a template adds to the end of a message is left out.
  bool continue_final_message = false;
  std::string_view bos_token;
  std::string_view eos_token;
  std::string_view unk_token;    // empty: the model has none
  std::string_view pad_token;    // the same
  const Json* extra = nullptr;   // more variables (object), or null
  std::optional<int64_t> now_s;  // UTC seconds for strftime_now; absent is the system's clock
};

// Immutable after parsing; any thread may render.
class ChatTemplate {
 public:
  static Result<ChatTemplate> parse(std::string_view source, TemplateLimits limits = {});
  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;
  ~ChatTemplate();

  // The prompt as one string. Bytes from the template are trusted, bytes that come from messages,
  // tools or extra are not, however they were sliced, joined or filtered on the way. A template's
  // own raise_exception is kInvalidArgument with its text; a bound that is hit is kExhausted.
  Result<MarkedText> render(const TemplateInput& input) const;

 private:
  struct Program;
  explicit ChatTemplate(std::unique_ptr<Program> program);
  Result<MarkedText> render_open(const TemplateInput& input) const;
  std::unique_ptr<Program> program_;
};

}  // namespace overtake
