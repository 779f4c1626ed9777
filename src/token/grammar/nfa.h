// Nfa: expressions as a nondeterministic automaton (Thompson 1968) over bytes, whose edges may
// also call a rule: it is then what a recursive transition network is.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/result.h"
#include "token/grammar/grammar_builder.h"

namespace overtake {

struct Nfa {
  struct Epsilon {
    int32_t from, to;
  };
  struct Bytes {
    int32_t from;
    uint8_t first, last;
    int32_t to;
  };
  struct Call {
    int32_t from;
    int32_t rule;
    int32_t to;
  };
  int32_t n_states = 0;
  std::vector<Epsilon> epsilons;
  std::vector<Bytes> bytes;
  std::vector<Call> calls;
};

// Appends expressions of `builder` to an automaton.
class NfaWriter {
 public:
  // `outline`: asked to make a rule of an expression that would be copied many times; -1 keeps it
  // inline. Empty: nothing is ever made a rule.
  NfaWriter(const GrammarBuilder& builder, Nfa& nfa, std::function<int32_t(ExprId)> outline = {})
      : builder_(builder), nfa_(nfa), outline_(std::move(outline)) {}

  int32_t new_state() { return nfa_.n_states++; }
  // From `from` on; the state behind it. kInvalidArgument where it grows too large; kInternal for a
  // rule's call where there may be none.
  Result<int32_t> write(ExprId id, int32_t from);

 private:
  Result<int32_t> write_repeat(const Expr& expr, int32_t from);
  int32_t write_chars(const Expr& expr, int32_t from);
  int32_t write_automaton(const ByteAutomaton& automaton, int32_t from);
  int64_t weight(ExprId id) const;
  Status check_size() const;

  const GrammarBuilder& builder_;
  Nfa& nfa_;
  std::function<int32_t(ExprId)> outline_;
};

}  // namespace overtake
