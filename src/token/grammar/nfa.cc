#include "token/grammar/nfa.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

namespace overtake {
namespace {

// Copies of an expression of more states than this are calls of one rule instead.
constexpr int64_t kInlineWeight = 64;

}  // namespace

Status NfaWriter::check_size() const {
  const size_t n_edges = nfa_.bytes.size() + nfa_.epsilons.size() + nfa_.calls.size();
  const auto most = static_cast<size_t>(builder_.limits().max_states);
  if (static_cast<size_t>(nfa_.n_states) <= most && n_edges <= 2 * most) return {};
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("it needs more than {} states; the whole of it; use smaller counts and "
                           "fewer alternatives",
                           most)};
}

Result<int32_t> NfaWriter::write(ExprId id, int32_t from) {
  const Expr& expr = builder_.expr(id);
  TRY(check_size());
  switch (expr.kind) {
    case Expr::Kind::kBytes:
      for (const char c : builder_.text(expr)) {
        const auto byte = static_cast<uint8_t>(c);
        const int32_t to = new_state();
        nfa_.bytes.push_back({from, byte, byte, to});
        from = to;
      }
      return from;
    case Expr::Kind::kRange: {
      const int32_t to = new_state();
      nfa_.bytes.push_back({from, expr.first, expr.last, to});
      return to;
    }
    case Expr::Kind::kChars:
      return write_chars(expr, from);
    case Expr::Kind::kSequence:
      for (const ExprId part : builder_.parts(expr)) from = TRY(write(part, from));
      return from;
    case Expr::Kind::kChoice: {
      const int32_t to = new_state();
      for (const ExprId part : builder_.parts(expr)) {
        nfa_.epsilons.push_back({TRY(write(part, from)), to});
      }
      return to;
    }
    case Expr::Kind::kRepeat:
      return write_repeat(expr, from);
    case Expr::Kind::kRule: {
      if (!outline_) {
        return Error{
            ErrorCode::kInvalidArgument,
            "a part that may contain itself is to be combined with another; leave one out"};
      }
      const int32_t to = new_state();
      nfa_.calls.push_back({from, expr.index, to});
      return to;
    }
    case Expr::Kind::kAutomaton:
      return write_automaton(builder_.automaton(expr), from);
  }
  return from;
}

// Tries of leads are shared: the second bytes of U+0800 to U+FFFF need few states.
int32_t NfaWriter::write_chars(const Expr& expr, int32_t from) {
  const int32_t to = new_state();
  // By how many bytes from A0 or 80 on are still to come: states shared by all runs.
  std::map<std::vector<uint8_t>, int32_t> tails;
  const auto tail = [&](const Utf8Run& run, int begin, const auto& self) -> int32_t {
    if (begin == run.length) return to;
    std::vector<uint8_t> key;
    for (int i = begin; i < run.length; ++i) {
      key.push_back(run.bytes[i].first);
      key.push_back(run.bytes[i].last);
    }
    const auto [at, is_new] = tails.try_emplace(std::move(key), 0);
    if (is_new) {
      const int32_t state = new_state();
      at->second = state;
      const int32_t next = self(run, begin + 1, self);
      nfa_.bytes.push_back({state, run.bytes[begin].first, run.bytes[begin].last, next});
      return state;
    }
    return at->second;
  };
  for (const Utf8Run& run : builder_.runs(expr)) {
    const int32_t next = tail(run, 1, tail);
    nfa_.bytes.push_back({from, run.bytes[0].first, run.bytes[0].last, next});
  }
  return to;
}

int32_t NfaWriter::write_automaton(const ByteAutomaton& automaton, int32_t from) {
  const int32_t base = nfa_.n_states;
  nfa_.n_states += static_cast<int32_t>(automaton.accepts.size());
  const int32_t to = new_state();
  nfa_.epsilons.push_back({from, base});
  for (const auto& edge : automaton.edges) {
    nfa_.bytes.push_back({base + edge.from, edge.first, edge.last, base + edge.to});
  }
  for (size_t i = 0; i < automaton.accepts.size(); ++i) {
    if (automaton.accepts[i]) nfa_.epsilons.push_back({base + static_cast<int32_t>(i), to});
  }
  return to;
}

// States that a copy would have; a bound is enough.
int64_t NfaWriter::weight(ExprId id) const {
  const Expr& expr = builder_.expr(id);
  if (expr.kind == Expr::Kind::kBytes) return expr.size;
  if (expr.kind == Expr::Kind::kChars) return 2 * static_cast<int64_t>(builder_.runs(expr).size());
  if (expr.kind == Expr::Kind::kAutomaton) {
    return static_cast<int64_t>(builder_.automaton(expr).accepts.size());
  }
  int64_t sum = 1;
  for (const ExprId part : builder_.parts(expr)) {
    sum = std::min(sum + weight(part), kInlineWeight + 1);
    if (sum > kInlineWeight) break;
  }
  const int64_t copies =
      expr.kind != Expr::Kind::kRepeat ? 1 : std::max<int64_t>(expr.max, expr.min);
  return std::min(sum * std::clamp<int64_t>(copies, 1, kInlineWeight + 1), kInlineWeight + 1);
}

Result<int32_t> NfaWriter::write_repeat(const Expr& expr, int32_t from) {
  const ExprId part = builder_.parts(expr)[0];
  const int64_t copies = std::max(expr.max, expr.min + (expr.max < 0 ? 1 : 0));
  int32_t rule = -1;
  const int64_t of_one = weight(part);
  if (outline_ && copies > 1 && of_one > 2 && of_one * copies > kInlineWeight)
    rule = outline_(part);
  const auto copy = [&](int32_t at) -> Result<int32_t> {
    if (rule < 0) return write(part, at);
    TRY(check_size());
    const int32_t to = new_state();
    nfa_.calls.push_back({at, rule, to});
    return to;
  };
  for (int64_t i = 0; i < expr.min; ++i) from = TRY(copy(from));
  if (expr.max < 0) {
    const int32_t loop = new_state();
    nfa_.epsilons.push_back({from, loop});
    nfa_.epsilons.push_back({TRY(copy(loop)), loop});
    return loop;
  }
  const int32_t to = new_state();
  for (int64_t i = expr.min; i < expr.max; ++i) {
    nfa_.epsilons.push_back({from, to});
    from = TRY(copy(from));
  }
  nfa_.epsilons.push_back({from, to});
  return to;
}

}  // namespace overtake
