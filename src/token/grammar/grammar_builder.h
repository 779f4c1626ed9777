// GrammarBuilder: what a text may be, put together from small expressions over bytes. Every front
// end (JSON schema, regular expression, GBNF, choices) writes into it; Grammar is made of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "token/grammar/code_point_set.h"

namespace overtake {

// Bounds on what one grammar may cost, whoever sends it.
struct GrammarLimits {
  size_t max_source_bytes = 1 << 20;
  int max_depth = 100;           // of nesting in the source
  int32_t max_exprs = 200'000;   // expressions
  int32_t max_states = 400'000;  // of the automaton that they become
  int32_t max_product = 20'000;  // states of an intersection or a difference
  int64_t max_repeat = 100'000;  // of a count in {m,n}, minLength and such
  int64_t max_cpu_ms = 1000;     // of the thread that builds it
};

using ExprId = int32_t;
using RuleId = int32_t;

struct Expr {
  enum class Kind : uint8_t {
    kBytes,
    kRange,
    kChars,
    kSequence,
    kChoice,
    kRepeat,
    kRule,
    kAutomaton
  };
  Kind kind;
  uint8_t first = 0, last = 0;  // kRange
  int32_t index = 0;            // of the rule, the set of characters, the automaton
  int32_t begin = 0, size = 0;  // in text() or parts()
  int64_t min = 0, max = 0;     // kRepeat; max -1: unbounded
};

// A deterministic automaton over bytes, as set operations give it. State 0 is the first.
struct ByteAutomaton {
  struct Edge {
    int32_t from;
    uint8_t first, last;
    int32_t to;
  };
  std::vector<Edge> edges;
  std::vector<bool> accepts;  // [n_states]
};

class GrammarBuilder {
 public:
  explicit GrammarBuilder(const GrammarLimits& limits = {});

  ExprId nothing() { return choice({}); }  // no text at all
  ExprId empty() { return sequence({}); }  // the text of no bytes
  ExprId literal(std::string_view bytes);
  ExprId range(uint8_t first, uint8_t last);
  ExprId chars(const CodePointSet& set);
  ExprId sequence(const std::vector<ExprId>& parts) { return list(Expr::Kind::kSequence, parts); }
  ExprId choice(const std::vector<ExprId>& parts) { return list(Expr::Kind::kChoice, parts); }
  ExprId optional(ExprId part) { return choice({empty(), part}); }
  // `max` -1: any number.
  ExprId repeat(ExprId part, int64_t min, int64_t max);

  ExprId automaton(ByteAutomaton automaton);

  RuleId new_rule(std::string name);
  void define(RuleId rule, ExprId body) { rules_[static_cast<size_t>(rule)].body = body; }
  ExprId rule(RuleId rule);

  // Of expressions without rules: texts of both; those of `a` that are not of `b`. kExhausted for
  // more states than limits().max_product.
  Result<ExprId> intersection(ExprId a, ExprId b);
  Result<ExprId> difference(ExprId a, ExprId b);

  // kInvalidArgument once a limit was passed: what is built from here on is of no use.
  Status check() const;
  const GrammarLimits& limits() const { return limits_; }

  // ---- for those who read it
  struct Rule {
    std::string name;
    ExprId body = -1;  // -1: not defined
  };
  const Expr& expr(ExprId id) const { return exprs_[static_cast<size_t>(id)]; }
  std::span<const ExprId> parts(const Expr& expr) const {
    return std::span(parts_).subspan(static_cast<size_t>(expr.begin),
                                     static_cast<size_t>(expr.size));
  }
  std::string_view text(const Expr& expr) const {
    return std::string_view(text_).substr(static_cast<size_t>(expr.begin),
                                          static_cast<size_t>(expr.size));
  }
  const std::vector<Utf8Run>& runs(const Expr& expr) const {
    return char_sets_[static_cast<size_t>(expr.index)];
  }
  const ByteAutomaton& automaton(const Expr& expr) const {
    return automata_[static_cast<size_t>(expr.index)];
  }
  const std::vector<Rule>& rules() const { return rules_; }

 private:
  ExprId add(Expr expr);
  ExprId list(Expr::Kind kind, const std::vector<ExprId>& parts);
  Result<ExprId> product(ExprId a, ExprId b, bool wants_b);

  GrammarLimits limits_;
  int64_t begun_us_;  // of the thread's processor time
  std::vector<Expr> exprs_;
  std::vector<ExprId> parts_;
  std::string text_;
  std::vector<std::vector<Utf8Run>> char_sets_;
  std::vector<ByteAutomaton> automata_;
  std::vector<Rule> rules_;
};

}  // namespace overtake
