// WholePieces: remembers for each token whether merging its own text gives just that token. Most
// pieces of real text are such tokens and then need no merging.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace overtake {

// Any thread may read and write: what is remembered is a fact about the vocabulary.
class WholePieces {
 public:
  enum class State : uint8_t { kUnknown, kYes, kNo };

  explicit WholePieces(int32_t n_tokens) : states_(new std::atomic<State>[n_tokens]()) {}
  State get(int32_t id) const { return states_[id].load(std::memory_order_relaxed); }
  void set(int32_t id, bool is_whole) {
    states_[id].store(is_whole ? State::kYes : State::kNo, std::memory_order_relaxed);
  }

 private:
  std::unique_ptr<std::atomic<State>[]> states_;
};

}  // namespace overtake
