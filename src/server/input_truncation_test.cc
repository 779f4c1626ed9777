#include "server/input_truncation.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace overtake {
namespace {

// Every byte is a token.
class ByteModel : public Generator {
 public:
  explicit ByteModel(int64_t context) { info_.context_length = context; }
  const GeneratorInfo& info() const override { return info_; }
  Result<Answer> generate(GenerateRequest) override {
    return Error{ErrorCode::kUnsupported, "it only counts"};
  }
  Result<Answer> count_tokens(GenerateRequest request) override {
    ++n_counts;
    int64_t bytes = 0;
    for (const Message& message : std::get<ChatPrompt>(request.prompt).messages) {
      bytes += static_cast<int64_t>(message.text().size());
    }
    if (bytes > 2 * info_.context_length) return Error{ErrorCode::kContextLength, "far too long"};
    return counted(bytes);
  }
  int n_counts = 0;

 private:
  GeneratorInfo info_;
};

Message said(Role role, std::string text) {
  Message message;
  message.role = role;
  message.content.push_back(TextPart{std::move(text)});
  return message;
}
Message calls(std::string text, std::vector<std::string> ids) {
  Message message = said(Role::kAssistant, std::move(text));
  for (std::string& id : ids) message.content.push_back(ToolCall{std::move(id), "f", "{}"});
  return message;
}
Message output(std::string id, std::string text) {
  Message message = said(Role::kTool, std::move(text));
  message.tool_call_id = std::move(id);
  return message;
}

// The first characters of what is left, with `context` bytes of room, of which ten are the
// answer's.
std::string left_of(const std::vector<Message>& messages, int64_t context, size_t n_gone) {
  ByteModel model(context);
  wire::Call call;
  call.request.max_tokens = 10;
  call.prompts.emplace_back(ChatPrompt{messages, {}, {}});
  for (size_t i = 0; i < messages.size(); ++i) {
    call.origins.push_back({std::string(1, messages[i].text()[0])});
  }
  EXPECT_EQ(truncate_input(model, &call), n_gone);
  std::string out;
  std::string origins;
  for (const Message& message : std::get<ChatPrompt>(call.prompts[0]).messages) {
    out += message.text()[0];
  }
  for (const auto& origin : call.origins) origins += origin.parts;
  EXPECT_EQ(out, origins);
  return out;
}

std::string ten(char name) { return std::string(10, name); }

TEST(InputTruncation, TheOldestGoUntilTheRestFits) {
  const std::vector<Message> chat = {
      said(Role::kSystem, ten('s')),    said(Role::kUser, ten('a')),
      said(Role::kAssistant, ten('b')), said(Role::kUser, ten('c')),
      said(Role::kAssistant, ten('d')), said(Role::kDeveloper, ten('t')),
      said(Role::kUser, ten('e'))};
  EXPECT_EQ(left_of(chat, 80, 0), "sabcdte");
  EXPECT_EQ(left_of(chat, 79, 2), "scdte");  // a question goes with its answer
  EXPECT_EQ(left_of(chat, 60, 2), "scdte");
  EXPECT_EQ(left_of(chat, 59, 4), "ste");
  EXPECT_EQ(left_of(chat, 40, 4), "ste");
  EXPECT_EQ(left_of(chat, 38, 0), "sabcdte");  // instructions and the last question stay
}

TEST(InputTruncation, ACallGoesWithItsOutputs) {
  const std::vector<Message> chat = {
      said(Role::kUser, ten('q')), calls(ten('a'), {"1", "2"}), output("1", ten('b')),
      output("2", ten('c')),       calls(ten('d'), {"3"}),      output("3", ten('e')),
      calls(ten('f'), {"4", "5"}), output("4", ten('g')),       output("5", ten('h'))};
  EXPECT_EQ(left_of(chat, 99, 3), "qdefgh");
  EXPECT_EQ(left_of(chat, 70, 3), "qdefgh");
  EXPECT_EQ(left_of(chat, 69, 5), "qfgh");
  EXPECT_EQ(left_of(chat, 49, 0), "qabcdefgh");  // what came last stays
}

TEST(InputTruncation, LeavesRoomForTheAnswerButNotMoreThanAQuarter) {
  ByteModel model(1000);
  wire::Call call;
  call.prompts.emplace_back(ChatPrompt{
      {said(Role::kUser, std::string(400, 'a')), said(Role::kUser, std::string(350, 'b'))},
      {},
      {}});
  EXPECT_EQ(truncate_input(model, &call), 0u);
  call.request.max_tokens = 1'000'000;
  EXPECT_EQ(truncate_input(model, &call), 0u);
  std::get<ChatPrompt>(call.prompts[0]).messages.push_back(said(Role::kUser, "c"));
  EXPECT_EQ(truncate_input(model, &call), 1u);
}

TEST(InputTruncation, CountsFewTimesHoweverLongTheConversation) {
  ByteModel model(1000);
  wire::Call call;
  ChatPrompt chat;
  for (int i = 0; i < 200'000; ++i) {
    chat.messages.push_back(said(i % 2 == 0 ? Role::kUser : Role::kAssistant, ten('a')));
  }
  call.prompts.emplace_back(std::move(chat));
  EXPECT_EQ(truncate_input(model, &call), 199'926u);
  EXPECT_LE(model.n_counts, 19);
}

TEST(InputTruncation, NothingGoesWhereTheContextIsNotKnown) {
  ByteModel model(0);
  wire::Call call;
  call.prompts.emplace_back(ChatPrompt{{said(Role::kUser, ten('a'))}, {}, {}});
  EXPECT_EQ(truncate_input(model, &call), 0u);
  EXPECT_EQ(model.n_counts, 0);
}

}  // namespace
}  // namespace overtake
