// The begin-of-text token stands once before a prompt: where the template writes it, the tokenizer
// does not add another, and where only the tokenizer does, it is there.
#include "engine/local_model.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/file.h"

namespace overtake {
namespace {

constexpr std::string_view kWithBos =
    "{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}";
constexpr std::string_view kWithoutBos = "{% for m in messages %}{{ m.content }}{% endfor %}";

// tiny.gguf, in which the template and the flag are replaced by others of the same length.
std::unique_ptr<LocalModel> load_tiny(std::string_view chat_template, bool add_bos) {
  std::string bytes = read_file(OVERTAKE_TEST_DATA_DIR "/gguf/tiny.gguf", 1 << 20).value();
  const auto value_at = [&](std::string_view key) {
    const size_t at = bytes.find(key);
    EXPECT_NE(at, bytes.npos);
    return at + key.size() + sizeof(uint32_t);  // past the value's type
  };
  bytes[value_at("tokenizer.ggml.add_bos_token")] = add_bos ? '\1' : '\0';
  const size_t text = value_at("tokenizer.chat_template") + sizeof(uint64_t);
  const size_t size = bytes.find("{% endif %}", text) + 11 - text;
  std::string padded = std::string(chat_template) + "{#";
  padded.resize(size - 2, ' ');
  bytes.replace(text, size, padded + "#}");
  const auto path =
      std::filesystem::path(testing::TempDir()) / ("bos-" + std::to_string(::getpid()) + ".gguf");
  EXPECT_TRUE(write_file_atomic(path.string(), bytes).ok());
  auto model = LocalModel::load({.path = path.string(), .name = "tiny", .n_threads = 1});
  std::filesystem::remove(path);
  EXPECT_TRUE(model.ok()) << model.error().message;
  return std::move(model).value();
}

// How many begin-of-text tokens a prompt has, of which the first must be at its front.
int64_t count_bos(const LocalModel& model, const Prompt& prompt) {
  const auto ids = model.tokens_of(prompt);
  EXPECT_TRUE(ids.ok()) << ids.error().message;
  const int32_t bos = *model.tokenizer()->bos();
  const int64_t n = std::ranges::count(*ids, bos);
  EXPECT_TRUE(n == 0 || ids->front() == bos);
  return n;
}

Prompt hello_chat() {
  ChatPrompt chat;
  Message message;
  message.content.push_back(TextPart{"hello"});
  chat.messages.push_back(message);
  return chat;
}

TEST(BeginOfText, StandsOnceBeforeAChat) {
  EXPECT_EQ(count_bos(*load_tiny(kWithBos, true), hello_chat()), 1);
  EXPECT_EQ(count_bos(*load_tiny(kWithBos, false), hello_chat()), 1);
}

// As transformers: what the template leaves out, a chat has not.
TEST(BeginOfText, IsTheTemplatesAffairInAChat) {
  EXPECT_EQ(count_bos(*load_tiny(kWithoutBos, true), hello_chat()), 0);
}

TEST(BeginOfText, StandsBeforeATextAsTheVocabularySays) {
  EXPECT_EQ(count_bos(*load_tiny(kWithBos, true), TextPrompt{"hello"}), 1);
  EXPECT_EQ(count_bos(*load_tiny(kWithBos, false), TextPrompt{"hello"}), 0);
}

// The user's words for it are words.
TEST(LocalModel, ReadsARefusalAsWhatWasSaid) {
  const auto model = load_tiny(kWithoutBos, false);
  const auto ids_of = [&](ContentPart part) {
    ChatPrompt chat;
    Message message;
    message.role = Role::kAssistant;
    message.content = {ReasoningPart{"hm"}, std::move(part)};
    chat.messages.push_back(message);
    return model->tokens_of(chat);
  };
  const auto refusal = ids_of(RefusalPart{"hello"});
  ASSERT_TRUE(refusal.ok()) << refusal.error().message;
  EXPECT_FALSE(refusal->empty());
  EXPECT_EQ(*refusal, *ids_of(TextPart{"hello"}));
  EXPECT_EQ(ids_of(ImagePart{"image/png", "", "x"}).error().code, ErrorCode::kUnsupported);
}

TEST(BeginOfText, IsNotAddedByAUser) {
  const auto model = load_tiny(kWithBos, true);
  const std::string name(model->tokenizer()->token_name(*model->tokenizer()->bos()));
  EXPECT_EQ(count_bos(*model, TextPrompt{name + "hello"}), 1);
}

}  // namespace
}  // namespace overtake
