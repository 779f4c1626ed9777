// The state of sequences between steps: keys and values in pages of 32 tokens from one bounded
// pool.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "tensor/large_block.h"

namespace overtake {

constexpr int kPageTokens = 32;

enum class KvType { kF32, kF16 };

// A page holds 32 tokens of every layer. Within a layer:
//   keys   [n_kv_heads, head_dim, 32]   transposed: 32 scores are 32 lanes
//   values [n_kv_heads, 32, head_dim]
struct KvShape {
  int n_layers = 0;
  int n_kv_heads = 0;
  int head_dim = 0;
  KvType type = KvType::kF32;

  size_t element_bytes() const { return type == KvType::kF32 ? 4 : 2; }
  size_t plane_bytes() const;  // keys (or values) of one layer of one page
  size_t page_bytes() const { return 2 * plane_bytes() * static_cast<size_t>(n_layers); }
  size_t key_offset(int layer) const { return 2 * plane_bytes() * static_cast<size_t>(layer); }
  size_t value_offset(int layer) const { return key_offset(layer) + plane_bytes(); }
};

// Memory for at most `max_pages` pages, taken from the system as it is first needed and then kept.
// Pages are counted: forks of a sequence share them. Not thread-safe: the engine's thread owns it.
class StatePool {
 public:
  StatePool(const KvShape& shape, int64_t max_pages);
  ~StatePool();
  StatePool(const StatePool&) = delete;

  const KvShape& shape() const { return shape_; }
  int64_t max_pages() const { return max_pages_; }
  int64_t free_pages() const { return max_pages_ - used_; }

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
  int64_t max_pages_;
  size_t page_size_;
  int64_t used_ = 0;
  std::vector<std::unique_ptr<Page>> pages_;
  std::vector<Page*> free_;
  std::vector<LargeBlock> slabs_;
  std::byte* next_fresh_ = nullptr;  // in the last slab: pages never taken yet
  int64_t n_fresh_ = 0;
};

// One sequence's tokens. Copies are forks: full pages are shared, a partly filled last page is
// copied when one of its holders writes. A cache must not outlive its pool.
class SequenceState {
 public:
  explicit SequenceState(StatePool& pool) : pool_(&pool) {}
  SequenceState(SequenceState&& other) noexcept;
  SequenceState& operator=(SequenceState&& other) noexcept;
  ~SequenceState() { truncate(0); }

  SequenceState fork() const;
  int64_t n_tokens() const { return n_tokens_; }
  const KvShape& shape() const { return pool_->shape(); }

  // Makes room to write `count` tokens after the last one; kExhausted if the pool has no page left,
  // and then nothing has changed.
  Status reserve(int64_t count);
  // Declares `count` reserved tokens written; every layer holds them.
  void commit(int64_t count);
  // Forgets all tokens from position `n_tokens` on, and what was reserved.
  void truncate(int64_t n_tokens);

  // The page with token `position`, which must be reserved.
  std::byte* page(int64_t position) const { return pages_[position / kPageTokens]->data; }

 private:
  StatePool* pool_;
  std::vector<StatePool::Page*> pages_;
  int64_t n_tokens_ = 0;
};

}  // namespace overtake
