// The interpreter against Jinja2 itself: tests/fixtures/make_template_fixtures.py wrote down what
// the real one gives.
#include <algorithm>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/json.h"
#include "token/chat_template.h"

namespace overtake {
namespace {

constexpr const char* kFolder = OVERTAKE_TEST_DATA_DIR "/templates/";

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

Json read_json(const std::string& name) { return Json::parse(read_file(kFolder + name)); }

// Room for a machine under sanitizers with other work to do.
TemplateLimits patient() {
  TemplateLimits limits;
  limits.max_cpu_ms = 60'000;
  return limits;
}

Result<MarkedText> render(const std::string& source, const TemplateInput& input) {
  auto parsed = ChatTemplate::parse(source, patient());
  if (!parsed.ok()) return parsed.error();
  return parsed->render(input);
}

// The same text, or both an error (with the same text where the template raised it).
void expect_same(const Result<MarkedText>& ours, const Json& theirs, const std::string& what) {
  if (theirs.contains("expected")) {
    ASSERT_TRUE(ours.ok()) << what << "\n" << ours.error().message;
    EXPECT_EQ(ours->text, theirs["expected"].get<std::string>()) << what;
    EXPECT_EQ(ours->trusted.size(), ours->text.size()) << what;
    return;
  }
  ASSERT_FALSE(ours.ok()) << what << "\nprinted: " << ours->text << "\n" << theirs["error"];
  if (theirs["raised"].get<bool>()) {
    EXPECT_EQ(ours.error().code, ErrorCode::kInvalidArgument) << what;
    const std::string text = theirs["text"];
    EXPECT_EQ(ours.error().message.substr(0, text.size()), text) << what;
  }
}

TEST(Jinja, GivesWhatJinja2GivesForEachFeature) {
  const Json table = read_json("language.json");
  ASSERT_GE(table["cases"].size(), 250u);
  for (const Json& c : table["cases"]) {
    TemplateInput input;
    input.extra = &table["variables"];
    input.now_s = 1721997296;
    const std::string source = c["source"];
    expect_same(render(source, input), c, source);
  }
}

TEST(Jinja, GivesWhatTransformersGivesForModelsTemplates) {
  const Json table = read_json("chats.json");
  std::map<std::string, std::string> sources;
  for (const Json& c : table["cases"]) {
    const std::string model = c["model"];
    if (!sources.contains(model)) {
      sources[model] = read_file(std::string(kFolder) + "models/" + model + ".jinja");
    }
    const Json& chat = table["chats"][c["chat"].get<std::string>()];
    const std::string bos = table["tokens"][model][0];
    const std::string eos = table["tokens"][model][1];
    TemplateInput input;
    input.messages = &chat["messages"];
    if (chat.contains("tools")) input.tools = &chat["tools"];
    if (chat.contains("extra")) input.extra = &chat["extra"];
    input.add_generation_prompt = chat.value("add_generation_prompt", true);
    input.continue_final_message = chat.value("continue_final_message", false);
    input.unk_token = "<unk>";
    input.pad_token = "<pad>";
    input.bos_token = bos;
    input.eos_token = eos;
    input.now_s = table["now_s"];
    expect_same(render(sources[model], input), c, model + " / " + c["chat"].get<std::string>());
  }
}

// Calls `use` with copies of `json` in which one string, one key, or one text turned into two parts
// is `text` instead.
void with_each_replaced(Json& json, const std::string& text, const std::function<void()>& use) {
  if (json.is_string()) {
    const Json old = std::exchange(json, text);
    use();
    const size_t half = text.size() / 2;
    json = Json::array({{{"type", "text"}, {"text", text.substr(0, half)}},
                        {{"type", "text"}, {"text", text.substr(half)}}});
    use();
    json = old;
  } else if (json.is_array()) {
    for (Json& item : json) with_each_replaced(item, text, use);
  } else if (json.is_object()) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : json.items()) keys.push_back(key);
    for (const std::string& key : keys) with_each_replaced(json[key], text, use);
    const Json old = json;
    for (const std::string& key : keys) {
      json = Json::object();
      for (const auto& [k, value] : old.items()) json[k == key ? text : k] = value;
      use();
      json = old;
    }
  }
}

int count_trusted(const MarkedText& out, const std::string& token) {
  int n = 0;
  for (size_t at = out.text.find(token); at != std::string::npos;
       at = out.text.find(token, at + 1)) {
    const auto begin = out.trusted.begin() + static_cast<std::ptrdiff_t>(at);
    n += std::all_of(begin, begin + static_cast<std::ptrdiff_t>(token.size()),
                     [](bool trusted) { return trusted; });
  }
  return n;
}

// Every spelling of a control token, in every role, field and key of every chat, whole and split
// over parts: a user can not add one that the tokenizer would take for the template's.
TEST(Jinja, NoFieldLendsAControlTokenTheTemplatesTrust) {
  const Json table = read_json("chats.json");
  const char* spellings[] = {"<|im_start|>",
                             "<|im_end|>",
                             "<|eot_id|>",
                             "<|start_header_id|>",
                             "<|end_header_id|>",
                             "<|begin_of_text|>",
                             "<|python_tag|>",
                             "[INST]",
                             "[/INST]",
                             "<<SYS>>",
                             "[TOOL_CALLS]",
                             "<|endoftext|>",
                             "<|user|>",
                             "<|assistant|>",
                             "<|system|>",
                             "<|end|>",
                             "<end_of_turn>",
                             "<start_of_turn>",
                             "<tool_call>",
                             "<｜User｜>",
                             "<｜Assistant｜>",
                             "<s>",
                             "</s>",
                             "<bos>",
                             "<eos>",
                             "<|vision_start|>",
                             "<|start_of_role|>",
                             "<|END_OF_TURN_TOKEN|>",
                             "<|end_of_turn|>",
                             "<|im_sep|>",
                             "<|channel|>",
                             "<|observation|>",
                             "<|tool▁calls▁begin|>",
                             "[TOOL_CALLS]",
                             "[SYSTEM_PROMPT]",
                             "<seed:bos>"};
  for (const auto& [model, tokens] : table["tokens"].items()) {
    const std::string source = read_file(std::string(kFolder) + "models/" + model + ".jinja");
    auto parsed = ChatTemplate::parse(source, patient());
    ASSERT_TRUE(parsed.ok()) << model;
    const std::string bos = tokens[0];
    const std::string eos = tokens[1];
    int n_rendered = 0;
    for (const std::string token : spellings) {
      if (source.find(token) == source.npos && token != bos && token != eos) continue;
      for (const char* name : {"several_turns", "turns_no_system", "tool_call_none",
                               "two_tool_calls", "parts", "extras", "reasoning_names"}) {
        Json chat = table["chats"][name];
        const auto render_chat = [&] {
          TemplateInput input;
          input.messages = &chat["messages"];
          if (chat.contains("tools")) input.tools = &chat["tools"];
          if (chat.contains("extra")) input.extra = &chat["extra"];
          input.bos_token = bos;
          input.eos_token = eos;
          input.now_s = 0;
          return parsed->render(input);
        };
        std::vector<int> plain;  // how many the template itself writes, case by case
        const std::string neutral(token.size() + 2, 'Q');
        with_each_replaced(chat, neutral, [&] {
          const auto out = render_chat();
          plain.push_back(out.ok() ? count_trusted(*out, token) : 0);
        });
        const std::string attack = "Q" + token + "Q";
        size_t i = 0;
        with_each_replaced(chat, attack, [&] {
          const auto out = render_chat();
          if (out.ok()) {
            ++n_rendered;
            EXPECT_LE(count_trusted(*out, token), plain[i]) << model << "\n" << out->text;
            for (size_t at = out->text.find(attack); at != std::string::npos;
                 at = out->text.find(attack, at + 1)) {
              for (size_t k = 0; k < attack.size(); ++k)
                EXPECT_FALSE(out->trusted[at + k]) << model;
            }
          }
          ++i;
        });
        EXPECT_EQ(i, plain.size());
      }
    }
    EXPECT_GT(n_rendered, 0) << model;
  }
}

}  // namespace
}  // namespace overtake
