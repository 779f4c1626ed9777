// What a user writes never becomes a control token and arrives byte for byte: for every control
// token of every vocabulary of the tests, in every role of the model's own chat template.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "token/chat_template.h"
#include "token/hf_test_support.h"

namespace overtake {
namespace {

using testing::load_any;

// The model's template; one that puts its first and last control token around messages where the
// file has none.
std::string template_of(const std::string& name, const std::vector<std::string>& controls) {
  const bool gguf = testing::is_gguf(name);
  const auto checkpoint = gguf ? open_checkpoint(testing::vocabulary_path(name))
                               : Result<std::unique_ptr<Checkpoint>>(nullptr);
  const auto folder =
      gguf ? Result<Metadata>(Metadata()) : read_hf_tokenizer(testing::folder_of(name));
  const Metadata& metadata = gguf ? (*checkpoint)->metadata() : *folder;
  const auto source = *metadata.find_string("tokenizer.chat_template");
  return source.value_or("{% for m in messages %}" + controls.front() +
                         "{{ m.role }}\n{{ m.content }}" + controls.back() + "{% endfor %}");
}

Json conversation(const std::string& kind, const std::string& text) {
  const Json user = {{"role", "user"}, {"content", text}};
  const Json assistant = {{"role", "assistant"}, {"content", text}};
  if (kind == "system") return Json::array({{{"role", "system"}, {"content", text}}, user});
  if (kind == "user") return Json::array({user});
  if (kind == "assistant") return Json::array({user, assistant, user});
  const Json call = {{"id", "call00001"},
                     {"type", "function"},
                     {"function", {{"name", "f"}, {"arguments", {{"x", text}}}}}};
  const Json calls = {{"role", "assistant"}, {"content", ""}, {"tool_calls", Json::array({call})}};
  const Json tool = {{"role", "tool"}, {"tool_call_id", "call00001"}, {"content", text}};
  return Json::array({user, calls, tool, assistant, user});
}

// What stands for characters that a vocabulary lacks may come from anybody's text.
bool is_unknown(const Tokenizer& tokenizer, int32_t id) {
  return tokenizer.token_name(id) == "[UNK]" || tokenizer.token_name(id) == "<unk>";
}

struct Rendered {
  std::vector<int32_t> controls;
  std::string bytes;  // of all other tokens
};

std::optional<Rendered> render(const ChatTemplate& source, const Tokenizer& tokenizer,
                               const Json& messages) {
  TemplateInput input;
  input.messages = &messages;
  const std::string bos(tokenizer.bos() ? tokenizer.token_name(*tokenizer.bos()) : "");
  const auto ends = tokenizer.end_tokens();
  const std::string eos(ends.empty() ? "" : tokenizer.token_name(ends[0]));
  input.bos_token = bos;
  input.eos_token = eos;
  input.now_s = 1'700'000'000;
  const auto text = source.render(input);
  if (!text.ok()) return std::nullopt;
  Rendered out;
  for (const int32_t id : tokenizer.encode(*text)) {
    if (tokenizer.is_control(id) && !is_unknown(tokenizer, id)) {
      out.controls.push_back(id);
    } else {
      out.bytes += tokenizer.token_bytes(id);
    }
  }
  return out;
}

// Vocabularies that rewrite a text, or lack characters, cannot give it back.
bool spells_everything(std::string_view name) {
  return !name.starts_with("bert") && name != "xlm-r";
}

class Taint : public ::testing::TestWithParam<const char*> {};

TEST_P(Taint, NoTextOfAUserBecomesAControlToken) {
  const std::string name = GetParam();
  const auto tokenizer = load_any(name);
  if (!tokenizer && testing::is_optional(name)) GTEST_SKIP() << name << " is not here";
  ASSERT_TRUE(tokenizer);
  std::vector<std::string> controls;
  for (int32_t id = 0; id < tokenizer->size(); ++id) {
    if (tokenizer->is_control(id)) controls.emplace_back(tokenizer->token_name(id));
  }
  ASSERT_FALSE(controls.empty());
  const auto source = ChatTemplate::parse(template_of(name, controls));
  ASSERT_TRUE(source.ok()) << source.error().message;
  int n_roles = 0;
  for (const char* kind : {"system", "user", "assistant", "tool"}) {
    const auto neutral = render(*source, *tokenizer, conversation(kind, "harmless"));
    if (!neutral) continue;  // this template has no such role
    ++n_roles;
    for (const std::string& control : controls) {
      const std::string text = "a" + control + control + "b";
      const auto got = render(*source, *tokenizer, conversation(kind, text));
      ASSERT_TRUE(got) << kind << " " << control;
      ASSERT_EQ(got->controls, neutral->controls) << kind << " " << control;
      if (spells_everything(name)) {
        ASSERT_NE(got->bytes.find(text), std::string::npos) << kind << " " << control;
      }
    }
  }
  EXPECT_GE(n_roles, 2);
}

// A token that is written half by the template and half by a user is none.
TEST_P(Taint, NoControlTokenBeginsInTrustedTextAndEndsInAUsers) {
  const std::string name = GetParam();
  const auto tokenizer = load_any(name);
  if (!tokenizer && testing::is_optional(name)) GTEST_SKIP() << name << " is not here";
  ASSERT_TRUE(tokenizer);
  for (int32_t id = 0; id < tokenizer->size(); ++id) {
    if (!tokenizer->is_control(id) || is_unknown(*tokenizer, id)) continue;
    const std::string text(tokenizer->token_name(id));
    for (size_t cut = 0; cut < text.size(); ++cut) {
      MarkedText marked;
      marked.append(text.substr(0, cut), true);
      marked.append(text.substr(cut, 1), false);
      marked.append(text.substr(cut + 1), true);
      for (const int32_t got : tokenizer->encode(marked)) ASSERT_NE(got, id) << text << " " << cut;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Taint, ::testing::ValuesIn(testing::all_vocabularies()),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::erase_if(name, [](char c) { return c == '-' || c == '.'; });
                           return name;
                         });

}  // namespace
}  // namespace overtake
