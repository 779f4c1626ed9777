// Masks and cursors over a small vocabulary: the same as asking token by token, nothing forced that
// is not the only way on.
#include "token/grammar/grammar_cursor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "token/grammar/grammar_cache.h"
#include "token/grammar/grammar_test_support.h"

namespace overtake {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::ids_of;
using testing::TinyTokenizer;
using Kind = GrammarSource::Kind;

class GrammarCursors : public ::testing::Test {
 protected:
  GrammarCursor begin(const GrammarSource& source) {
    auto masks = cache_.get(source);
    EXPECT_TRUE(masks.ok()) << masks.error().message;
    return GrammarCursor::begin(*masks, tokenizer_).value();
  }
  std::vector<std::string> allowed(GrammarCursor& cursor) {
    std::vector<std::string> out;
    for (const int32_t id : ids_of(cursor.allowed().value())) {
      out.push_back(id == tokenizer_.end() ? "END" : tokenizer_.token_bytes(id));
    }
    return out;
  }
  void accept(GrammarCursor& cursor, std::string_view token) {
    ASSERT_TRUE(cursor.accept(*tokenizer_.find(token)).ok()) << token;
  }

  TinyTokenizer tokenizer_{{"ab", "abc", "{\"", "\": ", "name", "\":", "\"x", "yes", "es", "é"}};
  GrammarCache cache_{tokenizer_, {tokenizer_.end()}, tokenizer_.size()};
};

TEST_F(GrammarCursors, AllowTokensThatGoOnAndTheEndWhereItMayEnd) {
  GrammarCursor cursor = begin({Kind::kRegex, "a(bc?)*"});
  EXPECT_THAT(cursor.forced(), std::nullopt);  // "a" is forced, but "ab" may come as well
  EXPECT_THAT(allowed(cursor), ElementsAre("a", "ab", "abc"));
  accept(cursor, "ab");
  EXPECT_THAT(allowed(cursor), ElementsAre("b", "c", "END"));
  EXPECT_FALSE(cursor.is_over());
}

TEST_F(GrammarCursors, MasksAreWhatEachTokenAloneGives) {
  const GrammarSource sources[] = {
      {Kind::kJsonObject},
      {Kind::kRegex, "(ab|[a-z]{2,5}|é)*x"},
      {Kind::kGbnf, "root ::= \"{\\\"\" root \"\\\": \" | \"yes\" | \"name\" root?"},
      {Kind::kJsonSchema, R"({"type":"object","properties":{"name":{"enum":["x","yes"]}}})"}};
  std::mt19937 random(7);
  for (const GrammarSource& source : sources) {
    const auto grammar = compile_grammar(source).value();
    for (int round = 0; round < 20; ++round) {
      GrammarCursor cursor = begin(source);
      std::string text;
      for (int step = 0; step < 12 && !cursor.is_over(); ++step) {
        GrammarAutomaton automaton(grammar);
        auto state = automaton.start();
        for (const char c : text) state = automaton.next(state, static_cast<uint8_t>(c));
        std::vector<int32_t> expected;
        for (int32_t id = 0; id < tokenizer_.size(); ++id) {
          auto next = state;
          const std::string bytes = tokenizer_.token_bytes(id);
          for (const char c : bytes) next = automaton.next(next, static_cast<uint8_t>(c));
          const bool goes_on = !bytes.empty() && next != GrammarAutomaton::kDead;
          if (goes_on || (id == tokenizer_.end() && automaton.accepts(state)))
            expected.push_back(id);
        }
        const std::vector<int32_t> found = ids_of(cursor.allowed().value());
        ASSERT_EQ(found, expected) << source.text << "\n" << text;
        const auto forced = cursor.forced();
        const int32_t id = forced ? *forced : found[random() % found.size()];
        if (id == tokenizer_.end()) break;
        text += tokenizer_.token_bytes(id);
        ASSERT_TRUE(cursor.accept(id).ok());
      }
    }
  }
}

TEST_F(GrammarCursors, ForceTheTokensOfWhatHasToCome) {
  GrammarCursor cursor =
      begin({Kind::kJsonSchema,
             R"({"type":"object","properties":{"name":{"type":"string"}},"required":["name"]})"});
  // What has to come is {"name": " and then any text: of its tokens the last one might be longer.
  std::vector<std::string> forced;
  while (const auto id = cursor.forced()) {
    forced.push_back(tokenizer_.token_bytes(*id));
    ASSERT_TRUE(cursor.accept(*id).ok());
  }
  EXPECT_THAT(forced, ElementsAre("{\"", "name", "\": "));
  EXPECT_THAT(allowed(cursor), ElementsAre("\"", "\": ", "\":", "\"x"));
  accept(cursor, "\"x");
  EXPECT_EQ(cursor.forced(), std::nullopt);
  accept(cursor, "\"");
  ASSERT_TRUE(cursor.forced());
  accept(cursor, "}");
  EXPECT_TRUE(cursor.is_over());
}

TEST_F(GrammarCursors, NeverAllowControlTokens) {
  GrammarCursor cursor = begin({Kind::kJsonObject});
  for (const int32_t id : ids_of(cursor.allowed().value())) EXPECT_NE(id, tokenizer_.control());
}

TEST_F(GrammarCursors, CountWhatIsAllowedOfGuesses) {
  GrammarCursor cursor = begin({Kind::kRegex, "abc|abx"});
  const auto ids = [&](std::initializer_list<const char*> tokens) {
    std::vector<int32_t> out;
    for (const char* token : tokens) {
      out.push_back(*token ? *tokenizer_.find(token) : tokenizer_.end());
    }
    return out;
  };
  EXPECT_EQ(cursor.count_allowed(ids({"ab", "c", ""})).value(), 3u);
  EXPECT_EQ(cursor.count_allowed(ids({"ab", "", "c"})).value(), 1u);
  EXPECT_EQ(cursor.count_allowed(ids({"ab", "b", "c"})).value(), 1u);
  EXPECT_EQ(cursor.count_allowed(ids({"yes"})).value(), 0u);
  TokenMask mask;
  EXPECT_TRUE(cursor.allowed_after(ids({"ab"}), mask).value());
  EXPECT_THAT(ids_of(mask), ElementsAre('c', 'x'));
  EXPECT_FALSE(cursor.allowed_after(ids({"b"}), mask).value());
}

TEST_F(GrammarCursors, RefuseAFormThatTheVocabularyCanNotSpell) {
  class NoBytes final : public Tokenizer {
   public:
    std::vector<int32_t> encode(const MarkedText&) const override { return {}; }
    std::string token_bytes(int32_t) const override { return "a"; }
    std::string_view token_name(int32_t) const override { return "a"; }
    std::optional<int32_t> find(std::string_view) const override { return std::nullopt; }
    bool is_control(int32_t) const override { return false; }
    int32_t size() const override { return 1; }
    std::string decode(std::span<const int32_t>) const override { return ""; }
  } tokenizer;
  GrammarCache cache(tokenizer, {}, 1);
  const auto refused = cache.get({Kind::kRegex, "b"});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(refused.error().message, HasSubstr("no token"));
}

TEST_F(GrammarCursors, AnswersShareWhatWasFoundBefore) {
  const GrammarSource source{Kind::kRegex, "[a-z]+"};
  EXPECT_EQ(cache_.get(source)->get(), cache_.get(source)->get());
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(cache_.get({Kind::kRegex, std::to_string(i)}).ok());
  EXPECT_TRUE(cache_.get(source).ok());  // forgotten by now, and made again
}

// Past a limit an answer fails; it never hangs.
TEST_F(GrammarCursors, StopAtTheLimitOfWork) {
  const auto grammar = compile_grammar({Kind::kRegex, "((a?){40}){40}b"});
  ASSERT_TRUE(grammar.ok()) << grammar.error().message;
  const auto trie =
      std::make_shared<VocabularyTrie>(tokenizer_, std::vector<int32_t>{}, tokenizer_.size());
  const auto masks = GrammarMasks::make(*grammar, trie, {.max_work = 100});
  ASSERT_FALSE(masks.ok());
  EXPECT_THAT(masks.error().message, HasSubstr("too many ways"));
}

}  // namespace
}  // namespace overtake
