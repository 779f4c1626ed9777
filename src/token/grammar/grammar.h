// Grammar: which texts are allowed, as a network of rules over bytes that is walked from left to
// right. Immutable: any thread may read it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "token/grammar/grammar_builder.h"
#include "token/grammar/nfa.h"

namespace overtake {

class Grammar {
 public:
  struct ByteEdge {
    uint8_t first, last;
    int32_t to;
  };
  struct CallEdge {
    int32_t rule;
    int32_t to;
  };

  // kInvalidArgument for a rule that is not defined, a rule that begins with itself (left
  // recursion), a grammar that no text fulfils, and one beyond the builder's limits.
  static Result<std::shared_ptr<const Grammar>> make(const GrammarBuilder& builder, RuleId start);

  // From every state that can be reached some allowed text goes on. Rules are numbered so that one
  // which another may begin with comes after it.
  int32_t n_states() const { return static_cast<int32_t>(ends_.size()); }
  int32_t n_rules() const { return static_cast<int32_t>(starts_.size()); }
  int32_t first_rule() const { return first_rule_; }  // of the whole text
  int32_t start(int32_t rule) const { return starts_[at(rule)]; }
  bool is_nullable(int32_t rule) const { return nullable_[at(rule)]; }
  std::span<const ByteEdge> bytes(int32_t state) const { return slice(bytes_, byte_at_, state); }
  std::span<const int32_t> epsilons(int32_t state) const {
    return slice(epsilons_, epsilon_at_, state);
  }
  std::span<const CallEdge> calls(int32_t state) const { return slice(calls_, call_at_, state); }
  // Whether a rule may end here, and whether it can not go on.
  bool ends(int32_t state) const { return ends_[at(state)]; }
  bool only_ends(int32_t state) const { return only_ends_[at(state)]; }

  // Bytes that no edge tells apart have one class.
  int n_classes() const { return n_classes_; }
  uint8_t class_of(uint8_t byte) const { return class_of_[byte]; }
  uint8_t byte_of(int byte_class) const { return byte_of_[static_cast<size_t>(byte_class)]; }

  size_t memory_bytes() const;

 private:
  class Maker;
  static size_t at(int32_t index) { return static_cast<size_t>(index); }
  template <typename T>
  std::span<const T> slice(const std::vector<T>& all, const std::vector<int32_t>& places,
                           int32_t state) const {
    const auto begin = static_cast<size_t>(places[at(state)]);
    return std::span<const T>(all).subspan(begin,
                                           static_cast<size_t>(places[at(state) + 1]) - begin);
  }

  int32_t first_rule_ = 0;
  std::vector<int32_t> starts_;  // [n_rules]
  std::vector<bool> nullable_;   // [n_rules]
  std::vector<bool> ends_, only_ends_;
  std::vector<ByteEdge> bytes_;
  std::vector<int32_t> epsilons_;
  std::vector<CallEdge> calls_;
  std::vector<int32_t> byte_at_, epsilon_at_, call_at_;  // [n_states + 1]
  int n_classes_ = 0;
  std::array<uint8_t, 256> class_of_ = {};
  std::array<uint8_t, 256> byte_of_ = {};
};

}  // namespace overtake
