#include "token/grammar/grammar_builder.h"

#include <fmt/core.h>
#include <time.h>

namespace overtake {
namespace {

int64_t cpu_us() {
  timespec now;
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

}  // namespace

GrammarBuilder::GrammarBuilder(const GrammarLimits& limits)
    : limits_(limits), begun_us_(cpu_us()) {}

// Past the limit nothing grows any more; check() says so.
ExprId GrammarBuilder::add(Expr expr) {
  if (exprs_.size() > static_cast<size_t>(limits_.max_exprs)) return 0;
  exprs_.push_back(expr);
  return static_cast<ExprId>(exprs_.size()) - 1;
}

ExprId GrammarBuilder::list(Expr::Kind kind, const std::vector<ExprId>& parts) {
  if (parts.size() == 1) return parts[0];
  if (parts_.size() + parts.size() > static_cast<size_t>(2 * limits_.max_exprs)) {
    exprs_.resize(static_cast<size_t>(limits_.max_exprs) + 1, Expr{.kind = Expr::Kind::kChoice});
    return 0;
  }
  Expr expr{.kind = kind};
  expr.begin = static_cast<int32_t>(parts_.size());
  expr.size = static_cast<int32_t>(parts.size());
  parts_.insert(parts_.end(), parts.begin(), parts.end());
  return add(expr);
}

ExprId GrammarBuilder::literal(std::string_view bytes) {
  if (text_.size() + bytes.size() > 4 * limits_.max_source_bytes) {
    exprs_.resize(static_cast<size_t>(limits_.max_exprs) + 1, Expr{.kind = Expr::Kind::kChoice});
    return 0;
  }
  Expr expr{.kind = Expr::Kind::kBytes};
  expr.begin = static_cast<int32_t>(text_.size());
  expr.size = static_cast<int32_t>(bytes.size());
  text_ += bytes;
  return add(expr);
}

ExprId GrammarBuilder::range(uint8_t first, uint8_t last) {
  return add({.kind = Expr::Kind::kRange, .first = first, .last = last});
}

ExprId GrammarBuilder::chars(const CodePointSet& set) {
  if (exprs_.size() > static_cast<size_t>(limits_.max_exprs)) return 0;
  std::vector<Utf8Run> runs = utf8_runs(set);
  if (runs.size() == 1 && runs[0].length == 1) {
    return range(runs[0].bytes[0].first, runs[0].bytes[0].last);
  }
  char_sets_.push_back(std::move(runs));
  return add({.kind = Expr::Kind::kChars, .index = static_cast<int32_t>(char_sets_.size()) - 1});
}

ExprId GrammarBuilder::repeat(ExprId part, int64_t min, int64_t max) {
  if (min == 1 && max == 1) return part;
  Expr expr{.kind = Expr::Kind::kRepeat};
  expr.begin = static_cast<int32_t>(parts_.size());
  expr.size = 1;
  expr.min = min;
  expr.max = max;
  parts_.push_back(part);
  return add(expr);
}

ExprId GrammarBuilder::automaton(ByteAutomaton automaton) {
  automata_.push_back(std::move(automaton));
  return add({.kind = Expr::Kind::kAutomaton, .index = static_cast<int32_t>(automata_.size()) - 1});
}

RuleId GrammarBuilder::new_rule(std::string name) {
  if (rules_.size() > static_cast<size_t>(limits_.max_exprs)) return 0;
  rules_.push_back({std::move(name), -1});
  return static_cast<RuleId>(rules_.size()) - 1;
}

ExprId GrammarBuilder::rule(RuleId rule) { return add({.kind = Expr::Kind::kRule, .index = rule}); }

Status GrammarBuilder::check() const {
  if (cpu_us() - begun_us_ > limits_.max_cpu_ms * 1000) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("it takes more than {} ms to understand; the whole of it; make it "
                             "smaller",
                             limits_.max_cpu_ms)};
  }
  if (exprs_.size() <= static_cast<size_t>(limits_.max_exprs)) return {};
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("it is larger than {} expressions; the whole of it; make it smaller",
                           limits_.max_exprs)};
}

}  // namespace overtake
