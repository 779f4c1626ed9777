// The state of sequences between steps: keys and values in pages of 32 tokens, and recurrent state,
// from one bounded pool.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tensor/large_block.h"
#include "tensor/recurrent_state.h"

namespace overtake {

constexpr int kPageTokens = 32;

enum class KvType { kF32, kF16, kQ8_0 };

std::string_view kv_type_name(KvType type);  // "f32", "f16", "q8_0"
std::optional<KvType> find_kv_type(std::string_view name);

// What kQ8_0 makes of a head: blocks of 32 numbers of 8 bits along head_dim, each with an f16
// scale, as GGUF's q8_0 has them. A token's numbers are padded with zeros to whole 16s, and so the
// last block may be half of one.
struct Q8Head {
  static constexpr int kBlock = 32;
  int head_dim;

  constexpr int width() const { return (head_dim + 15) / 16 * 16; }
  constexpr int n_blocks() const { return (width() + kBlock - 1) / kBlock; }
  // A page's numbers, which its scales follow.
  constexpr size_t number_bytes() const { return static_cast<size_t>(width()) * kPageTokens; }
  constexpr size_t bytes() const {
    return number_bytes() + static_cast<size_t>(n_blocks()) * kPageTokens * sizeof(uint16_t);
  }
};

// A page holds 32 tokens of every layer. Within a layer:
//   keys   [n_kv_heads, head_dim, 32]   transposed: 32 scores are 32 lanes
//   values [n_kv_heads, 32, head_dim]
// With kQ8_0, of each head numbers and then scales, where int8 pairs of dimensions are neighbours:
//   keys   int8 [width / 2, 32, 2], f16 [n_blocks, 32]
//   values int8 [32, width], f16 [n_blocks, 32]
struct KvShape {
  int n_layers = 0;  // 0: the model has no attention, and its sequences need no pages
  int n_kv_heads = 0;
  int head_dim = 0;
  KvType type = KvType::kF32;

  size_t head_bytes() const;   // keys (or values) of one kv head of one layer of one page
  size_t plane_bytes() const;  // of all its heads
  size_t page_bytes() const { return 2 * plane_bytes() * static_cast<size_t>(n_layers); }
  size_t key_offset(int layer) const { return 2 * plane_bytes() * static_cast<size_t>(layer); }
  size_t value_offset(int layer) const { return key_offset(layer) + plane_bytes(); }
};

// Memory for at most `max_pages` pages, and recurrent state for `max_slots` sequences and
// checkpoints, taken from the system as it is first needed and then kept. Pages are counted: forks
// of a sequence share them. Not thread-safe: the engine's thread owns it.
class StatePool {
 public:
  StatePool(const KvShape& shape, int64_t max_pages, const RecurrentShape& recurrent = {},
            int64_t max_slots = 0);
  ~StatePool();
  StatePool(const StatePool&) = delete;

  const KvShape& shape() const { return shape_; }
  int64_t max_pages() const { return max_pages_; }
  int64_t free_pages() const { return max_pages_ - used_; }
  const RecurrentPool& recurrent() const { return recurrent_; }

 private:
  friend class SequenceState;
  struct Page {
    std::byte* data = nullptr;
    int32_t references = 0;
  };
  Result<Page*> take();
  void release(Page* page);
  bool add_slab();

  KvShape shape_;
  RecurrentPool recurrent_;
  int64_t max_pages_;
  size_t page_size_;
  int64_t used_ = 0;
  std::vector<std::unique_ptr<Page>> pages_;
  std::vector<Page*> free_;
  std::vector<LargeBlock> slabs_;
  std::byte* next_fresh_ = nullptr;  // in the last slab: pages never taken yet
  int64_t n_fresh_ = 0;
};

// One sequence's tokens. Copies are forks: full pages are shared, a partly filled last page and the
// recurrent state are copied when one of their holders is about to write. What a forward pass wrote
// into recurrent state must be committed: it holds the tokens read, neither more nor fewer. Must
// not outlive its pool.
class SequenceState {
 public:
  explicit SequenceState(StatePool& pool) : pool_(&pool) {}
  SequenceState(SequenceState&& other) noexcept;
  SequenceState& operator=(SequenceState&& other) noexcept;
  ~SequenceState() { truncate(0); }

  SequenceState fork() const;
  int64_t n_tokens() const { return n_tokens_; }
  const KvShape& shape() const { return pool_->shape(); }
  const RecurrentShape& recurrent_shape() const { return pool_->recurrent().shape(); }

  // Makes room to write `count` tokens after the last one; kExhausted if the pool has no memory
  // left, and then nothing has changed.
  Status reserve(int64_t count);
  // Declares `count` reserved tokens written; every layer holds them.
  void commit(int64_t count);

  // The last position <= `n_tokens` that truncate() can go back to. Keys and values can be cut
  // anywhere, recurrent state only where it is, at a checkpoint, and at 0.
  int64_t restorable(int64_t n_tokens) const;
  // Forgets all tokens from position `n_tokens` on, which is restorable, and what was reserved.
  void truncate(int64_t n_tokens);
  // Keeps the recurrent state as it is now, so that truncate() can come back. Without recurrent
  // state there is nothing to do; kExhausted if the pool has no memory left.
  Status checkpoint();
  void drop_checkpoints();
  int64_t n_checkpoints() const { return static_cast<int64_t>(checkpoints_.size()); }

  // The page with token `position`, which must be reserved.
  std::byte* page(int64_t position) const { return pages_[position / kPageTokens]->data; }
  // A layer's recurrent state, once tokens are reserved; see RecurrentShape. At position 0 it holds
  // anything and means zero.
  float* conv_state(int layer) const { return slot_->floats() + layer_offset(layer); }
  float* scan_state(int layer) const { return conv_state(layer) + recurrent_shape().conv_floats(); }

 private:
  struct Checkpoint {
    int64_t n_tokens;
    RecurrentPool::Slot* slot;
  };
  int64_t layer_offset(int layer) const { return layer * recurrent_shape().layer_floats(); }
  Status reserve_pages(int64_t count);
  Status reserve_slot();
  void truncate_recurrent(int64_t n_tokens);

  StatePool* pool_;
  std::vector<StatePool::Page*> pages_;
  RecurrentPool::Slot* slot_ = nullptr;
  std::vector<Checkpoint> checkpoints_;  // ascending
  int64_t n_tokens_ = 0;
};

}  // namespace overtake
