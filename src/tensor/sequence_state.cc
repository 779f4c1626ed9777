#include "tensor/sequence_state.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace overtake {

std::string_view kv_type_name(KvType type) {
  return type == KvType::kF32 ? "f32" : type == KvType::kF16 ? "f16" : "q8_0";
}

std::optional<KvType> find_kv_type(std::string_view name) {
  for (const KvType type : {KvType::kF32, KvType::kF16, KvType::kQ8_0}) {
    if (kv_type_name(type) == name) return type;
  }
  return std::nullopt;
}

size_t KvShape::head_bytes() const {
  if (type == KvType::kQ8_0) return Q8Head{head_dim}.bytes();
  return static_cast<size_t>(head_dim) * kPageTokens * (type == KvType::kF32 ? 4 : 2);
}

size_t KvShape::plane_bytes() const { return static_cast<size_t>(n_kv_heads) * head_bytes(); }

StatePool::StatePool(const KvShape& shape, int64_t max_pages, const RecurrentShape& recurrent,
                     int64_t max_slots)
    : shape_(shape),
      recurrent_(recurrent, max_slots),
      max_pages_(shape.n_layers > 0 ? max_pages : 0),
      page_size_((shape.page_bytes() + 63) / 64 * 64) {}

StatePool::~StatePool() { OVERTAKE_CHECK(used_ == 0); }

// Address space for the next pages. The system gives memory only to those that are taken.
bool StatePool::add_slab() {
  constexpr size_t kSlabBytes = size_t{64} << 20;
  const int64_t wanted = std::max<int64_t>(1, static_cast<int64_t>(kSlabBytes / page_size_));
  const int64_t n = std::min(wanted, max_pages_ - static_cast<int64_t>(pages_.size()));
  LargeBlock slab = allocate_block(static_cast<size_t>(n) * page_size_);
  if (!slab) return false;
  next_fresh_ = slab.get();
  n_fresh_ = n;
  slabs_.push_back(std::move(slab));
  return true;
}

Result<StatePool::Page*> StatePool::take() {
  if (used_ == max_pages_) {
    return Error{ErrorCode::kExhausted,
                 "the memory for attention state is full; all pages are in use; try again when "
                 "other requests have ended, or allow more memory"};
  }
  if (free_.empty()) {
    if (n_fresh_ == 0 && !add_slab()) {
      return Error{ErrorCode::kExhausted,
                   "the system has no memory left for attention state; lower the context or the "
                   "number of users"};
    }
    auto page = std::make_unique<Page>();
    page->data = next_fresh_;
    next_fresh_ += page_size_;
    --n_fresh_;
    // Unwritten positions are read as masked lanes, so they must be finite from the start.
    std::memset(page->data, 0, page_size_);
    free_.push_back(page.get());
    pages_.push_back(std::move(page));
  }
  Page* page = free_.back();
  free_.pop_back();
  page->references = 1;
  ++used_;
  return page;
}

void StatePool::release(Page* page) {
  if (--page->references > 0) return;
  free_.push_back(page);
  --used_;
}

SequenceState::SequenceState(SequenceState&& other) noexcept
    : pool_(other.pool_),
      pages_(std::exchange(other.pages_, {})),
      slot_(std::exchange(other.slot_, nullptr)),
      checkpoints_(std::exchange(other.checkpoints_, {})),
      n_tokens_(std::exchange(other.n_tokens_, 0)) {}

SequenceState& SequenceState::operator=(SequenceState&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(pages_, other.pages_);
  std::swap(slot_, other.slot_);
  std::swap(checkpoints_, other.checkpoints_);
  std::swap(n_tokens_, other.n_tokens_);
  return *this;
}

SequenceState SequenceState::fork() const {
  SequenceState copy(*pool_);
  const int64_t used =
      shape().n_layers > 0 ? (n_tokens_ + kPageTokens - 1) / kPageTokens : int64_t{0};
  copy.pages_.assign(pages_.begin(), pages_.begin() + used);
  for (StatePool::Page* page : copy.pages_) ++page->references;
  copy.n_tokens_ = n_tokens_;
  if (n_tokens_ == 0) return copy;
  copy.slot_ = slot_;
  if (slot_) ++slot_->references;
  copy.checkpoints_ = checkpoints_;
  for (const Checkpoint& checkpoint : checkpoints_) ++checkpoint.slot->references;
  return copy;
}

Status SequenceState::reserve(int64_t count) {
  if (recurrent_shape().n_layers > 0) TRY(reserve_slot());
  return shape().n_layers > 0 ? reserve_pages(count) : Status();
}

// The state is written in place, so it must be this sequence's own.
Status SequenceState::reserve_slot() {
  RecurrentPool& slots = pool_->recurrent_;
  if (!slot_) {
    slot_ = TRY(slots.take());
  } else if (slot_->references > 1) {
    RecurrentPool::Slot* own = TRY(slots.take_copy(*slot_));
    slots.release(slot_);
    slot_ = own;
  }
  return {};
}

Status SequenceState::reserve_pages(int64_t count) {
  const size_t before = pages_.size();
  const int64_t wanted = (n_tokens_ + count + kPageTokens - 1) / kPageTokens;
  while (static_cast<int64_t>(pages_.size()) < wanted) {
    auto page = pool_->take();
    if (!page.ok()) {
      while (pages_.size() > before) {
        pool_->release(pages_.back());
        pages_.pop_back();
      }
      return std::move(page).error();
    }
    pages_.push_back(*page);
  }
  const int64_t last = n_tokens_ / kPageTokens;
  if (count > 0 && n_tokens_ % kPageTokens != 0 && pages_[last]->references > 1) {
    auto page = pool_->take();
    if (!page.ok()) {
      while (pages_.size() > before) {
        pool_->release(pages_.back());
        pages_.pop_back();
      }
      return std::move(page).error();
    }
    std::memcpy((*page)->data, pages_[last]->data, pool_->shape().page_bytes());
    pool_->release(pages_[last]);
    pages_[last] = *page;
  }
  return {};
}

void SequenceState::commit(int64_t count) {
  n_tokens_ += count;
  OVERTAKE_CHECK(shape().n_layers == 0 ||
                 n_tokens_ <= static_cast<int64_t>(pages_.size()) * kPageTokens);
}

int64_t SequenceState::restorable(int64_t n_tokens) const {
  if (n_tokens >= n_tokens_) return n_tokens_;
  if (recurrent_shape().n_layers == 0) return n_tokens;
  int64_t best = 0;
  for (const Checkpoint& checkpoint : checkpoints_) {
    if (checkpoint.n_tokens <= n_tokens) best = checkpoint.n_tokens;
  }
  return best;
}

void SequenceState::truncate(int64_t n_tokens) {
  OVERTAKE_CHECK(n_tokens >= 0 && n_tokens <= n_tokens_ && restorable(n_tokens) == n_tokens);
  if (recurrent_shape().n_layers > 0) truncate_recurrent(n_tokens);
  n_tokens_ = n_tokens;
  const size_t used = static_cast<size_t>((n_tokens_ + kPageTokens - 1) / kPageTokens);
  while (pages_.size() > used) {
    pool_->release(pages_.back());
    pages_.pop_back();
  }
}

void SequenceState::truncate_recurrent(int64_t n_tokens) {
  RecurrentPool& slots = pool_->recurrent_;
  while (!checkpoints_.empty() && checkpoints_.back().n_tokens > n_tokens) {
    slots.release(checkpoints_.back().slot);
    checkpoints_.pop_back();
  }
  if (n_tokens == n_tokens_ && n_tokens > 0) return;
  if (slot_) slots.release(slot_);
  slot_ = nullptr;
  if (n_tokens == 0) return;
  slot_ = checkpoints_.back().slot;
  ++slot_->references;
}

Status SequenceState::checkpoint() {
  if (!slot_ || n_tokens_ == 0) return {};
  if (!checkpoints_.empty() && checkpoints_.back().n_tokens == n_tokens_) return {};
  // A copy now: a shared slot would have to be copied by the next reserve(), which must not fail
  // for a checkpoint's sake.
  checkpoints_.push_back({n_tokens_, TRY(pool_->recurrent_.take_copy(*slot_))});
  return {};
}

void SequenceState::drop_checkpoints() {
  for (const Checkpoint& checkpoint : checkpoints_) pool_->recurrent_.release(checkpoint.slot);
  checkpoints_.clear();
}

}  // namespace overtake
