// Intersection and difference of regular expressions: both automata side by side, made
// deterministic as they go (Rabin and Scott 1959).
#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "token/grammar/nfa.h"

namespace overtake {
namespace {

// One expression's automaton, asked for sets of its states.
class Side {
 public:
  using States = std::vector<int32_t>;  // closed over epsilons, ascending

  Status read(const GrammarBuilder& builder, ExprId id) {
    NfaWriter writer(builder, nfa_);
    const int32_t start = writer.new_state();
    end_ = TRY(writer.write(id, start));
    epsilons_.resize(static_cast<size_t>(nfa_.n_states));
    bytes_.resize(static_cast<size_t>(nfa_.n_states));
    for (const auto& e : nfa_.epsilons) epsilons_[static_cast<size_t>(e.from)].push_back(e.to);
    for (const auto& e : nfa_.bytes) bytes_[static_cast<size_t>(e.from)].push_back(e);
    first_ = close({start});
    return {};
  }
  const States& first() const { return first_; }
  bool accepts(const States& states) const {
    return std::binary_search(states.begin(), states.end(), end_);
  }
  States next(const States& states, uint8_t byte, int64_t& work) const {
    States out;
    for (const int32_t state : states) {
      for (const auto& edge : bytes_[static_cast<size_t>(state)]) {
        ++work;
        if (edge.first <= byte && byte <= edge.last) out.push_back(edge.to);
      }
    }
    return close(std::move(out));
  }
  // Marks the bytes at which some edge begins or has just ended.
  void mark_borders(bool borders[257]) const {
    for (const auto& edge : nfa_.bytes) {
      borders[edge.first] = true;
      borders[edge.last + 1] = true;
    }
  }

 private:
  States close(States states) const {
    std::sort(states.begin(), states.end());
    states.erase(std::unique(states.begin(), states.end()), states.end());
    std::vector<int32_t> work = states;
    while (!work.empty()) {
      const int32_t state = work.back();
      work.pop_back();
      for (const int32_t to : epsilons_[static_cast<size_t>(state)]) {
        const auto at = std::lower_bound(states.begin(), states.end(), to);
        if (at != states.end() && *at == to) continue;
        states.insert(at, to);
        work.push_back(to);
      }
    }
    return states;
  }

  Nfa nfa_;
  int32_t end_ = 0;
  States first_;
  std::vector<std::vector<int32_t>> epsilons_;
  std::vector<std::vector<Nfa::Bytes>> bytes_;
};

struct Product {
  Side a, b;
  bool wants_b = true;
  std::map<std::pair<Side::States, Side::States>, int32_t> places;
  std::vector<const std::pair<Side::States, Side::States>*> todo;
  ByteAutomaton out;

  int32_t place(Side::States in_a, Side::States in_b) {
    const bool in_both = a.accepts(in_a) && b.accepts(in_b) == wants_b;
    const auto [at, is_new] =
        places.try_emplace({std::move(in_a), std::move(in_b)}, static_cast<int32_t>(places.size()));
    if (is_new) {
      out.accepts.push_back(in_both);
      todo.push_back(&at->first);
    }
    return at->second;
  }
};

// A bound on time: steps along an edge.
constexpr int64_t kMaxWork = 20'000'000;

}  // namespace

Result<ExprId> GrammarBuilder::product(ExprId a, ExprId b, bool wants_b) {
  Product product;
  product.wants_b = wants_b;
  TRY(check());
  TRY(product.a.read(*this, a));
  TRY(product.b.read(*this, b));
  bool borders[257] = {true};
  product.a.mark_borders(borders);
  product.b.mark_borders(borders);
  product.place(product.a.first(), product.b.first());
  int64_t work = 0;
  for (size_t from = 0; from < product.todo.size(); ++from) {
    if (from % 64 == 0) TRY(check());
    for (int first = 0; first < 256;) {
      int end = first + 1;
      while (end < 256 && !borders[end]) ++end;
      const auto& [in_a, in_b] = *product.todo[from];
      Side::States next_a = product.a.next(in_a, static_cast<uint8_t>(first), work);
      if (!next_a.empty()) {
        Side::States next_b = product.b.next(in_b, static_cast<uint8_t>(first), work);
        if (!wants_b || !next_b.empty()) {
          const int32_t to = product.place(std::move(next_a), std::move(next_b));
          product.out.edges.push_back({static_cast<int32_t>(from), static_cast<uint8_t>(first),
                                       static_cast<uint8_t>(end - 1), to});
        }
      }
      first = end;
    }
    if (product.todo.size() > static_cast<size_t>(limits_.max_product) || work > kMaxWork) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("two conditions on one text need more than {} states together; use "
                               "smaller counts or one of the two",
                               limits_.max_product)};
    }
  }
  return automaton(std::move(product.out));
}

Result<ExprId> GrammarBuilder::intersection(ExprId a, ExprId b) { return product(a, b, true); }

Result<ExprId> GrammarBuilder::difference(ExprId a, ExprId b) { return product(a, b, false); }

}  // namespace overtake
