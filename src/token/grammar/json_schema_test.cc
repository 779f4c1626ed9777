// JSON Schema as a grammar: tables of what is allowed and what is refused, by keyword; and the part
// of the JSON-Schema-Test-Suite (draft 2020-12, MIT licence, tests/data/json_schema/README.md) that
// applies.
#include "token/grammar/json_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/json.h"
#include "token/grammar/grammar_automaton.h"
#include "token/grammar/grammar_cache.h"

namespace overtake {
namespace {

using testing::HasSubstr;

GrammarSource schema_source(std::string schema, bool loose = false) {
  return {GrammarSource::Kind::kJsonSchema, std::move(schema), {}, loose};
}

bool allows(GrammarAutomaton& automaton, std::string_view text) {
  automaton.begin_work();
  auto state = automaton.start();
  for (const char c : text) state = automaton.next(state, static_cast<uint8_t>(c));
  return automaton.accepts(state);
}

std::string refusal(const std::string& schema) {
  const auto grammar = compile_grammar(schema_source(schema));
  return grammar.ok() ? "" : grammar.error().message;
}

struct Texts {
  std::string schema;
  std::vector<std::string> allowed;
  std::vector<std::string> refused;
};

void check_all(const std::vector<Texts>& table) {
  for (const Texts& row : table) {
    const auto grammar = compile_grammar(schema_source(row.schema));
    ASSERT_TRUE(grammar.ok()) << row.schema << "\n" << grammar.error().message;
    GrammarAutomaton automaton(*grammar);
    ASSERT_TRUE(automaton.check().ok()) << row.schema;
    for (const std::string& text : row.allowed) {
      EXPECT_TRUE(allows(automaton, text)) << row.schema << "\n" << text;
    }
    for (const std::string& text : row.refused) {
      EXPECT_FALSE(allows(automaton, text)) << row.schema << "\n" << text;
    }
  }
}

TEST(JsonSchemaGrammar, HoldsTypesAndValues) {
  check_all({
      {R"({"type":"null"})", {"null"}, {"0", "\"\"", ""}},
      {R"({"type":["integer","boolean"]})", {"-12", "0", "true"}, {"1.5", "01", "null"}},
      {R"({"type":"number"})", {"1", "-0.5", "1e5", "2.5E-3"}, {"1.", ".5", "+1", "1e999"}},
      {R"({"enum":["a",1,null,{"k":[1,"x"]}]})",
       {"\"a\"", "1", "null", R"({"k": [1, "x"]})"},
       {"\"b\"", "2"}},
      {R"({"const":"naïve \"q\""})", {R"("naïve \"q\"")"}, {"\"naïve\""}},
      {R"({"type":"string","enum":["a",1]})", {"\"a\""}, {"1"}},
      {R"({"enum":["a","bb","ccc"],"maxLength":2,"pattern":"^[bc]"})",
       {"\"bb\""},
       {"\"a\"", "\"ccc\""}},
      {R"({"enum":[1,5,9],"minimum":4})", {"5", "9"}, {"1"}},
      {"true", {"1", "[1, {\"a\": null}]"}, {"", "[1,2"}},
      {"{}", {"\"x\"", "{}"}, {"x"}},
  });
}

TEST(JsonSchemaGrammar, HoldsStrings) {
  check_all({
      {R"({"type":"string"})",
       {"\"\"", "\"é🙂\\n\\u00e9\\ud83d\\ude42\""},
       {"\"", "\"\\ud83d\"", "\"\n\""}},
      {R"({"type":"string","minLength":2,"maxLength":3})",
       {"\"ab\"", "\"🙂é漢\"", R"("\n\u0041")", R"("\ud83d\ude42x")"},
       {"\"a\"", "\"abcd\"", R"("\ud83d\ude42")"}},
      {R"({"type":"string","pattern":"^a+$"})", {"\"a\"", "\"aaa\""}, {"\"\"", "\"ab\"", "\"xa\""}},
      {R"({"type":"string","pattern":"b"})",
       {"\"b\"", "\"abc\"", R"("\n b é")"},
       {"\"ac\"", "\"\""}},
      {R"({"type":"string","pattern":"^\"\\\\$"})", {R"("\"\\")"}, {"\"\"\""}},
      {R"({"type":"string","pattern":"^(a|bc)$"})", {"\"a\"", "\"bc\""}, {"\"ab\""}},
      {R"({"type":"string","pattern":"^[a-z]*$","minLength":2,"maxLength":4})",
       {"\"ab\"", "\"abcd\""},
       {"\"a\"", "\"abcde\"", "\"aB\""}},
      {R"({"type":"string","format":"date"})",
       {"\"2024-02-29\"", "\"1999-12-31\""},
       {"\"2023-02-29\"", "\"2024-13-01\"", "\"2024-04-31\""}},
      {R"({"type":"string","format":"date-time"})",
       {"\"2024-02-29T12:30:00Z\"", "\"2024-01-01T00:00:00.123+02:00\""},
       {"\"2024-01-01\"", "\"2024-01-01T25:00:00Z\""}},
      {R"({"type":"string","format":"uuid"})",
       {"\"123e4567-e89b-12d3-a456-426614174000\""},
       {"\"123e4567\""}},
      {R"({"type":"string","format":"ipv4"})",
       {"\"192.168.0.255\""},
       {"\"256.1.1.1\"", "\"01.1.1.1\""}},
      {R"({"type":"string","format":"email"})", {"\"a.b+c@example.com\""}, {"\"a@b\"", "\"@x.y\""}},
      {R"({"type":"string","format":"duration"})",
       {"\"P1DT12H\"", "\"PT5M\"", "\"P3W\""},
       {"\"P\"", "\"PT\"", "\"1D\""}},
      {R"({"type":"string","format":"color"})", {"\"anything\""}, {"1"}},
  });
}

TEST(JsonSchemaGrammar, HoldsNumbers) {
  check_all({
      {R"({"type":"integer","minimum":7,"maximum":120})",
       {"7", "10", "99", "120"},
       {"6", "121", "007", "-7", "1000"}},
      {R"({"type":"integer","minimum":-15,"exclusiveMaximum":3})",
       {"-15", "-9", "-1", "0", "2"},
       {"-16", "3", "-20"}},
      {R"({"type":"integer","exclusiveMinimum":1.5})", {"2", "1000000"}, {"1", "0", "-3"}},
      {R"({"type":"integer","maximum":-100})", {"-100", "-12345"}, {"-99", "0", "5"}},
      {R"({"type":"integer","multipleOf":15})", {"0", "15", "-30", "105"}, {"1", "20"}},
      {R"({"type":"integer","multipleOf":7,"minimum":20,"maximum":40})",
       {"21", "28", "35"},
       {"14", "42", "22"}},
      {R"({"type":"number","minimum":0,"maximum":1})",
       {"0", "1", "0.5", "0.999999", "1.0"},
       {"1.1", "-0.1", "2"}},
      {R"({"type":"number","exclusiveMinimum":0.25,"maximum":12.5})",
       {"0.251", "0.3", "1", "12.5", "12.49", "12.50"},
       {"0.25", "0.2", "12.51", "13", "0"}},
      {R"({"type":"number","minimum":-2.5})",
       {"-2.5", "-2.4", "-1", "0", "-0.0", "1000.5"},
       {"-2.6", "-3"}},
      {R"({"type":"number","maximum":-1.25})",
       {"-1.25", "-1.3", "-2", "-77.5"},
       {"-1.2", "-1", "0", "1"}},
      {R"({"type":"number","exclusiveMinimum":5,"exclusiveMaximum":6})",
       {"5.5", "5.000001"},
       {"5", "6", "5.0", "6.0"}},
  });
}

TEST(JsonSchemaGrammar, HoldsObjects) {
  const std::string person =
      R"({"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"},)"
      R"("mail":{"type":"string"}},"required":["name","mail"],"additionalProperties":false})";
  check_all({
      {person,
       {R"({"name": "a", "age": 3, "mail": "b"})", R"({"name": "a", "mail": "b"})"},
       {"{}", R"({"name": "a"})", R"({"mail": "b", "name": "a"})",
        R"({"name": "a", "mail": "b", "x": 1})", R"({"name": "a", "age": "3", "mail": "b"})"}},
      {R"({"properties":{"a":{"type":"null"},"b":{"type":"null"}}})",
       {"{}", R"({"a": null})", R"({"b": null})", R"({"a": null, "b": null})"},
       {R"({"b": null, "a": null})", R"({"c": 1})", "{\"a\": null, }"}},
      {R"({"type":"object"})", {"{}", R"({"x": [1], "y": {}})"}, {"[]"}},
      {R"({"type":"object","additionalProperties":{"type":"integer"},"properties":{"ab":{"type":"string"}}})",
       {"{}", R"({"ab": "s"})", R"({"ab": "s", "a": 1, "abc": 2})", R"({"z": 1})"},
       {R"({"ab": 1})", R"({"z": "s"})", R"({"z": 1, "ab": 2})", R"({"a\u0062": 1})"}},
      {R"({"type":"object","patternProperties":{"^x":{"type":"integer"},"y$":{"minimum":5}},"additionalProperties":false})",
       {R"({"x1": 1})", R"({"xy": 7})", R"({"ay": 6})"},
       {R"({"xy": 3})", R"({"b": 1})", R"({"ay": 2})"}},
      {R"({"type":"object","required":["k"]})", {R"({"k": [true]})"}, {"{}"}},
      {R"({"type":"object","additionalProperties":{"type":"boolean"},"propertyNames":{"pattern":"^[a-z]$"},"minProperties":1,"maxProperties":2})",
       {R"({"a": true})", R"({"a": true, "b": false})"},
       {"{}", R"({"ab": true})", R"({"a": true, "b": true, "c": true})"}},
  });
}

TEST(JsonSchemaGrammar, HoldsArrays) {
  check_all({
      {R"({"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3})",
       {"[1]", "[1, 2, 3]"},
       {"[]", "[1, 2, 3, 4]", "[\"a\"]", "[1,2]"}},
      {R"({"type":"array","prefixItems":[{"type":"string"},{"type":"null"}],"items":{"type":"integer"}})",
       {"[]", "[\"a\"]", "[\"a\", null, 1, 2]"},
       {"[null]", "[\"a\", 1]", "[\"a\", null, null]"}},
      {R"({"type":"array","prefixItems":[{"type":"string"}],"items":false,"minItems":1})",
       {"[\"a\"]"},
       {"[]", "[\"a\", 1]"}},
      {R"({"type":"array","maxItems":0})", {"[]"}, {"[1]"}},
      {R"({"type":"array","items":[{"type":"null"}],"additionalItems":{"type":"boolean"}})",
       {"[null, true]", "[]"},
       {"[true]"}},
  });
}

TEST(JsonSchemaGrammar, HoldsCombinationsAndReferences) {
  const std::string tree =
      R"({"$defs":{"node":{"type":"object","properties":{"v":{"type":"integer"},"next":)"
      R"({"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"required":["v","next"],)"
      R"("additionalProperties":false}},"$ref":"#/$defs/node"})";
  check_all({
      {tree,
       {R"({"v": 1, "next": null})", R"({"v": 1, "next": {"v": 2, "next": null}})"},
       {R"({"v": 1})", R"({"v": 1, "next": {"v": 2}})"}},
      {R"({"anyOf":[{"type":"string","maxLength":1},{"type":"integer"}]})",
       {"\"a\"", "12"},
       {"\"ab\"", "null"}},
      {R"({"type":"integer","anyOf":[{"minimum":10},{"maximum":2}]})",
       {"10", "2", "-5"},
       {"5", "\"a\""}},
      {R"({"allOf":[{"type":"integer","minimum":3},{"maximum":5}]})", {"3", "5"}, {"2", "6"}},
      {R"({"allOf":[{"properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"a":{"minimum":5},"b":{"type":"null"}}}],"type":"object"})",
       {R"({"a": 5})", R"({"a": 6, "b": null})"},
       {R"({"a": 4})", "{}"}},
      {R"({"oneOf":[{"type":"string"},{"type":"integer"}]})", {"\"a\"", "1"}, {"null"}},
      {R"({"oneOf":[{"type":"object","properties":{"k":{"const":"a"},"x":{"type":"null"}},"required":["k","x"]},{"type":"object","properties":{"k":{"const":"b"}},"required":["k"]}]})",
       {R"({"k": "a", "x": null})", R"({"k": "b"})"},
       {R"({"k": "a"})", R"({"k": "b", "x": null})"}},
      {R"({"properties":{"a":{"$ref":"#/properties/b"},"b":{"type":"boolean"}},"required":["a"]})",
       {R"({"a": true})"},
       {R"({"a": 1})"}},
      {R"({"$defs":{"a/b%":{"type":"null"}},"$ref":"#/$defs/a~1b%25"})", {"null"}, {"1"}},
  });
}

TEST(JsonSchemaGrammar, SaysWhatCanNotBeHeldAndWhere) {
  for (const auto& [schema, words] : std::vector<std::pair<std::string, std::string>>{
           {R"({"type":"strin"})", "unknown type \"strin\"; the JSON schema at #"},
           {R"({"properties":{"a":{"not":{}}}})",
            "not can not be held while an answer is written; the JSON schema at #/properties/a"},
           {R"({"type":"array","uniqueItems":true})", "uniqueItems can not be held"},
           {R"({"if":{},"then":{}})", "if can not be held"},
           {R"({"oneOf":[{"type":"integer"},{"minimum":1,"type":"number"}]})",
            "oneOf whose schemas may both be valid"},
           {R"({"$ref":"#/$defs/x"})", "names nothing that is there"},
           {R"({"$ref":"https://example.com/s"})", "names nothing that is there"},
           {R"({"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]})",
            "no text can fulfil it"},
           {R"({"$ref":"#"})", "$ref # leads to itself"},
           {R"({"anyOf":[{"$ref":"#"},{"type":"null"}]})", "left recursion"},
           {"false", "no text can fulfil it"},
           {R"({"enum":[]})", "no text can fulfil it"},
           {R"({"type":"integer","minimum":5,"maximum":4})", "no text can fulfil it"},
           {R"x({"type":"string","pattern":"(?=a)"})x", "looking around"},
           {R"({"type":"string","minLength":-1})", "minLength is no count"},
           {R"({"required":"a"})", "required is no list"},
           {R"({"type":"object","properties":{"a":{}},"minProperties":1})", "minProperties"},
           {R"([])", "a schema is an object or a boolean"},
           {R"({"a":)", "the JSON schema"}}) {
    EXPECT_THAT(refusal(schema), HasSubstr(words)) << schema;
  }
}

TEST(JsonSchemaGrammar, IgnoresWhatCanNotBeHeldWhereThatIsAskedFor) {
  for (const char* schema : {R"({"type":"array","uniqueItems":true})", R"({"not":{"type":"null"}})",
                             R"({"oneOf":[{"type":"integer"},{"minimum":1}]})"}) {
    EXPECT_TRUE(compile_grammar(schema_source(schema, true)).ok()) << schema;
  }
}

// As JsonSpacing::kOneLine has it.
std::string one_line(const Json& value) {
  std::string out;
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      out += (out.empty() ? "" : ", ") + dump_json(key) + ": " + one_line(member);
    }
    return "{" + out + "}";
  }
  if (!value.is_array()) return dump_json(value);
  for (const Json& item : value) out += (out.empty() ? "" : ", ") + one_line(item);
  return "[" + out + "]";
}

// No text that is invalid by its schema may be allowed, whatever the schema; how many of the valid
// ones are is counted, so that none is lost unseen.
TEST(JsonSchemaGrammar, AllowsNothingInvalidOfTheTestSuite) {
  const Json suite =
      Json::parse(read_file(OVERTAKE_TEST_DATA_DIR "/json_schema/suite.json", 1 << 22).value());
  int n_schemas = 0, n_refused = 0, n_valid = 0, n_allowed = 0, n_invalid = 0;
  for (const Json& group : suite) {
    ++n_schemas;
    const std::string schema = dump_json(group["schema"]);
    const auto grammar = compile_grammar(schema_source(schema));
    if (!grammar.ok()) {
      ++n_refused;
      EXPECT_NE(grammar.error().code, ErrorCode::kInternal) << schema;
      continue;
    }
    GrammarAutomaton automaton(*grammar);
    for (const Json& test : group["tests"]) {
      const bool valid = test["valid"];
      const bool allowed = allows(automaton, one_line(test["data"]));
      EXPECT_TRUE(valid || !allowed) << schema << "\n" << one_line(test["data"]);
      n_valid += valid;
      n_allowed += valid && allowed;
      n_invalid += !valid;
    }
  }
  EXPECT_EQ(n_schemas, 211);
  EXPECT_EQ(n_refused, 57);
  EXPECT_EQ(n_valid, 446);
  EXPECT_EQ(n_allowed, 285);
  EXPECT_EQ(n_invalid, 372);
}

}  // namespace
}  // namespace overtake
