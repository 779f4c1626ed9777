// The form of an answer, from a stranger: a JSON schema, a regular expression, GBNF or a list of
// choices is a grammar or an error in words, and a grammar is walked within its bounds: no crash,
// no hang. Input: a letter for the kind (s, r, g, c; any other: JSON), the source, a zero byte,
// bytes to walk along.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "token/grammar/grammar_automaton.h"
#include "token/grammar/grammar_cache.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using overtake::GrammarSource;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.empty()) return 0;
  GrammarSource source;
  const char kind = input[0];
  input.remove_prefix(1);
  const size_t zero = std::min(input.find('\0'), input.size());
  source.text = input.substr(0, zero);
  source.choices = {source.text};
  source.kind = kind == 's'   ? GrammarSource::Kind::kJsonSchema
                : kind == 'r' ? GrammarSource::Kind::kRegex
                : kind == 'g' ? GrammarSource::Kind::kGbnf
                : kind == 'c' ? GrammarSource::Kind::kChoices
                              : GrammarSource::Kind::kJsonObject;
  overtake::GrammarLimits limits;
  limits.max_source_bytes = 1 << 14;
  limits.max_exprs = 5'000;
  limits.max_states = 10'000;
  limits.max_product = 500;
  const auto grammar = overtake::compile_grammar(source, limits);
  if (!grammar.ok()) {
    OVERTAKE_CHECK(!grammar.error().message.empty());
    return 0;
  }
  overtake::GrammarAutomaton automaton(
      *grammar, {.max_bytes = size_t{8} << 20, .max_work = 100'000, .max_items = 2'000});
  auto state = automaton.start();
  // What the automaton says may come next has to lead on.
  for (const char c : input.substr(zero)) {
    if (state == overtake::GrammarAutomaton::kDead) break;
    const int only = automaton.only_byte(state);
    const auto byte = only >= 0 ? static_cast<uint8_t>(only) : static_cast<uint8_t>(c);
    const bool allowed = automaton.allows(state, byte);
    state = automaton.next(state, byte);
    if (!automaton.check().ok()) return 0;
    OVERTAKE_CHECK(allowed == (state != overtake::GrammarAutomaton::kDead));
  }
  return 0;
}
