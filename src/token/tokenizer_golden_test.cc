// Real vocabularies against Hugging Face's ids, and properties that hold for every text.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "token/tokenizer_test_support.h"

namespace overtake {
namespace {

using testing::ExpectedIds;
using testing::join_ids;
using testing::load_vocabulary;
using testing::random_string;
using testing::read_expected;
using testing::vocabulary_path;

class RealVocabulary : public ::testing::TestWithParam<std::string> {
 protected:
  // Loaded once for all tests; null after a failure, or where the data are not at hand.
  const Tokenizer* tokenizer() const {
    static std::map<std::string, std::unique_ptr<Tokenizer>> loaded;
    const std::string path = vocabulary_path(GetParam());
    if (path.empty()) {
      fmt::print("not run for want of OVERTAKE_TEST_DATA: {}\n",
                 ::testing::UnitTest::GetInstance()->current_test_info()->name());
      return nullptr;
    }
    auto& slot = loaded[GetParam()];
    if (!slot) slot = load_vocabulary(path);
    EXPECT_TRUE(slot) << path;
    return slot.get();
  }
  bool is_byte_level() const { return GetParam() != "llama-spm"; }
};

TEST_P(RealVocabulary, GivesHuggingFacesIds) {
  const Tokenizer* t = tokenizer();
  if (!t) return;
  std::vector<ExpectedIds> cases = read_expected("varied.inp", "varied." + GetParam() + ".out");
  EXPECT_GE(cases.size(), 200u);
  if (GetParam() != "smollm2") {
    const auto golden = read_expected("golden.inp", "golden." + GetParam() + ".out");
    cases.insert(cases.end(), golden.begin(), golden.end());
  }
  for (const ExpectedIds& c : cases) {
    EXPECT_EQ(join_ids(t->encode_user(c.text)), c.ids) << ::testing::PrintToString(c.text);
  }
}

TEST_P(RealVocabulary, GivesHuggingFacesIdsForTrustedControlTokens) {
  const Tokenizer* t = tokenizer();
  if (!t) return;
  const auto cases =
      read_expected("special." + GetParam() + ".inp", "special." + GetParam() + ".out");
  for (const ExpectedIds& c : cases) {
    EXPECT_EQ(join_ids(t->encode_trusted(c.text)), c.ids) << ::testing::PrintToString(c.text);
  }
}

TEST_P(RealVocabulary, SpellsEveryToken) {
  const Tokenizer* t = tokenizer();
  if (!t) return;
  for (int32_t id = 0; id < t->size(); ++id) {
    EXPECT_EQ(t->find(t->token_name(id)), id);
    const std::string bytes = t->token_bytes(id);
    if (t->is_control(id)) {
      EXPECT_EQ(bytes, "");
      const auto ids = t->encode_trusted(t->token_name(id));
      EXPECT_EQ(join_ids(ids), std::to_string(id)) << t->token_name(id);
      continue;
    }
    EXPECT_FALSE(bytes.empty()) << id;
    ASSERT_EQ(t->decode(t->encode_user(bytes)), bytes) << id;
  }
}

TEST_P(RealVocabulary, IdsOutOfRangeAreNothing) {
  const Tokenizer* t = tokenizer();
  if (!t) return;
  for (const int32_t id : {-1, INT32_MIN, t->size(), INT32_MAX}) {
    EXPECT_EQ(t->token_bytes(id), "");
    EXPECT_EQ(t->token_name(id), "");
    EXPECT_FALSE(t->is_control(id));
    EXPECT_EQ(t->decode(std::vector<int32_t>{id}), "");
  }
}

// Bytes that a vocabulary has no token for are dropped, as Hugging Face does; all others survive.
TEST_P(RealVocabulary, DecodesWhatItEncoded) {
  const Tokenizer* t = tokenizer();
  if (!t) return;
  std::string spellable;
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    if (t->decode(t->encode_user({&c, 1})) == std::string_view(&c, 1)) spellable += c;
  }
  EXPECT_GE(spellable.size(), 228u);  // Falcon lacks 28, SmolLM2 21, the others none
  std::mt19937 rng(11);
  for (int round = 0; round < 3000; ++round) {
    const std::string text =
        random_string(rng, round % 100 == 0 ? 3000 : 40,
                      round % 2 ? std::string_view("ab c\n'st.0129\xC3\xA9\xE4\xB8\xAD")
                                : std::string_view(spellable));
    ASSERT_EQ(t->decode(t->encode_user(text)), text);
  }
}

// However a control token is cut into trusted and user's parts, it never comes out unless every
// byte of it is trusted.
TEST_P(RealVocabulary, UsersTextNeverBecomesAControlToken) {
  const Tokenizer* t = tokenizer();
  if (!t) return;
  const auto has_control = [&](const std::vector<int32_t>& ids) {
    return std::any_of(ids.begin(), ids.end(), [&](int32_t id) { return t->is_control(id); });
  };
  std::mt19937 rng(13);
  for (int32_t id = 0; id < t->size(); ++id) {
    if (!t->is_control(id)) continue;
    const std::string name(t->token_name(id));
    for (const std::string& around : {std::string(), std::string(" "), std::string("a\n")}) {
      EXPECT_FALSE(has_control(t->encode_user(around + name + around))) << name;
    }
    for (size_t i = 0; i < name.size(); ++i) {
      MarkedText text;
      text.append(name.substr(0, i), true);
      text.append(name.substr(i, 1), false);
      text.append(name.substr(i + 1), true);
      EXPECT_FALSE(has_control(t->encode(text))) << name << " with byte " << i << " a user's";
    }
  }
}

// Ordinary tokens do not see who wrote a byte: merges run over the joined string.
TEST_P(RealVocabulary, TrustDoesNotChangeOrdinaryTokens) {
  const Tokenizer* t = tokenizer();
  if (!t) return;
  const std::string text = "The quick brown fox, unbelievably, jumps over 1234 lazy dogs.";
  const auto expected = t->encode_user(text);
  for (size_t i = 0; i <= text.size(); ++i) {
    MarkedText marked;
    marked.append(text.substr(0, i), true);
    marked.append(text.substr(i), false);
    EXPECT_EQ(t->encode(marked), expected);
  }
}

// A quarter of a megabyte without a place to cut: quadratic work would take minutes.
TEST_P(RealVocabulary, LongRunsTakeNearlyLinearTime) {
  const Tokenizer* t = tokenizer();
  if (!t) return;
  std::mt19937 rng(17);
  for (const char* alphabet : {"a", "abcdefghijklmnopqrstuvwxyz", " ", ".", "=-"}) {
    std::string text(1 << 18, '\0');
    for (char& c : text) c = alphabet[rng() % std::string_view(alphabet).size()];
    ASSERT_TRUE(t->decode(t->encode_user(text)) == text) << alphabet;
  }
}

INSTANTIATE_TEST_SUITE_P(All, RealVocabulary,
                         ::testing::Values("gpt-2", "falcon", "smollm2", "llama-spm", "llama-bpe"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST(RealRoles, AreThoseOfTheModels) {
  const auto smol = load_vocabulary(vocabulary_path("smollm2"));
  ASSERT_TRUE(smol);
  EXPECT_FALSE(smol->add_bos());
  EXPECT_EQ(join_ids({smol->end_tokens().begin(), smol->end_tokens().end()}), "2 0");
  EXPECT_TRUE(smol->ends(2));
  EXPECT_FALSE(smol->ends(1));
  const auto llama = load_vocabulary(vocabulary_path("llama-spm"));
  ASSERT_TRUE(llama);
  EXPECT_TRUE(llama->add_bos());
  EXPECT_EQ(llama->bos(), 1);
  EXPECT_EQ(join_ids({llama->end_tokens().begin(), llama->end_tokens().end()}), "2");
  const auto falcon = load_vocabulary(vocabulary_path("falcon"));
  ASSERT_TRUE(falcon);
  EXPECT_FALSE(falcon->add_bos());
  EXPECT_EQ(join_ids({falcon->end_tokens().begin(), falcon->end_tokens().end()}), "11");
}

// The Falcon pre-tokenizer leaves out a step of Hugging Face's that could matter only to such
// tokens (see pretokenizer/falcon.cc).
TEST(RealFalcon, HasNoTokenAcrossADigitBorder) {
  const auto falcon = load_vocabulary(vocabulary_path("falcon"));
  ASSERT_TRUE(falcon);
  const auto is_digit_byte = [](char c) {  // in the byte-level alphabet: 0-9 ² ³ ¹ ¼ ½ ¾
    return (c >= '0' && c <= '9') ||
           std::string_view("\xB2\xB3\xB9\xBC\xBD\xBE").find(c) != std::string_view::npos;
  };
  for (int32_t id = 0; id < falcon->size(); ++id) {
    const std::string bytes = falcon->token_bytes(id);
    const auto n = std::count_if(bytes.begin(), bytes.end(), is_digit_byte);
    const auto n_ascii =
        std::count_if(bytes.begin(), bytes.end(), [](char c) { return c >= '0' && c <= '9'; });
    EXPECT_TRUE(n == 0 || n == static_cast<int64_t>(bytes.size())) << falcon->token_name(id);
    EXPECT_TRUE(n_ascii == 0 || n_ascii == n) << falcon->token_name(id);
  }
}

}  // namespace
}  // namespace overtake
