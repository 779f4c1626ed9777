// GrammarAutomaton: a grammar read byte by byte. All ways to understand the text so far are one
// state; what a byte leads to is found once and remembered. Ways share their stacks (a
// graph-structured stack, Tomita 1985): of calls of one rule at one place, whatever they return to,
// only one goes on, so that ambiguity costs a polynomial, not an exponential.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "token/grammar/grammar.h"

namespace overtake {

struct AutomatonLimits {
  size_t max_bytes = size_t{64} << 20;  // of memory
  int64_t max_work = 4'000'000;         // items looked at between two begin_work()
  size_t max_items = 20'000;            // of one state
};

// One thread's at a time. States stay valid as long as it lives.
class GrammarAutomaton {
 public:
  using State = int32_t;
  static constexpr State kDead = 0;  // no allowed text begins so

  explicit GrammarAutomaton(std::shared_ptr<const Grammar> grammar, AutomatonLimits limits = {});

  State start() const { return start_; }
  // kDead as well where a limit was passed: then check() says so.
  State next(State state, uint8_t byte) {
    const size_t slot = row(state) + grammar_->class_of(byte);
    const State known = transitions_[slot];
    return known >= 0 ? known : compute(state, grammar_->class_of(byte));
  }
  // Whether the text may end.
  bool accepts(State state) const { return states_[static_cast<size_t>(state)].accepts; }
  // The one byte that may come next, where it is only one and the text may not end; -1.
  int only_byte(State state) const;
  // Whether some text goes on with `byte`.
  bool allows(State state, uint8_t byte) const;

  // What follows may look at max_work items anew.
  void begin_work() {
    work_left_ = limits_.max_work;
    out_of_work_ = false;
  }
  // kExhausted once a limit was passed since begin_work(), or for good with the memory's.
  Status check() const;
  size_t memory_bytes() const;

 private:
  // A place in a rule, and what is to be done after it.
  struct Item {
    int32_t at;    // a state of the grammar
    int32_t node;  // of the stack
    friend auto operator<=>(const Item&, const Item&) = default;
  };
  // What the end of a call leads to: a node of the stack is a list of them. Node 0 has none: the
  // text ends there.
  using Return = Item;
  struct StateInfo {
    uint32_t begin = 0, end = 0;  // of its items: those that a byte leads on from
    bool accepts = false;
  };
  struct Range {
    uint32_t begin, end;
  };

  size_t row(State state) const {
    return static_cast<size_t>(state) * static_cast<size_t>(grammar_->n_classes());
  }
  std::span<const Item> items(State state) const;
  State compute(State state, int byte_class);
  State close();  // of kernel_
  void close_item(Item item, bool is_new_call);
  void call(int32_t rule, Item after);
  int32_t intern_node(std::vector<Return>& returns);
  State intern_state(bool accepts);
  bool spend(size_t work);

  std::shared_ptr<const Grammar> grammar_;
  AutomatonLimits limits_;
  int64_t work_left_ = 0;
  bool out_of_work_ = false, out_of_memory_ = false;
  State start_ = kDead;

  std::vector<StateInfo> states_;
  std::vector<Item> items_;
  std::vector<State> transitions_;  // [states][classes]; -1: not known yet
  std::unordered_map<uint64_t, std::vector<State>> states_by_hash_;
  std::vector<Range> nodes_;
  std::vector<Return> returns_;
  std::unordered_map<uint64_t, std::vector<int32_t>> nodes_by_hash_;
  size_t map_bytes_ = 0;

  // Working memory of close().
  std::vector<Item> kernel_, work_, found_;
  std::unordered_map<uint64_t, bool> seen_;
  std::vector<std::vector<Return>> callers_;  // [n_rules]
  std::vector<int32_t> called_;               // a heap, the smallest first
  bool accepts_ = false;
};

}  // namespace overtake
