// The parts that grammars of JSON texts are made of.
#pragma once

#include <optional>
#include <string_view>

#include "token/grammar/grammar_builder.h"

namespace overtake {

// How much white space a JSON text may have: as Python's json.dumps writes it ({"a": 1, "b": 2}),
// so that most of a text by a schema is forced and costs no pass of the model; or as a writer
// likes, but never endless.
enum class JsonSpacing { kOneLine, kFree };

class JsonGrammar {
 public:
  explicit JsonGrammar(GrammarBuilder& builder, JsonSpacing spacing = JsonSpacing::kOneLine)
      : builder_(builder), spacing_(spacing) {}

  ExprId colon();
  ExprId comma();
  ExprId open(char bracket);   // with the space behind it
  ExprId close(char bracket);  // with the space before it

  ExprId value();   // any
  ExprId object();  // with any members
  ExprId array();   // of any values
  ExprId string();
  ExprId number();
  ExprId integer();
  ExprId boolean();
  ExprId null() { return builder_.literal("null"); }

  // A character within a string, in any spelling; and one of `set`, in the shortest.
  ExprId string_char();
  ExprId string_chars(const CodePointSet& set);
  // "[", items apart by commas, "]": at least `min`, at most `max` (-1: any number) of `item`.
  ExprId list(char open_bracket, ExprId item, int64_t min, int64_t max, char close_bracket);

 private:
  ExprId space();
  ExprId shared(std::optional<RuleId>& rule, std::string_view name, ExprId (JsonGrammar::*make)());
  ExprId make_value();
  ExprId make_object();
  ExprId make_array();
  ExprId make_string();
  ExprId make_number();
  ExprId make_string_char();
  ExprId make_space();

  GrammarBuilder& builder_;
  JsonSpacing spacing_;
  std::optional<RuleId> value_, object_, array_, string_, number_, char_, space_;
};

}  // namespace overtake
