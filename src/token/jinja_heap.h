// What one rendering may use (Budget) and the memory it uses (Heap). Templates come with model
// files from strangers: every node, loop turn and byte they cost is paid from a budget first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.h"
#include "token/chat_template.h"

namespace overtake::jinja {

struct Value;

// Steps, memory, nesting and time of one rendering. A bound that is hit stays hit.
class Budget {
 public:
  explicit Budget(const TemplateLimits& limits);

  // Pays for work; false when a bound is hit, and then error() says which.
  [[nodiscard]] bool spend(int64_t steps) {
    steps_left_ -= steps;
    if (steps_left_ > next_clock_check_) return true;
    return check();
  }
  // Work on `bytes` bytes costs a step for every 64 of them.
  [[nodiscard]] bool spend_bytes(size_t bytes) { return spend(static_cast<int64_t>(bytes >> 6)); }
  [[nodiscard]] bool take_memory(size_t bytes);
  [[nodiscard]] bool enter();
  void leave() { --depth_; }

  Error error() const;

 private:
  [[nodiscard]] bool check();

  TemplateLimits limits_;
  int64_t steps_left_;
  int64_t next_clock_check_;
  size_t memory_left_;
  int depth_ = 0;
  std::optional<int64_t> start_ms_;
  const char* exhausted_ = nullptr;
};

// Counts one level of nesting while it lives.
class Nesting {
 public:
  explicit Nesting(Budget& budget) : budget_(budget), ok_(budget.enter()) {}
  ~Nesting() { budget_.leave(); }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;
  bool ok() const { return ok_; }

 private:
  Budget& budget_;
  bool ok_;
};

// Memory that lives until the rendering ends, so values need no counting, may point in circles and
// die without recursion. Text lies in blocks with one trust byte (0 or 1) beside every byte.
class Heap {
 public:
  explicit Heap(Budget& budget) : budget_(budget) {}

  // `n` default-constructed objects, or null when the budget is spent.
  template <typename T>
  T* make(size_t n = 1) {
    static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= alignof(std::max_align_t));
    if (n > SIZE_MAX / sizeof(T)) return nullptr;
    T* objects = static_cast<T*>(allocate(n * sizeof(T)));
    if (objects != nullptr) std::uninitialized_default_construct_n(objects, n);
    return objects;
  }

  // Why there is no more.
  Error error() const { return budget_.error(); }

  // `bytes` with one trust for all of them, copied.
  Result<Value> text(std::string_view bytes, bool trusted);
  // `bytes` with their trust bytes, copied.
  Result<Value> text(std::string_view bytes, std::string_view trust);
  // Two strings one after the other. Grows `left` in place when nothing was written after it, which
  // makes a chain of concatenations linear.
  Result<Value> concat(const Value& left, const Value& right);

 private:
  struct TextBlock {
    std::unique_ptr<char[]> bytes;
    std::unique_ptr<uint8_t[]> trust;
    size_t used = 0;
    size_t capacity = 0;
  };

  void* allocate(size_t n_bytes);
  TextBlock* text_block(size_t n_bytes);
  static void write(TextBlock& block, const Value& text);
  static Value slice(const TextBlock& block, size_t begin);

  Budget& budget_;
  std::vector<std::unique_ptr<std::max_align_t[]>> blocks_;
  char* free_ = nullptr;
  size_t free_bytes_ = 0;
  size_t next_block_bytes_ = 4096;
  std::vector<TextBlock> text_blocks_;
};

}  // namespace overtake::jinja
