// Vocabularies small enough to follow by hand, and files that lie.
#include "token/tokenizer.h"

#include <gmock/gmock.h>

#include <cmath>

namespace overtake {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Strings = std::vector<std::string>;
using Ints = std::vector<int64_t>;
using Doubles = std::vector<double>;

constexpr int64_t kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6;

Metadata small_bpe() {
  Metadata m("test.gguf");
  m.set("tokenizer.ggml.model", std::string("gpt2"));
  m.set("tokenizer.ggml.pre", std::string("gpt-2"));
  m.set("tokenizer.ggml.tokens",
        Strings{"a", "b", "c", "Ġ", "ab", "bc", "Ġab", "<end>", "<call>", "[PAD]"});
  m.set("tokenizer.ggml.token_type", Ints{1, 1, 1, 1, 1, 1, 1, kControl, kUserDefined, kUnused});
  m.set("tokenizer.ggml.merges", Strings{"b c", "a b", "Ġ ab"});
  m.set("tokenizer.ggml.eos_token_id", uint64_t{7});
  return m;
}

Metadata small_spm() {
  Metadata m("test.gguf");
  m.set("tokenizer.ggml.model", std::string("llama"));
  m.set("tokenizer.ggml.tokens",
        Strings{"<unk>", "<s>", "</s>", "<0xC3>", "<0xA9>", "▁", "a", "b", "ab", "▁ab", "bb"});
  m.set("tokenizer.ggml.token_type",
        Ints{kUnknown, kControl, kControl, kByte, kByte, 1, 1, 1, 1, 1, 1});
  m.set("tokenizer.ggml.scores", Doubles{0, 0, 0, 0, 0, -9, -8, -7, -2, -3, -1});
  m.set("tokenizer.ggml.bos_token_id", uint64_t{1});
  m.set("tokenizer.ggml.eos_token_id", uint64_t{2});
  m.set("tokenizer.ggml.unknown_token_id", uint64_t{0});
  return m;
}

std::unique_ptr<Tokenizer> load(const Metadata& metadata) {
  auto loaded = Tokenizer::load(metadata, "test.gguf");
  if (!loaded.ok()) ADD_FAILURE() << loaded.error().message;
  return loaded.ok() ? std::move(*loaded) : nullptr;
}

Error load_error(const Metadata& metadata) {
  auto loaded = Tokenizer::load(metadata, "test.gguf");
  if (loaded.ok()) {
    ADD_FAILURE() << "loaded";
    return {};
  }
  EXPECT_THAT(loaded.error().message, HasSubstr("test.gguf"));
  return loaded.error();
}

#define EXPECT_LOAD_ERROR(metadata, error_code, part)   \
  do {                                                  \
    const Error error = load_error(metadata);           \
    EXPECT_EQ(error.code, error_code) << error.message; \
    EXPECT_THAT(error.message, HasSubstr(part));        \
  } while (0)

TEST(ByteLevelBpe, MergesByRankThenFromTheLeft) {
  const auto t = load(small_bpe());
  ASSERT_TRUE(t);
  EXPECT_THAT(t->encode_user("abc"), ElementsAre(0, 5));  // "b c" ranks before "a b"
  EXPECT_THAT(t->encode_user(" ab ab"), ElementsAre(6, 6));
  EXPECT_THAT(t->encode_user("abab"), ElementsAre(4, 4));
  EXPECT_THAT(t->encode_user(""), ElementsAre());
}

TEST(ByteLevelBpe, DropsBytesThatItCanNotSpell) {
  const auto t = load(small_bpe());
  ASSERT_TRUE(t);
  EXPECT_THAT(t->encode_user("axb\xff"), ElementsAre(4));
  Metadata with_unknown = small_bpe();
  with_unknown.set("tokenizer.ggml.unknown_token_id", uint64_t{7});
  const auto u = load(with_unknown);
  ASSERT_TRUE(u);
  EXPECT_THAT(u->encode_user("x"), ElementsAre()) << "an unknown token that is a control token";
}

TEST(ByteLevelBpe, KnowsKindsOfTokens) {
  const auto t = load(small_bpe());
  ASSERT_TRUE(t);
  EXPECT_THAT(t->encode_trusted("a<end><call>"), ElementsAre(0, 7, 8));
  EXPECT_THAT(t->encode_user("<end>b<call>"), ElementsAre(1, 8)) << "'<end>' can not be spelled";
  EXPECT_THAT(t->encode_trusted("[PAD]"), ElementsAre());
  EXPECT_EQ(t->decode(std::vector<int32_t>{6, 7, 8, 9}), " ab<call>");
  EXPECT_THAT(t->end_tokens(), ElementsAre(7));
  EXPECT_FALSE(t->add_bos());
}

TEST(ByteLevelBpe, MergesNeverMakeAControlToken) {
  Metadata m = small_bpe();
  m.set("tokenizer.ggml.token_type", Ints{1, 1, 1, 1, kControl, 1, 1, kControl, kUserDefined, 5});
  const auto t = load(m);
  ASSERT_TRUE(t);
  EXPECT_THAT(t->encode_user("ab"), ElementsAre(0, 1));
  EXPECT_THAT(t->encode_trusted("ab"), ElementsAre(4));
}

TEST(ByteLevelBpe, RefusesWhatItWouldHaveToGuess) {
  Metadata m = small_bpe();
  m.set("tokenizer.ggml.pre", std::string("made-up"));
  EXPECT_LOAD_ERROR(m, ErrorCode::kUnsupported, "made-up");
  m.set("tokenizer.ggml.pre", std::string("default"));
  EXPECT_LOAD_ERROR(m, ErrorCode::kUnsupported, "tokenizer.ggml.pre");
  m = small_bpe();
  m.set("tokenizer.ggml.model", std::string("rwkv"));
  EXPECT_LOAD_ERROR(m, ErrorCode::kUnsupported, "rwkv");
  m = small_bpe();
  m.set("tokenizer.ggml.add_space_prefix", true);
  EXPECT_LOAD_ERROR(m, ErrorCode::kUnsupported, "add_space_prefix");
  EXPECT_LOAD_ERROR(Metadata(), ErrorCode::kNotFound, "tokenizer.ggml.model");
}

TEST(ByteLevelBpe, RefusesDamagedFiles) {
  const auto with = [](const char* key, MetaValue value) {
    Metadata m = small_bpe();
    m.set(key, std::move(value));
    return m;
  };
  const auto kDamaged = ErrorCode::kDamaged;
  EXPECT_LOAD_ERROR(with("tokenizer.ggml.merges", Strings{"a"}), kDamaged, "merges[0]");
  EXPECT_LOAD_ERROR(with("tokenizer.ggml.merges", Strings{""}), kDamaged, "merges[0]");
  EXPECT_LOAD_ERROR(with("tokenizer.ggml.merges", Strings{"b c", "a x"}), kDamaged, "merges[1]");
  EXPECT_LOAD_ERROR(with("tokenizer.ggml.merges", Strings{"a c"}), kDamaged, "merges[0]");
  EXPECT_LOAD_ERROR(with("tokenizer.ggml.merges", Ints{1}), kDamaged, "merges");
  EXPECT_LOAD_ERROR(with("tokenizer.ggml.tokens", Doubles{1}), kDamaged, "tokens");
  EXPECT_LOAD_ERROR(with("tokenizer.ggml.tokens", Strings{}), ErrorCode::kNotFound, "tokens");
  EXPECT_LOAD_ERROR(with("tokenizer.ggml.token_type", Ints{1, 1}), kDamaged, "expected 10");
  EXPECT_LOAD_ERROR(with("tokenizer.ggml.token_type", Ints{1, 1, 1, 1, 1, 1, 1, 1, 0, 1}), kDamaged,
                    "token_type[8]");
  EXPECT_LOAD_ERROR(with("tokenizer.ggml.token_type", Ints{1, 1, 1, 1, 1, 1, 1, 1, 1, 7}), kDamaged,
                    "token_type[9]");
  EXPECT_LOAD_ERROR(
      with("tokenizer.ggml.tokens", Strings{"a", "b", "c", "d", "a", "f", "g", "h", "i", "j"}),
      kDamaged, "tokens[4]");
  Strings long_one = {"a", "b", "c", "Ġ", "ab", "bc", "Ġab", "<end>", "<call>", ""};
  long_one.back().assign(70'000, 'x');
  EXPECT_LOAD_ERROR(with("tokenizer.ggml.tokens", long_one), kDamaged, "tokens[9]");
  for (const char* key : {"bos", "eos", "eot", "eom", "unknown"}) {
    const std::string name = std::string("tokenizer.ggml.") + key + "_token_id";
    EXPECT_LOAD_ERROR(with(name.c_str(), uint64_t{10}), kDamaged, name);
    EXPECT_LOAD_ERROR(with(name.c_str(), int64_t{-1}), kDamaged, name);
    EXPECT_LOAD_ERROR(with(name.c_str(), std::string("2")), kDamaged, name);
  }
}

TEST(SentencePiece, MergesByScore) {
  const auto t = load(small_spm());
  ASSERT_TRUE(t);
  EXPECT_THAT(t->encode_user("ab"), ElementsAre(9));          // "ab", then "▁ab"
  EXPECT_THAT(t->encode_user("abb"), ElementsAre(5, 6, 10));  // "bb" scores best
  EXPECT_THAT(t->encode_user("a ab"), ElementsAre(5, 6, 9));
  EXPECT_THAT(t->encode_user("▁ab"), ElementsAre(5, 9));
  EXPECT_THAT(t->encode_user(""), ElementsAre());
  EXPECT_EQ(t->decode(std::vector<int32_t>{9, 9}), "ab ab");
  EXPECT_TRUE(t->add_bos());
}

TEST(SentencePiece, SpellsUnknownCharactersInBytes) {
  const auto t = load(small_spm());
  ASSERT_TRUE(t);
  EXPECT_THAT(t->encode_user("aéb"), ElementsAre(5, 6, 3, 4, 7));
  EXPECT_THAT(t->encode_user("a中"), ElementsAre(5, 6, 0)) << "no bytes for it: unknown";
  EXPECT_EQ(t->decode(t->encode_user("éa")), "éa");
}

TEST(SentencePiece, UsersTextNeverNamesBytesOrControlTokens) {
  Metadata m = small_spm();
  m.set("tokenizer.ggml.unknown_token_id", uint64_t{1});  // a control token: not emitted
  const auto t = load(m);
  ASSERT_TRUE(t);
  EXPECT_THAT(t->encode_user("<s><0xC3>"), ElementsAre(5));
  EXPECT_THAT(t->encode_trusted("<s>a</s>"), ElementsAre(1, 5, 6, 2));
}

TEST(SentencePiece, TakesTokensWithSpacesInside) {
  Metadata m = small_spm();
  m.set("tokenizer.ggml.tokens",
        Strings{"<unk>", "<s>", "</s>", "<0xC3>", "<0xA9>", "▁", "a", "b", "ab", "b▁", "b▁a"});
  const auto t = load(m);
  ASSERT_TRUE(t);
  EXPECT_THAT(t->encode_user("b a"), ElementsAre(5, 10));
}

TEST(SentencePiece, PutsNoSpaceBeforeTextsWhereTheFileSaysSo) {
  Metadata m = small_spm();
  m.set("tokenizer.ggml.add_space_prefix", false);
  const auto t = load(m);
  ASSERT_TRUE(t);
  EXPECT_THAT(t->encode_user("ab"), ElementsAre(8));
  EXPECT_EQ(t->decode(std::vector<int32_t>{9}), " ab");
}

TEST(SentencePiece, RefusesDamagedFiles) {
  const auto named = [](const char* byte_token) {
    Metadata m = small_spm();
    m.set("tokenizer.ggml.tokens",
          Strings{"<unk>", "<s>", "</s>", byte_token, "<0xA9>", "▁", "a", "b", "ab", "▁ab", "bb"});
    return m;
  };
  const auto kDamaged = ErrorCode::kDamaged;
  for (const char* name : {"<0x-1>", "<0x1>", "<0x100>", "<0xGG>", "<0x 1>", "<0x+1>", "0x41", "",
                           "<0xA9", "<0x0x>", "<0xa9>"}) {
    EXPECT_LOAD_ERROR(named(name), kDamaged, "of type byte");
  }
  const auto scored = [](MetaValue scores) {
    Metadata m = small_spm();
    m.set("tokenizer.ggml.scores", std::move(scores));
    return m;
  };
  EXPECT_LOAD_ERROR(scored(Doubles{1, 2}), kDamaged, "scores: expected 11 entries, found 2");
  EXPECT_LOAD_ERROR(scored(Strings{"x"}), kDamaged, "scores");
  EXPECT_LOAD_ERROR(scored(Doubles{0, 0, 0, 0, 0, 0, NAN, 0, 0, 0, 0}), kDamaged, "scores[6]");
}

TEST(SentencePiece, RefusesVocabulariesThatRewriteTexts) {
  Metadata m = small_spm();
  m.set("tokenizer.ggml.remove_extra_whitespaces", true);
  EXPECT_LOAD_ERROR(m, ErrorCode::kUnsupported, "remove_extra_whitespaces");
}

TEST(Tokenizer, EndsTurnsAtWellKnownControlTokens) {
  Metadata m = small_bpe();
  m.set("tokenizer.ggml.tokens",
        Strings{"a", "b", "c", "Ġ", "ab", "bc", "Ġab", "<end>", "<|eot_id|>", "<|im_end|>"});
  m.set("tokenizer.ggml.token_type", Ints{1, 1, 1, 1, 1, 1, 1, kControl, kControl, 1});
  const auto t = load(m);
  ASSERT_TRUE(t);
  EXPECT_THAT(t->end_tokens(), ElementsAre(7, 8)) << "<|im_end|> is no control token here";
}

}  // namespace
}  // namespace overtake
