#include "token/grammar/json_grammar.h"

#include <fmt/core.h>

namespace overtake {
namespace {

constexpr CharRange kDigit = {'0', '9'};

const CodePointSet& plain_chars() {
  static const CodePointSet set =
      CodePointSet{{0x20, kLastChar}}.without({{'"', '"'}, {'\\', '\\'}});
  return set;
}

}  // namespace

ExprId JsonGrammar::shared(std::optional<RuleId>& rule, std::string_view name,
                           ExprId (JsonGrammar::*make)()) {
  if (!rule) {
    rule = builder_.new_rule(std::string(name));
    builder_.define(*rule, (this->*make)());
  }
  return builder_.rule(*rule);
}

ExprId JsonGrammar::space() {
  return spacing_ == JsonSpacing::kOneLine ? builder_.empty()
                                           : shared(space_, "space", &JsonGrammar::make_space);
}

// None, one space, or a line's end and an indentation.
ExprId JsonGrammar::make_space() {
  const ExprId indented = builder_.sequence(
      {builder_.literal("\n"), builder_.repeat(builder_.chars({{' ', ' '}, {'\t', '\t'}}), 0, 24)});
  return builder_.choice({builder_.empty(), builder_.literal(" "), indented});
}

ExprId JsonGrammar::colon() {
  if (spacing_ == JsonSpacing::kOneLine) return builder_.literal(": ");
  return builder_.sequence({space(), builder_.literal(":"), space()});
}

ExprId JsonGrammar::comma() {
  if (spacing_ == JsonSpacing::kOneLine) return builder_.literal(", ");
  return builder_.sequence({space(), builder_.literal(","), space()});
}

ExprId JsonGrammar::open(char bracket) {
  return builder_.sequence({builder_.literal({&bracket, 1}), space()});
}

ExprId JsonGrammar::close(char bracket) {
  return builder_.sequence({space(), builder_.literal({&bracket, 1})});
}

ExprId JsonGrammar::list(char open_bracket, ExprId item, int64_t min, int64_t max,
                         char close_bracket) {
  const ExprId none = builder_.literal(std::string{open_bracket, close_bracket});
  if (max == 0) return none;
  const ExprId more = builder_.sequence({comma(), item});
  const ExprId some = builder_.sequence(
      {open(open_bracket), item,
       builder_.repeat(more, min > 0 ? min - 1 : 0, max < 0 ? -1 : max - 1), close(close_bracket)});
  return min > 0 ? some : builder_.choice({none, some});
}

ExprId JsonGrammar::value() { return shared(value_, "value", &JsonGrammar::make_value); }
ExprId JsonGrammar::object() { return shared(object_, "object", &JsonGrammar::make_object); }
ExprId JsonGrammar::array() { return shared(array_, "array", &JsonGrammar::make_array); }
ExprId JsonGrammar::string() { return shared(string_, "string", &JsonGrammar::make_string); }
ExprId JsonGrammar::number() { return shared(number_, "number", &JsonGrammar::make_number); }
ExprId JsonGrammar::string_char() { return shared(char_, "char", &JsonGrammar::make_string_char); }

ExprId JsonGrammar::make_value() {
  return builder_.choice({object(), array(), string(), number(), boolean(), null()});
}

ExprId JsonGrammar::make_object() {
  return list('{', builder_.sequence({string(), colon(), value()}), 0, -1, '}');
}

ExprId JsonGrammar::make_array() { return list('[', value(), 0, -1, ']'); }

ExprId JsonGrammar::make_string() {
  const ExprId quote = builder_.literal("\"");
  return builder_.sequence({quote, builder_.repeat(make_string_char(), 0, -1), quote});
}

// Surrogates come in pairs: alone they stand for no character.
ExprId JsonGrammar::make_string_char() {
  const ExprId hex = builder_.chars({kDigit, {'A', 'F'}, {'a', 'f'}});
  const ExprId d = builder_.chars({{'D', 'D'}, {'d', 'd'}});
  const ExprId not_d = builder_.chars({kDigit, {'A', 'C'}, {'E', 'F'}, {'a', 'c'}, {'e', 'f'}});
  const ExprId low = builder_.chars({{'0', '7'}});
  const ExprId high_8 = builder_.chars({{'8', '9'}, {'A', 'B'}, {'a', 'b'}});
  const ExprId high_c = builder_.chars({{'C', 'F'}, {'c', 'f'}});
  const ExprId single = builder_.choice(
      {builder_.sequence({not_d, hex, hex, hex}), builder_.sequence({d, low, hex, hex})});
  const ExprId pair =
      builder_.sequence({d, high_8, hex, hex, builder_.literal("\\u"), d, high_c, hex, hex});
  const ExprId code = builder_.sequence({builder_.literal("u"), builder_.choice({single, pair})});
  const CodePointSet simple = {{'"', '"'}, {'\\', '\\'}, {'/', '/'}, {'b', 'b'},
                               {'f', 'f'}, {'n', 'n'},   {'r', 'r'}, {'t', 't'}};
  const ExprId escape =
      builder_.sequence({builder_.literal("\\"), builder_.choice({builder_.chars(simple), code})});
  return builder_.choice({builder_.chars(plain_chars()), escape});
}

ExprId JsonGrammar::string_chars(const CodePointSet& set) {
  std::vector<ExprId> ways;
  const CodePointSet plain = plain_chars().without(plain_chars().without(set));
  if (!plain.empty()) ways.push_back(builder_.chars(plain));
  const CodePointSet escaped = set.without(plain_chars());
  for (const CharRange& range : escaped.ranges()) {
    for (char32_t code = range.first; code <= range.last; ++code) {
      constexpr std::string_view kCodes = "\"\\\b\f\n\r\t";
      constexpr std::string_view kNames = "\"\\bfnrt";
      const size_t known = kCodes.find(static_cast<char>(code));
      ways.push_back(builder_.literal(known == std::string_view::npos
                                          ? fmt::format("\\u{:04x}", static_cast<uint32_t>(code))
                                          : std::string("\\") + kNames[known]));
    }
  }
  return builder_.choice(ways);
}

// At most 15 digits: a number has an end, and readers that know only doubles read it as it is.
ExprId JsonGrammar::integer() {
  const ExprId digits = builder_.repeat(builder_.chars({kDigit}), 0, 14);
  return builder_.sequence(
      {builder_.optional(builder_.literal("-")),
       builder_.choice(
           {builder_.literal("0"), builder_.sequence({builder_.chars({{'1', '9'}}), digits})})});
}

ExprId JsonGrammar::make_number() {
  const ExprId digits = builder_.repeat(builder_.chars({kDigit}), 1, 15);
  const ExprId fraction = builder_.sequence({builder_.literal("."), digits});
  const ExprId exponent =
      builder_.sequence({builder_.chars({{'E', 'E'}, {'e', 'e'}}),
                         builder_.optional(builder_.chars({{'+', '+'}, {'-', '-'}})),
                         builder_.repeat(builder_.chars({kDigit}), 1, 2)});
  return builder_.sequence({integer(), builder_.optional(fraction), builder_.optional(exponent)});
}

ExprId JsonGrammar::boolean() {
  return builder_.choice({builder_.literal("true"), builder_.literal("false")});
}

}  // namespace overtake
