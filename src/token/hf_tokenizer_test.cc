#include "token/hf_tokenizer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "token/hf_test_support.h"

namespace overtake {
namespace {

// A folder of its own for each test.
class Folder {
 public:
  Folder() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    path_ = std::filesystem::path(::testing::TempDir()) / (std::string("hf_") + test->name());
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder& put(const std::string& name, const std::string& text) {
    EXPECT_TRUE(write_file_atomic((path_ / name).string(), text).ok());
    return *this;
  }
  Folder& put(const std::string& name, const char* text) { return put(name, std::string(text)); }
  Folder& put(const std::string& name, const Json& json) { return put(name, dump_json(json)); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

Json small_bpe() {
  return parse_json(R"({
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "<s>": 3, "</s>": 4},
              "merges": ["a b"]},
    "added_tokens": [{"id": 3, "content": "<s>", "special": true},
                     {"id": 4, "content": "</s>", "special": true},
                     {"id": 5, "content": "<tool>", "special": false}],
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
    "normalizer": null})",
                    "test")
      .value();
}

Error error_of(const Folder& folder) {
  const auto read = read_hf_tokenizer(folder.path());
  if (!read.ok()) return read.error();
  const auto loaded = Tokenizer::load(*read, folder.path());
  if (!loaded.ok()) return loaded.error();
  ADD_FAILURE() << "was not refused";
  return {};
}

#define EXPECT_ERROR(folder, expected, part)                                 \
  {                                                                          \
    const Error error = error_of(folder);                                    \
    EXPECT_EQ(error.code, expected) << error.message;                        \
    EXPECT_NE(error.message.find(part), std::string::npos) << error.message; \
  }

TEST(HfTokenizer, GivesTheKeysOfAGgufFile) {
  Folder folder;
  folder.put("tokenizer.json", small_bpe())
      .put("tokenizer_config.json", Json{{"bos_token", "<s>"},
                                         {"eos_token", {{"content", "</s>"}}},
                                         {"add_bos_token", true},
                                         {"chat_template", "{{ messages }}"}})
      .put("generation_config.json", Json{{"eos_token_id", {4, 5}}})
      .put("config.json", Json{{"vocab_size", 8}});
  const Metadata got = read_hf_tokenizer(folder.path()).value();
  EXPECT_EQ(*got.find_string("tokenizer.ggml.model"), "gpt2");
  EXPECT_EQ(*got.find_string("tokenizer.ggml.pre"), "gpt-2");
  EXPECT_EQ(
      **got.find_strings("tokenizer.ggml.tokens"),
      (std::vector<std::string>{"a", "b", "ab", "<s>", "</s>", "<tool>", "[PAD6]", "[PAD7]"}));
  EXPECT_EQ(*got.find_ints("tokenizer.ggml.token_type"),
            (std::vector<int64_t>{1, 1, 1, 3, 3, 4, 5, 5}));
  EXPECT_EQ(**got.find_strings("tokenizer.ggml.merges"), std::vector<std::string>{"a b"});
  EXPECT_EQ(*got.find_int("tokenizer.ggml.bos_token_id"), 3);
  EXPECT_EQ(*got.find_int("tokenizer.ggml.eos_token_id"), 4);
  EXPECT_EQ(*got.find_bool("tokenizer.ggml.add_bos_token"), true);
  EXPECT_EQ(*got.find_string("tokenizer.chat_template"), "{{ messages }}");
  const auto tokenizer = Tokenizer::load_folder(folder.path());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  EXPECT_TRUE((*tokenizer)->ends(4));
  EXPECT_TRUE((*tokenizer)->ends(5));
  EXPECT_EQ(testing::join_ids((*tokenizer)->encode_user("abb<tool>a<s>")), "2 1 5 0");
  EXPECT_EQ(testing::join_ids((*tokenizer)->encode_trusted("a<s>")), "0 3");
}

TEST(HfTokenizer, TakesTheTemplateOfItsOwnFileFirst) {
  Folder folder;
  folder.put("tokenizer.json", small_bpe())
      .put("tokenizer_config.json", Json{{"chat_template", "old"}})
      .put("chat_template.jinja", "new");
  EXPECT_EQ(*read_hf_tokenizer(folder.path())->find_string("tokenizer.chat_template"), "new");
}

TEST(HfTokenizer, KeepsNamedTemplates) {
  const Metadata got = read_hf_tokenizer(testing::folder_of("mistral")).value();
  EXPECT_NE((*got.find_string("tokenizer.chat_template"))->find("[INST]"), std::string::npos);
  EXPECT_EQ(*got.find_string("tokenizer.chat_template.rag"), "{{ documents }}");
  EXPECT_EQ(**got.find_strings("tokenizer.chat_templates"), std::vector<std::string>{"rag"});
}

TEST(HfTokenizer, ReadsNamedTemplatesFromTheirFolder) {
  Folder folder;
  std::filesystem::create_directory(folder.path() + "/additional_chat_templates");
  folder.put("tokenizer.json", small_bpe())
      .put("chat_template.jinja", "plain")
      .put("additional_chat_templates/tool_use.jinja", "tools")
      .put("additional_chat_templates/rag.jinja", "rag")
      .put("additional_chat_templates/notes.txt", "no template");
  const Metadata got = read_hf_tokenizer(folder.path()).value();
  EXPECT_EQ(*got.find_string("tokenizer.chat_template"), "plain");
  EXPECT_EQ(*got.find_string("tokenizer.chat_template.tool_use"), "tools");
  EXPECT_EQ(**got.find_strings("tokenizer.chat_templates"),
            (std::vector<std::string>{"rag", "tool_use"}));
}

TEST(HfTokenizer, DropsAddedTokensThatTheModelCannotRead) {
  Folder folder;
  folder.put("tokenizer.json", small_bpe())
      .put("tokenizer_config.json", Json{{"pad_token", "<tool>"}})
      .put("config.json", Json{{"vocab_size", 5}});
  const Metadata got = read_hf_tokenizer(folder.path()).value();
  EXPECT_EQ((*got.find_strings("tokenizer.ggml.tokens"))->size(), 5u);
  EXPECT_FALSE(got.has("tokenizer.ggml.padding_token_id"));
}

TEST(HfTokenizer, SaysWhatToDoWithoutTokenizer) {
  Folder folder;
  EXPECT_ERROR(folder, ErrorCode::kNotFound, "tokenizer.json");
}

TEST(HfTokenizer, NamesWhatItDoesNotKnow) {
  const auto kUnsupported = ErrorCode::kUnsupported;
  Folder folder;
  Json json = small_bpe();
  json["pre_tokenizer"] = {
      {"type", "Sequence"},
      {"pretokenizers",
       {{{"type", "Split"}, {"pattern", {{"Regex", "[xyz]+my"}}}, {"behavior", "Isolated"}},
        {{"type", "ByteLevel"}, {"add_prefix_space", false}}}}};
  EXPECT_ERROR(folder.put("tokenizer.json", json), kUnsupported, "[xyz]+my");
  json["pre_tokenizer"] = {{"type", "Unheard"}};
  EXPECT_ERROR(folder.put("tokenizer.json", json), kUnsupported, "Unheard");
  json = small_bpe();
  json["pre_tokenizer"]["add_prefix_space"] = true;
  EXPECT_ERROR(folder.put("tokenizer.json", json), kUnsupported, "ByteLevel prefix");
  json = small_bpe();
  json["normalizer"] = {{"type", "Nmt"}};
  EXPECT_ERROR(folder.put("tokenizer.json", json), kUnsupported, "Nmt");
  json = small_bpe();
  json["model"]["type"] = "WordLevel";
  EXPECT_ERROR(folder.put("tokenizer.json", json), kUnsupported, "WordLevel");
  json = small_bpe();
  json["model"]["end_of_word_suffix"] = "</w>";
  EXPECT_ERROR(folder.put("tokenizer.json", json), kUnsupported, "end_of_word_suffix");
  json = small_bpe();
  json["model"]["dropout"] = 0.1;
  EXPECT_ERROR(folder.put("tokenizer.json", json), kUnsupported, "dropout");
}

TEST(HfTokenizer, RefusesDamagedFiles) {
  const auto kDamaged = ErrorCode::kDamaged;
  Folder folder;
  EXPECT_ERROR(folder.put("tokenizer.json", "{"), kDamaged, "JSON");
  EXPECT_ERROR(folder.put("tokenizer.json", "[]"), kDamaged, "object");
  EXPECT_ERROR(folder.put("tokenizer.json", "{}"), kDamaged, "model");
  EXPECT_ERROR(folder.put("tokenizer.json", std::string(1000, '[')), kDamaged, "nested");
  Json json = small_bpe();
  json["model"]["vocab"]["c"] = -1;
  EXPECT_ERROR(folder.put("tokenizer.json", json), kDamaged, "token id");
  json["model"]["vocab"]["c"] = 1u << 31;
  EXPECT_ERROR(folder.put("tokenizer.json", json), kDamaged, "token id");
  json["model"]["vocab"]["c"] = (1 << 24) - 1;  // sparse
  EXPECT_ERROR(folder.put("tokenizer.json", json), kDamaged, "behind");
  json["model"]["vocab"]["c"] = 1;
  EXPECT_ERROR(folder.put("tokenizer.json", json), kDamaged, "two tokens");
  json = small_bpe();
  json["model"]["merges"] = Json::array({"a c"});
  EXPECT_ERROR(folder.put("tokenizer.json", json), kDamaged, "merges[0]");
  json["model"]["merges"] = Json::array({Json::array({"a"})});
  EXPECT_ERROR(folder.put("tokenizer.json", json), kDamaged, "pair");
  json = small_bpe();
  json["added_tokens"][0]["id"] = 2;
  EXPECT_ERROR(folder.put("tokenizer.json", json), kDamaged, "<s>");
}

TEST(HfTokenizer, RefusesDamagedSentencePieceModels) {
  const std::string whole =
      read_file(testing::folder_of("llama-model") + "/tokenizer.model", 1 << 24).value();
  Folder folder;
  EXPECT_ERROR(folder.put("tokenizer.model", ""), ErrorCode::kDamaged, "no pieces");
  EXPECT_ERROR(folder.put("tokenizer.model", "\xff\xff"), ErrorCode::kDamaged, "SentencePiece");
  for (size_t n = 1; n < whole.size(); n += 997) {
    folder.put("tokenizer.model", whole.substr(0, n));
    const auto read = read_hf_tokenizer(folder.path());
    EXPECT_TRUE(read.ok() || read.error().code == ErrorCode::kDamaged ||
                read.error().code == ErrorCode::kUnsupported);
  }
}

TEST(HfTokenizer, ATokenTakesTheWhiteSpaceOfTheTemplateOnly) {
  const auto phi3 = testing::load_any("phi3");
  ASSERT_TRUE(phi3);
  const int32_t user = *phi3->find("<|user|>");
  EXPECT_EQ(phi3->encode_trusted("<|user|>\n"), std::vector<int32_t>{user});
  MarkedText marked;
  marked.append("<|user|>\n", true);
  marked.append("  x", false);
  std::string rest;
  for (const int32_t id : phi3->encode(marked)) rest += phi3->token_bytes(id);
  EXPECT_EQ(rest, "   x");  // a space goes before every text
}

TEST(HfTokenizer, SpacePrefixOnlyBeforeTheFirstText) {
  const auto mistral = testing::load_any("mistral");
  ASSERT_TRUE(mistral);
  const auto bytes = [&](std::string_view text) {
    std::string out;
    for (const int32_t id : mistral->encode_trusted(text)) out += mistral->token_bytes(id);
    return out;
  };
  EXPECT_EQ(bytes("ab"), " ab");
  EXPECT_EQ(bytes(" ab"), " ab");
  EXPECT_EQ(bytes("<s>ab"), "ab");
}

}  // namespace
}  // namespace overtake
