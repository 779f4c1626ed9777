#include "token/grammar/grammar_automaton.h"

#include <algorithm>
#include <functional>

namespace overtake {
namespace {

template <typename T>
uint64_t hash_of(std::span<const T> items) {
  uint64_t hash = 0x9e3779b97f4a7c15ull;
  for (const T& item : items) {
    const uint64_t word = static_cast<uint64_t>(static_cast<uint32_t>(item.at)) << 32 |
                          static_cast<uint32_t>(item.node);
    hash = (hash ^ word) * 0xbf58476d1ce4e5b9ull;
    hash ^= hash >> 29;
  }
  return hash;
}

}  // namespace

GrammarAutomaton::GrammarAutomaton(std::shared_ptr<const Grammar> grammar, AutomatonLimits limits)
    : grammar_(std::move(grammar)), limits_(limits) {
  callers_.resize(static_cast<size_t>(grammar_->n_rules()));
  nodes_.push_back({0, 0});
  states_.push_back({});  // kDead
  transitions_.assign(static_cast<size_t>(grammar_->n_classes()), kDead);
  begin_work();
  kernel_.push_back({grammar_->start(grammar_->first_rule()), 0});
  start_ = close();
}

std::span<const GrammarAutomaton::Item> GrammarAutomaton::items(State state) const {
  const StateInfo& info = states_[static_cast<size_t>(state)];
  return std::span(items_).subspan(info.begin, info.end - info.begin);
}

bool GrammarAutomaton::spend(size_t work) {
  work_left_ -= static_cast<int64_t>(work);
  if (work_left_ < 0) out_of_work_ = true;
  return !out_of_work_ && !out_of_memory_;
}

GrammarAutomaton::State GrammarAutomaton::compute(State state, int byte_class) {
  const uint8_t byte = grammar_->byte_of(byte_class);
  kernel_.clear();
  for (const Item& item : items(state)) {
    for (const auto& edge : grammar_->bytes(item.at)) {
      if (edge.first <= byte && byte <= edge.last) kernel_.push_back({edge.to, item.node});
    }
  }
  if (!spend(1 + items(state).size())) return kDead;
  const State next = kernel_.empty() ? kDead : close();
  if (out_of_work_ || out_of_memory_) return kDead;
  transitions_[row(state) + static_cast<size_t>(byte_class)] = next;
  return next;
}

// `after` is where a call of `rule` goes on.
void GrammarAutomaton::call(int32_t rule, Item after) {
  std::vector<Return>& returns = callers_[static_cast<size_t>(rule)];
  if (returns.empty()) {
    called_.push_back(rule);
    std::push_heap(called_.begin(), called_.end(), std::greater<>());
  }
  if (grammar_->only_ends(after.at) && after.node != 0) {
    // Nothing but a return is left there: the callee returns to where that would. So a list that
    // is written as an item and the rest of the list needs no deeper stack.
    const Range range = nodes_[static_cast<size_t>(after.node)];
    for (uint32_t i = range.begin; i < range.end; ++i) returns.push_back(returns_[i]);
  } else {
    returns.push_back(after);
  }
}

// Follows all that needs no byte. A new call's end without a byte is followed by its caller, which
// knows that the rule may be empty.
void GrammarAutomaton::close_item(Item first, bool is_new_call) {
  const auto visit = [&](Item item) {
    const uint64_t key = static_cast<uint64_t>(static_cast<uint32_t>(item.at)) << 32 |
                         static_cast<uint32_t>(item.node);
    if (seen_.try_emplace(key, true).second) work_.push_back(item);
  };
  visit(first);
  while (!work_.empty()) {
    const Item item = work_.back();
    work_.pop_back();
    if (!spend(1) || seen_.size() > limits_.max_items) {
      out_of_work_ = true;
      return;
    }
    if (!grammar_->bytes(item.at).empty()) found_.push_back(item);
    for (const int32_t to : grammar_->epsilons(item.at)) visit({to, item.node});
    for (const auto& edge : grammar_->calls(item.at)) {
      call(edge.rule, {edge.to, item.node});
      if (grammar_->is_nullable(edge.rule)) visit({edge.to, item.node});
    }
    if (!grammar_->ends(item.at) || is_new_call) continue;
    if (item.node == 0) {
      accepts_ = true;
      continue;
    }
    const Range range = nodes_[static_cast<size_t>(item.node)];
    for (uint32_t i = range.begin; i < range.end; ++i) visit(returns_[i]);
  }
}

// First what was begun before, then new calls: a rule's callers are all known when it is its turn,
// as rules that begin with it have smaller numbers.
GrammarAutomaton::State GrammarAutomaton::close() {
  found_.clear();
  work_.clear();
  seen_.clear();
  called_.clear();
  accepts_ = false;
  for (const Item& item : kernel_) close_item(item, false);
  while (!called_.empty()) {
    std::pop_heap(called_.begin(), called_.end(), std::greater<>());
    const int32_t rule = called_.back();
    called_.pop_back();
    std::vector<Return>& returns = callers_[static_cast<size_t>(rule)];
    const int32_t node = out_of_work_ ? 0 : intern_node(returns);
    returns.clear();
    if (!out_of_work_) close_item({grammar_->start(rule), node}, true);
  }
  if (out_of_work_ || out_of_memory_) return kDead;
  std::sort(found_.begin(), found_.end());
  return intern_state(accepts_);
}

int32_t GrammarAutomaton::intern_node(std::vector<Return>& returns) {
  std::sort(returns.begin(), returns.end());
  returns.erase(std::unique(returns.begin(), returns.end()), returns.end());
  spend(returns.size());
  std::vector<int32_t>& same = nodes_by_hash_[hash_of(std::span<const Return>(returns))];
  for (const int32_t node : same) {
    const Range range = nodes_[static_cast<size_t>(node)];
    if (std::equal(returns.begin(), returns.end(), returns_.begin() + range.begin,
                   returns_.begin() + range.end)) {
      return node;
    }
  }
  const auto begin = static_cast<uint32_t>(returns_.size());
  returns_.insert(returns_.end(), returns.begin(), returns.end());
  nodes_.push_back({begin, static_cast<uint32_t>(returns_.size())});
  same.push_back(static_cast<int32_t>(nodes_.size()) - 1);
  map_bytes_ += 64;
  return same.back();
}

GrammarAutomaton::State GrammarAutomaton::intern_state(bool accepts) {
  const uint64_t hash = hash_of(std::span<const Item>(found_)) + (accepts ? 1 : 0);
  std::vector<State>& same = states_by_hash_[hash];
  for (const State state : same) {
    const auto known = items(state);
    if (states_[static_cast<size_t>(state)].accepts == accepts &&
        std::equal(known.begin(), known.end(), found_.begin(), found_.end())) {
      return state;
    }
  }
  if (memory_bytes() > limits_.max_bytes) {
    out_of_memory_ = true;
    return kDead;
  }
  const auto begin = static_cast<uint32_t>(items_.size());
  items_.insert(items_.end(), found_.begin(), found_.end());
  states_.push_back({begin, static_cast<uint32_t>(items_.size()), accepts});
  transitions_.resize(transitions_.size() + static_cast<size_t>(grammar_->n_classes()), -1);
  same.push_back(static_cast<State>(states_.size()) - 1);
  map_bytes_ += 64;
  return same.back();
}

int GrammarAutomaton::only_byte(State state) const {
  if (accepts(state)) return -1;
  int only = -1;
  for (const Item& item : items(state)) {
    for (const auto& edge : grammar_->bytes(item.at)) {
      if (edge.first != edge.last || (only >= 0 && only != edge.first)) return -1;
      only = edge.first;
    }
  }
  return only;
}

bool GrammarAutomaton::allows(State state, uint8_t byte) const {
  for (const Item& item : items(state)) {
    for (const auto& edge : grammar_->bytes(item.at)) {
      if (edge.first <= byte && byte <= edge.last) return true;
    }
  }
  return false;
}

Status GrammarAutomaton::check() const {
  if (!out_of_work_ && !out_of_memory_) return {};
  return Error{ErrorCode::kInvalidArgument,
               "it can be understood in too many ways at once; the grammar of the answer; write it "
               "with fewer alternatives that begin alike, or smaller counts"};
}

size_t GrammarAutomaton::memory_bytes() const {
  return states_.capacity() * sizeof(StateInfo) + items_.capacity() * sizeof(Item) +
         transitions_.capacity() * sizeof(State) + nodes_.capacity() * sizeof(Range) +
         returns_.capacity() * sizeof(Return) + map_bytes_;
}

}  // namespace overtake
