// Which of a file's chat templates a request takes.
#include "token/chat_templates.h"

#include <gtest/gtest.h>

namespace overtake {
namespace {

Result<ChatTemplates> load(std::initializer_list<std::pair<const char*, const char*>> values) {
  Metadata metadata("model.gguf");
  metadata.set("tokenizer.chat_templates", std::vector<std::string>{"rag", "tool_use"});
  for (const auto& [key, text] : values) metadata.set(key, std::string(text));
  return ChatTemplates::load(metadata);
}

std::string chosen(const Result<ChatTemplates>& templates, bool with_tools) {
  EXPECT_TRUE(templates.ok());
  const auto found = templates->choose(with_tools);
  if (!found.ok()) return "error: " + found.error().message;
  return (*found)->render({})->text;
}

TEST(ChatTemplates, TakeTheDefaultUnlessToolsHaveTheirOwn) {
  const auto templates = load({{"tokenizer.chat_template", "plain"},
                               {"tokenizer.chat_template.rag", "rag"},
                               {"tokenizer.chat_template.tool_use", "tools"}});
  EXPECT_EQ(chosen(templates, false), "plain");
  EXPECT_EQ(chosen(templates, true), "tools");
}

TEST(ChatTemplates, TakeTheDefaultForToolsThatHaveNone) {
  const auto templates = load({{"tokenizer.chat_template", "plain"}});
  EXPECT_EQ(chosen(templates, true), "plain");
}

TEST(ChatTemplates, TakeADefaultByItsName) {
  const auto templates = load({{"tokenizer.chat_template.default", "named"}});
  EXPECT_EQ(chosen(templates, false), "named");
  const auto both =
      load({{"tokenizer.chat_template", "plain"}, {"tokenizer.chat_template.default", "named"}});
  EXPECT_EQ(chosen(both, false), "plain");
}

TEST(ChatTemplates, NameWhatThereIsWithoutADefault) {
  const auto templates =
      load({{"tokenizer.chat_template.rag", "rag"}, {"tokenizer.chat_template.tool_use", "tools"}});
  EXPECT_EQ(chosen(templates, false),
            "error: it comes with several chat templates (rag, tool_use) and no default");
  EXPECT_EQ(chosen(templates, true), "tools");
  EXPECT_EQ(chosen(load({}), true), "error: it comes without a chat template");
}

TEST(ChatTemplates, FailWithABrokenOneOnlyWhenItIsChosen) {
  const auto templates = load(
      {{"tokenizer.chat_template", "plain"}, {"tokenizer.chat_template.tool_use", "{% if %}"}});
  EXPECT_EQ(chosen(templates, false), "plain");
  EXPECT_TRUE(chosen(templates, true).starts_with("error: "));
}

TEST(ChatTemplates, RefuseATemplateThatIsNoText) {
  Metadata metadata("model.gguf");
  metadata.set("tokenizer.chat_template", int64_t{7});
  EXPECT_FALSE(ChatTemplates::load(metadata).ok());
}

}  // namespace
}  // namespace overtake
