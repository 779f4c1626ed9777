// The interpreter against Jinja2 itself: tests/fixtures/make_template_fixtures.py wrote down what
// the real one gives.
#include <fstream>
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
  limits.max_wall_ms = 60'000;
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
    input.bos_token = bos;
    input.eos_token = eos;
    input.now_s = table["now_s"];
    expect_same(render(sources[model], input), c, model + " / " + c["chat"].get<std::string>());
  }
}

}  // namespace
}  // namespace overtake
