#include "token/grammar/grammar.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"

namespace overtake {

// Grammar under construction: the automaton of every rule, then what is known of each.
class Grammar::Maker {
 public:
  explicit Maker(const GrammarBuilder& builder) : builder_(builder) {}

  Status write_rules();
  // Leaves only edges from where some text leads to the end of its rule.
  Status prune(RuleId start);
  void find_nullable();
  Status sort_rules();
  void fill(RuleId start, Grammar& out);

 private:
  struct RuleStates {
    int32_t start = -1;
    int32_t end = -1;
  };
  static size_t at(int32_t index) { return static_cast<size_t>(index); }
  std::string name_of(int32_t rule) const;
  std::vector<std::vector<int32_t>> states_backwards() const;
  std::vector<int32_t> begins_with(int32_t rule) const;
  void set_classes(Grammar& out) const;

  const GrammarBuilder& builder_;
  Nfa nfa_;
  std::vector<RuleStates> rules_;
  std::vector<ExprId> bodies_;
  std::vector<bool> nullable_;
  std::vector<std::vector<int32_t>> epsilons_from_;  // [n_states]
  std::vector<std::vector<Nfa::Call>> calls_from_;   // [n_states]
  std::vector<int32_t> order_;                       // rules in their new order
};

std::string Grammar::Maker::name_of(int32_t rule) const {
  const auto& rules = builder_.rules();
  return at(rule) < rules.size() ? escaped(rules[at(rule)].name) : "a repeated part";
}

Status Grammar::Maker::write_rules() {
  for (const auto& rule : builder_.rules()) {
    if (rule.body < 0) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("rule {} is used and not defined; the grammar; define it",
                               escaped(rule.name))};
    }
    bodies_.push_back(rule.body);
  }
  std::vector<std::pair<ExprId, int32_t>> outlined;
  const auto outline = [&](ExprId body) {
    for (const auto& [known, rule] : outlined) {
      if (known == body) return rule;
    }
    const auto rule = static_cast<int32_t>(bodies_.size());
    bodies_.push_back(body);
    if (outlined.size() < 64) outlined.emplace_back(body, rule);
    return rule;
  };
  NfaWriter writer(builder_, nfa_, outline);
  for (size_t i = 0; i < bodies_.size(); ++i) {
    RuleStates rule;
    rule.start = writer.new_state();
    rule.end = TRY(writer.write(bodies_[i], rule.start));
    rules_.push_back(rule);
  }
  return {};
}

// By target: which states an epsilon or a byte leads from. A call's edge waits for its rule.
std::vector<std::vector<int32_t>> Grammar::Maker::states_backwards() const {
  std::vector<std::vector<int32_t>> from(at(nfa_.n_states));
  for (const auto& edge : nfa_.epsilons) from[at(edge.to)].push_back(edge.from);
  for (const auto& edge : nfa_.bytes) from[at(edge.to)].push_back(edge.from);
  return from;
}

Status Grammar::Maker::prune(RuleId start) {
  const auto from = states_backwards();
  std::vector<std::vector<Nfa::Call>> calls_to(at(nfa_.n_states)), calls_of(rules_.size());
  std::vector<std::vector<int32_t>> starts_at(at(nfa_.n_states));
  for (const auto& call : nfa_.calls) {
    calls_to[at(call.to)].push_back(call);
    calls_of[at(call.rule)].push_back(call);
  }
  for (size_t i = 0; i < rules_.size(); ++i) {
    starts_at[at(rules_[i].start)].push_back(static_cast<int32_t>(i));
  }
  std::vector<bool> alive(at(nfa_.n_states)), fulfilled(rules_.size());
  std::vector<int32_t> work;
  const auto revive = [&](int32_t state) {
    if (alive[at(state)]) return;
    alive[at(state)] = true;
    work.push_back(state);
  };
  for (const RuleStates& rule : rules_) revive(rule.end);
  while (!work.empty()) {
    const int32_t state = work.back();
    work.pop_back();
    for (const int32_t before : from[at(state)]) revive(before);
    for (const auto& call : calls_to[at(state)]) {
      if (fulfilled[at(call.rule)]) revive(call.from);
    }
    for (const int32_t rule : starts_at[at(state)]) {
      fulfilled[at(rule)] = true;
      for (const auto& call : calls_of[at(rule)]) {
        if (alive[at(call.to)]) revive(call.from);
      }
    }
  }
  if (!fulfilled[at(start)]) {
    return Error{ErrorCode::kInvalidArgument,
                 "no text can fulfil it; the whole of it; remove what contradicts itself"};
  }
  std::erase_if(nfa_.epsilons, [&](const auto& e) { return !alive[at(e.to)]; });
  std::erase_if(nfa_.bytes, [&](const auto& e) { return !alive[at(e.to)]; });
  std::erase_if(nfa_.calls,
                [&](const auto& e) { return !alive[at(e.to)] || !fulfilled[at(e.rule)]; });
  return {};
}

void Grammar::Maker::find_nullable() {
  epsilons_from_.resize(at(nfa_.n_states));
  calls_from_.resize(at(nfa_.n_states));
  for (const auto& edge : nfa_.epsilons) epsilons_from_[at(edge.from)].push_back(edge.to);
  for (const auto& call : nfa_.calls) calls_from_[at(call.from)].push_back(call);
  nullable_.assign(rules_.size(), false);
  // Backwards from the ends, along epsilons and calls of rules that are known to be nullable.
  std::vector<std::vector<int32_t>> from(at(nfa_.n_states)), starts_at(at(nfa_.n_states));
  std::vector<std::vector<Nfa::Call>> calls_to(at(nfa_.n_states)), calls_of(rules_.size());
  for (const auto& edge : nfa_.epsilons) from[at(edge.to)].push_back(edge.from);
  for (const auto& call : nfa_.calls) {
    calls_to[at(call.to)].push_back(call);
    calls_of[at(call.rule)].push_back(call);
  }
  std::vector<bool> seen(at(nfa_.n_states));
  std::vector<int32_t> work;
  const auto visit = [&](int32_t state) {
    if (seen[at(state)]) return;
    seen[at(state)] = true;
    work.push_back(state);
  };
  for (size_t i = 0; i < rules_.size(); ++i) {
    starts_at[at(rules_[i].start)].push_back(static_cast<int32_t>(i));
    visit(rules_[i].end);
  }
  while (!work.empty()) {
    const int32_t state = work.back();
    work.pop_back();
    for (const int32_t before : from[at(state)]) visit(before);
    for (const auto& call : calls_to[at(state)]) {
      if (nullable_[at(call.rule)]) visit(call.from);
    }
    for (const int32_t rule : starts_at[at(state)]) {
      nullable_[at(rule)] = true;
      for (const auto& call : calls_of[at(rule)]) {
        if (seen[at(call.to)]) visit(call.from);
      }
    }
  }
}

// Rules that are called before the first byte of `rule`.
std::vector<int32_t> Grammar::Maker::begins_with(int32_t rule) const {
  std::vector<int32_t> out, work = {rules_[at(rule)].start};
  std::vector<int32_t> seen = work;
  const auto visit = [&](int32_t state) {
    const auto place = std::lower_bound(seen.begin(), seen.end(), state);
    if (place != seen.end() && *place == state) return;
    seen.insert(place, state);
    work.push_back(state);
  };
  while (!work.empty()) {
    const int32_t state = work.back();
    work.pop_back();
    for (const int32_t to : epsilons_from_[at(state)]) visit(to);
    for (const auto& call : calls_from_[at(state)]) {
      out.push_back(call.rule);
      if (nullable_[at(call.rule)]) visit(call.to);
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

// Depth first, without recursion: a chain of rules may be long.
Status Grammar::Maker::sort_rules() {
  enum class Mark : uint8_t { kNew, kOpen, kDone };
  std::vector<Mark> marks(rules_.size(), Mark::kNew);
  struct Frame {
    int32_t rule;
    std::vector<int32_t> next;
  };
  std::vector<Frame> open;
  const auto enter = [&](int32_t rule) {
    marks[at(rule)] = Mark::kOpen;
    open.push_back({rule, begins_with(rule)});
  };
  for (int32_t rule = 0; rule < static_cast<int32_t>(rules_.size()); ++rule) {
    if (marks[at(rule)] != Mark::kNew) continue;
    enter(rule);
    while (!open.empty()) {
      if (open.back().next.empty()) {
        marks[at(open.back().rule)] = Mark::kDone;
        order_.push_back(open.back().rule);
        open.pop_back();
        continue;
      }
      const int32_t next = open.back().next.back();
      open.back().next.pop_back();
      if (marks[at(next)] == Mark::kNew) {
        enter(next);
      } else if (marks[at(next)] == Mark::kOpen) {
        return Error{ErrorCode::kInvalidArgument,
                     fmt::format("rule {} may begin with itself (left recursion); the grammar; "
                                 "write it so that something stands before it",
                                 name_of(next))};
      }
    }
  }
  std::reverse(order_.begin(), order_.end());
  return {};
}

void Grammar::Maker::set_classes(Grammar& out) const {
  bool borders[257] = {};
  for (const auto& edge : nfa_.bytes) {
    borders[edge.first] = true;
    borders[edge.last + 1] = true;
  }
  out.n_classes_ = 1;
  for (int byte = 0; byte < 256; ++byte) {
    if (byte > 0 && borders[byte]) ++out.n_classes_;
    const int byte_class = out.n_classes_ - 1;
    out.class_of_[static_cast<size_t>(byte)] = static_cast<uint8_t>(byte_class);
    out.byte_of_[static_cast<size_t>(byte_class)] = static_cast<uint8_t>(byte);
  }
}

namespace {

// Lists of edges by the state that they lead from.
template <typename In, typename Out, typename Make>
void fill_edges(std::vector<In>& in, int32_t n_states, std::vector<Out>& out,
                std::vector<int32_t>& places, Make make) {
  std::stable_sort(in.begin(), in.end(), [](const In& a, const In& b) { return a.from < b.from; });
  places.assign(static_cast<size_t>(n_states) + 1, 0);
  for (const In& edge : in) {
    ++places[static_cast<size_t>(edge.from) + 1];
    out.push_back(make(edge));
  }
  for (size_t i = 1; i < places.size(); ++i) places[i] += places[i - 1];
}

}  // namespace

void Grammar::Maker::fill(RuleId start, Grammar& out) {
  std::vector<int32_t> new_place(rules_.size());
  for (size_t i = 0; i < order_.size(); ++i) new_place[at(order_[i])] = static_cast<int32_t>(i);
  out.first_rule_ = new_place[at(start)];
  const int32_t n_states = nfa_.n_states;
  out.ends_.assign(at(n_states), false);
  for (const int32_t rule : order_) {
    out.starts_.push_back(rules_[at(rule)].start);
    out.nullable_.push_back(nullable_[at(rule)]);
    out.ends_[at(rules_[at(rule)].end)] = true;
  }
  fill_edges(nfa_.bytes, n_states, out.bytes_, out.byte_at_,
             [](const auto& e) { return ByteEdge{e.first, e.last, e.to}; });
  fill_edges(nfa_.epsilons, n_states, out.epsilons_, out.epsilon_at_,
             [](const auto& e) { return e.to; });
  fill_edges(nfa_.calls, n_states, out.calls_, out.call_at_,
             [&](const auto& e) { return CallEdge{new_place[at(e.rule)], e.to}; });
  // A state at which nothing can be done but to end its rule. Backwards, as epsilons mostly lead
  // to states made later; what this misses only costs a frame of the stack.
  out.only_ends_.assign(at(n_states), false);
  for (int32_t state = n_states - 1; state >= 0; --state) {
    const auto next = out.epsilons(state);
    out.only_ends_[at(state)] =
        out.bytes(state).empty() && out.calls(state).empty() &&
        (out.ends(state) ? next.empty()
                         : next.size() == 1 && next[0] > state && out.only_ends(next[0]));
  }
  set_classes(out);
}

Result<std::shared_ptr<const Grammar>> Grammar::make(const GrammarBuilder& builder, RuleId start) {
  TRY(builder.check());
  Maker maker(builder);
  TRY(maker.write_rules());
  TRY(maker.prune(start));
  maker.find_nullable();
  TRY(maker.sort_rules());
  auto out = std::make_shared<Grammar>();
  maker.fill(start, *out);
  return std::shared_ptr<const Grammar>(std::move(out));
}

size_t Grammar::memory_bytes() const {
  return sizeof(*this) + bytes_.size() * sizeof(ByteEdge) + calls_.size() * sizeof(CallEdge) +
         (epsilons_.size() + byte_at_.size() + epsilon_at_.size() + call_at_.size()) *
             sizeof(int32_t);
}

}  // namespace overtake
