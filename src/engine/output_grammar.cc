#include "engine/output_grammar.h"

namespace overtake {

std::optional<GrammarSource> grammar_of(const OutputFormat& format) {
  using Kind = OutputFormat::Kind;
  switch (format.kind) {
    case Kind::kText:
      return std::nullopt;
    case Kind::kJsonSchema:
      if (format.schema.empty()) break;
      return GrammarSource{.kind = GrammarSource::Kind::kJsonSchema,
                           .text = format.schema,
                           .ignores_unheld = format.strict == false};
    case Kind::kRegex:
      return GrammarSource{.kind = GrammarSource::Kind::kRegex, .text = format.grammar};
    case Kind::kGrammar:
      return GrammarSource{.kind = GrammarSource::Kind::kGbnf, .text = format.grammar};
    case Kind::kChoice:
      return GrammarSource{.kind = GrammarSource::Kind::kChoices, .choices = format.choices};
    case Kind::kJson:
      break;
  }
  return GrammarSource{.kind = GrammarSource::Kind::kJsonObject};
}

}  // namespace overtake
