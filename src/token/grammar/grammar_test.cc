// What grammars allow: the front ends by tables of texts, bounds by grammars made to break them.
#include "token/grammar/grammar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "token/grammar/grammar_automaton.h"
#include "token/grammar/grammar_cache.h"

namespace overtake {
namespace {

using Kind = GrammarSource::Kind;
using testing::HasSubstr;

// "" where the text is allowed, else what is wrong with it, or with the grammar.
std::string problem(const GrammarSource& source, std::string_view text) {
  const auto grammar = compile_grammar(source);
  if (!grammar.ok()) return grammar.error().message;
  GrammarAutomaton automaton(*grammar);
  auto state = automaton.start();
  for (size_t i = 0; i < text.size(); ++i) {
    state = automaton.next(state, static_cast<uint8_t>(text[i]));
    if (state == GrammarAutomaton::kDead) {
      return automaton.check().ok() ? "stops at " + std::to_string(i)
                                    : automaton.check().error().message;
    }
  }
  return automaton.accepts(state) ? "" : "is not finished";
}

std::string refusal(const GrammarSource& source) {
  const auto grammar = compile_grammar(source);
  if (!grammar.ok()) return grammar.error().message;
  const GrammarAutomaton automaton(*grammar);
  return automaton.check().ok() ? "" : automaton.check().error().message;
}

struct Texts {
  std::string source;
  std::vector<std::string> allowed;
  std::vector<std::string> refused;
};

void check_all(Kind kind, const std::vector<Texts>& table) {
  for (const Texts& row : table) {
    for (const std::string& text : row.allowed) {
      EXPECT_EQ(problem({kind, row.source}, text), "") << row.source << "\n" << text;
    }
    for (const std::string& text : row.refused) {
      EXPECT_NE(problem({kind, row.source}, text), "") << row.source << "\n" << text;
    }
    EXPECT_EQ(refusal({kind, row.source}), "") << row.source;
  }
}

TEST(RegexGrammar, AllowsWhatTheExpressionMatchesAsAWhole) {
  check_all(Kind::kRegex,
            {{"abc", {"abc"}, {"", "ab", "abcd", "xabc"}},
             {"a|bc|", {"a", "bc", ""}, {"b", "abc"}},
             {"^(a|b)*c$", {"c", "abac"}, {"ab", "cc"}},
             {"[^a-c]", {"d", "é", "漢", "🙂", "\n"}, {"a", "b", "dd", "\xc3"}},
             {".", {"x", "é", "🙂"}, {"\n", "", "xx", "\xed\xa0\x80", "\xff"}},
             {"[α-ω]{2,3}", {"αβ", "ωωω"}, {"α", "αβγδ", "ab"}},
             {"\\d{3}-\\w+\\s?", {"123-ab_9", "000-x "}, {"12-a", "123-", "123-é"}},
             {"(?:ab?){2}", {"aa", "aba", "abab"}, {"a", "aaa"}},
             {"(?P<y>[0-9]{4})(?<m>-[01][0-9])?", {"2024", "2024-11"}, {"2024-", "2024-21"}},
             {"\\x41\\u00e9\\u{1F642}\\n", {"Aé🙂\n"}, {"A"}},
             {"\\p{L}+", {"Straße", "漢字"}, {"a1", ""}},
             {"(?i)Yes", {"yes", "YES", "yEs"}, {"ye"}},
             {"a{0}b{2,}", {"bb", "bbbb"}, {"b", "abb"}},
             {"[]a-]+", {"]", "-a]"}, {"b"}},
             {"a{,2}", {"a{,2}"}, {"aa"}},
             {"(a*)*b", {"b", "aaab"}, {"a"}},
             {"(a|b)*a(a|b){12}", {"abbbbbbbbbbbb", "aaaaaaaaaaaaaaaa"}, {"bbbbbbbbbbbbb"}},
             {"\\.\\*\\\\", {".*\\"}, {"xx\\"}}});
}

TEST(RegexGrammar, SaysWhereItCanNotBeRead) {
  for (const auto& [source, words] : std::vector<std::pair<std::string, std::string>>{
           {"a(b", "a ( without its )"},
           {"ab)", "a ) without its ("},
           {"a[b", "a [ without its ]"},
           {"*a", "a count with nothing before it; at byte 0"},
           {"a**", "a count after a count"},
           {"a{3,1}", "from more to less"},
           {"a{1000000}", "above 100000"},
           {"(?=a)b", "looking around"},
           {"(a)\\1", "back references"},
           {"\\bx", "word borders"},
           {"a^b", "^ or $ within"},
           {"\\p{Greek}", "property of characters"},
           {"[z-a]", "from more to less"},
           {"[[:alpha:]]", "named classes"},
           {"a\\", "at the end"},
           {"\xff", "not UTF-8"},
           {std::string(300, '('), "too many groups"}}) {
    EXPECT_THAT(refusal({Kind::kRegex, source}), HasSubstr(words)) << source;
  }
}

TEST(GbnfGrammar, ReadsWhatLlamaServersClientsSend) {
  check_all(
      Kind::kGbnf,
      {{"root ::= \"a\" [b-d]* (\"e\" | \"f\")?", {"a", "abcde", "af"}, {"", "b", "aef"}},
       {"# a list\nroot ::= item (\",\" ws item)*\n\nitem ::= [0-9]+ # digits\nws ::= [ \\t\\n]*\n",
        {"1", "1,22, 3"},
        {"1,", ","}},
       {"root ::= expr\nexpr ::= term (\"+\" term)*\nterm ::= \"x\" | \"(\" expr \")\"",
        {"x", "(x+x)+x", "((((x))))"},
        {"(x", "x+", "()"}},
       {"root ::=\n  \"a\" |\n  \"b\"\n", {"a", "b"}, {"c"}},
       {"root ::= [^\"\\\\]{2,3} \"\\x41\\u00e9\\U0001F642\\n\"",
        {"xyAé🙂\n", "éßxAé🙂\n"},
        {"xAé🙂\n"}},
       {"root ::= ( \"a\"\n \"b\" )+ .", {"abx", "abab🙂"}, {"ab"}},
       {"root ::= \"ab\"{2} \"c\"{1,}", {"ababc", "ababccc"}, {"abc", "abab"}},
       {"root ::= \"\" | list\nlist ::= \"x\" | \"x\" list",
        {"", "x", std::string(500, 'x')},
        {"y"}}});
}

TEST(GbnfGrammar, SaysWhereItCanNotBeRead) {
  for (const auto& [source, words] : std::vector<std::pair<std::string, std::string>>{
           {"", "no rule root"},
           {"a ::= \"x\"", "no rule root"},
           {"root ::= other", "rule other is used and not defined"},
           {"root ::= \"a", "without its end"},
           {"root ::= [a", "without its ]"},
           {"root ::= (\"a\"", "without its )"},
           {"\nroot = \"a\"", "no ::="},
           {"\n\nroot ::= \"a\" )", "line 3"},
           {"root ::= \"a\"\nroot ::= \"b\"", "defined twice"},
           {"root ::= * \"a\"", "nothing before it"},
           {"root ::= root \"a\" | \"a\"", "left recursion"},
           {"root ::= a\na ::= b? a \"x\" | \"y\"\nb ::= \"z\"", "left recursion"},
           {"root ::= \"x\" root", "no text can fulfil it"},
           {"root ::= <think>", "tokens by name"},
           {"root ::= \"\\q\"", "unknown escape"},
           {"root ::= [z-a]", "from more to less"},
           {"root ::= \"a\"{3,2}", "from more to less"},
           {"root ::= \"a\"{99999999}", "above"}}) {
    EXPECT_THAT(refusal({Kind::kGbnf, source}), HasSubstr(words)) << source;
  }
}

TEST(ChoiceGrammar, AllowsOneOfThem) {
  const GrammarSource source{Kind::kChoices, {}, {"yes", "no", "yes, but", "naïve"}};
  for (const char* text : {"yes", "no", "yes, but", "naïve"}) EXPECT_EQ(problem(source, text), "");
  for (const char* text : {"", "y", "yes,", "yesno", "maybe"}) EXPECT_NE(problem(source, text), "");
  EXPECT_THAT(refusal({Kind::kChoices}), HasSubstr("nothing to choose from"));
}

TEST(JsonObjectGrammar, AllowsAnyObjectAndNothingElse) {
  for (const char* text :
       {"{}", R"({"a":1})", "{\n  \"a\": [1, -2.5e+3, true, null],\n  \"b\": {\"c\": \"\"}\n}",
        R"({"\u00e9\ud83d\ude42\n\"": "é🙂"})", R"({"a":{"a":{"a":{"a":[[[[]]]]}}}})"}) {
    EXPECT_EQ(problem({Kind::kJsonObject}, text), "") << text;
  }
  for (const char* text : {"", "[]", "1", "{", R"({"a"})", R"({"a":})", R"({"a":1,})", R"({a:1})",
                           R"({"a":01})", R"({"a":1.})", R"({"a":"\x"})", R"({"a":"\ud83d"})",
                           "{\"a\":\"\n\"}", "{\"a\":\"\xff\"}", "{} "}) {
    EXPECT_NE(problem({Kind::kJsonObject}, text), "") << text;
  }
}

// Ambiguity that doubles with every byte costs a polynomial.
TEST(GrammarAutomaton, SharesStacksOfCallsAtOnePlace) {
  const GrammarSource source{Kind::kGbnf,
                             "root ::= s\ns ::= \"a\" s \"b\" | \"a\" s \"c\" | \"a\""};
  EXPECT_EQ(problem(source, std::string(200, 'a') + std::string(199, 'b')), "");
  EXPECT_EQ(problem(source, "aaabc"), "");
  EXPECT_NE(problem(source, "aaabcb"), "");
  const GrammarSource doubled{Kind::kGbnf, "root ::= \"a\" root root | \"a\""};
  EXPECT_EQ(problem(doubled, std::string(101, 'a')), "");
}

// Whatever is sent, it is refused or ready in a moment.
TEST(GrammarLimits, ExplodingGrammarsAreRefusedSoon) {
  std::string nested = "x";
  for (int i = 0; i < 12; ++i) nested = "(" + nested + "{99}" + ")";
  std::string schema = R"({"$defs":{"a0":{"type":"string"})";
  for (int i = 1; i < 60; ++i) {
    const std::string ref = R"({"$ref":"#/$defs/a)" + std::to_string(i - 1) + R"("})";
    schema += R"(,"a)" + std::to_string(i) + R"(":{"anyOf":[)" + ref + "," + ref +
              R"(],"allOf":[)" + ref + "," + ref + "]}";
  }
  schema += R"(},"$ref":"#/$defs/a59"})";
  std::string deep;
  for (int i = 0; i < 3000; ++i) deep += "(";
  const GrammarSource sources[] = {
      {Kind::kRegex, nested},
      {Kind::kRegex, "(a?){100000}(a?){100000}"},
      {Kind::kRegex, "((a{1000}){1000}){1000}"},
      {Kind::kGbnf, "root ::= \"a\"{100000} [a-z]{100000} root?"},
      {Kind::kGbnf, "root ::= " + deep},
      {Kind::kJsonSchema, schema},
      {Kind::kJsonSchema, R"({"type":"string","pattern":"^(a|b)*a(a|b){30}$","maxLength":90000})"},
      {Kind::kJsonSchema, R"({"type":"array","items":{"type":"array","items":{"type":"array",)"
                          R"("minItems":9999},"minItems":9999},"minItems":9999})"},
  };
  for (const GrammarSource& source : sources) {
    const auto begin = std::chrono::steady_clock::now();
    const std::string said = refusal(source);
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
    EXPECT_LT(time.count(), 20) << source.text.substr(0, 80);  // 1 s of its processor's time
    if (!said.empty()) {
      EXPECT_THAT(said, HasSubstr("; ")) << source.text.substr(0, 80);
    }
  }
}

}  // namespace
}  // namespace overtake
