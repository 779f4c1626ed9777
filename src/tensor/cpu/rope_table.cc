#include "tensor/cpu/rope_table.h"

#include <cmath>
#include <span>

namespace overtake {
namespace {

// Writes one row's [2, n_dims] for its position.
void fill_row(const Rope& rope, std::span<const float> frequencies, int64_t position, float* cos,
              float* sin) {
  const int half = rope.n_dims / 2;
  for (int j = 0; j < half; ++j) {
    // In f32, as the models were trained: at large positions the rounding of the angle shows.
    const float angle = static_cast<float>(position) * frequencies[static_cast<size_t>(j)];
    cos[j] = cos[j + half] = std::cos(angle) * rope.magnitude;
    sin[j + half] = std::sin(angle) * rope.magnitude;
    sin[j] = -sin[j + half];
  }
}

}  // namespace

void RopeTable::begin(const Batch& batch) {
  batch_ = &batch;
  n_entries_ = 0;
  current_ = nullptr;
}

void RopeTable::prepare(const Rope* rope, ThreadPool& pool) {
  current_ = nullptr;
  if (!rope) return;
  for (size_t i = 0; i < n_entries_; ++i) {
    if (entries_[i].rope == rope) {
      current_ = &entries_[i];
      return;
    }
  }
  if (n_entries_ == entries_.size()) entries_.emplace_back();
  Entry& entry = entries_[n_entries_++];
  entry.rope = rope;
  fill(entry, pool);
  current_ = &entry;
}

void RopeTable::fill(Entry& entry, ThreadPool& pool) const {
  const Rope& rope = *entry.rope;
  const size_t n_dims = static_cast<size_t>(rope.n_dims);
  entry.turns.resize(2 * n_dims * static_cast<size_t>(batch_->n_tokens()));
  entry.frequencies.resize(n_dims / 2);
  for (const Segment& segment : batch_->segments) {
    rope.frequencies(segment.rope_span, entry.frequencies);
    constexpr int64_t kRows = 32;
    const auto fill_chunk = [&](int chunk) {
      const int64_t first = chunk * kRows;
      const int64_t last = std::min(first + kRows, segment.n_rows);
      for (int64_t i = first; i < last; ++i) {
        const int64_t row = segment.first_row + i;
        float* turns = entry.turns.data() + 2 * n_dims * static_cast<size_t>(row);
        fill_row(rope, entry.frequencies, batch_->positions[static_cast<size_t>(row)], turns,
                 turns + n_dims);
      }
    };
    pool.parallel_for(static_cast<int>((segment.n_rows + kRows - 1) / kRows), fill_chunk);
  }
}

Turn RopeTable::turn(int64_t row) const {
  if (!current_) return {nullptr, nullptr, 0};
  const Rope& rope = *current_->rope;
  const float* turns = current_->turns.data() + 2 * static_cast<int64_t>(rope.n_dims) * row;
  return {turns, turns + rope.n_dims, rope.n_dims};
}

}  // namespace overtake
