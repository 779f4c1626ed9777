// JSON Schema (drafts 4 to 2020-12, OpenAI's strict subset among them) as a grammar: every text
// that it allows is valid by the schema. It may allow less: members come in the order in which the
// schema names them, undeclared ones only where the schema speaks of them, whole numbers have at
// most 15 digits.
#pragma once

#include <string_view>

#include "base/result.h"
#include "token/grammar/grammar_builder.h"

namespace overtake {

struct JsonSchemaOptions {
  // Keywords that can not be held are ignored instead of refused: what is written may then be
  // invalid by them, and only by them.
  bool ignores_unheld = false;
};

// kInvalidArgument or kUnsupported, with the place in the schema, for what is wrong or can not be
// held.
Result<RuleId> add_json_schema(GrammarBuilder& builder, std::string_view schema,
                               const JsonSchemaOptions& options = {});

// Any JSON object, with white space as its writer likes.
RuleId add_json_object(GrammarBuilder& builder);

}  // namespace overtake
