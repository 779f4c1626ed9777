#include "tensor/recurrent_state.h"

#include <cstring>

#include "base/check.h"

namespace overtake {

std::vector<float> in_channel_blocks(std::span<const float> rows, int64_t d_state) {
  const int64_t n_channels = static_cast<int64_t>(rows.size()) / d_state;
  std::vector<float> out(
      static_cast<size_t>(channel_blocks(1, n_channels) * d_state * kChannelBlock));
  for (int64_t c = 0; c < n_channels; ++c) {
    for (int64_t n = 0; n < d_state; ++n) {
      const int64_t line = c / kChannelBlock * d_state + n;
      out[static_cast<size_t>(line * kChannelBlock + c % kChannelBlock)] =
          rows[static_cast<size_t>(c * d_state + n)];
    }
  }
  return out;
}

RecurrentPool::~RecurrentPool() { OVERTAKE_CHECK(used_ == 0); }

Result<RecurrentPool::Slot*> RecurrentPool::take() {
  if (used_ == max_slots_) {
    return Error{ErrorCode::kExhausted,
                 "the memory for recurrent state is full; all of it is in use; try again when "
                 "other requests have ended, or allow more memory"};
  }
  if (free_.empty()) {
    auto slot = std::make_unique<Slot>();
    slot->data = allocate_block(shape_.bytes());
    if (!slot->data) {
      return Error{ErrorCode::kExhausted,
                   "the system has no memory left for recurrent state; lower the number of users"};
    }
    free_.push_back(slot.get());
    slots_.push_back(std::move(slot));
  }
  Slot* slot = free_.back();
  free_.pop_back();
  slot->references = 1;
  ++used_;
  return slot;
}

Result<RecurrentPool::Slot*> RecurrentPool::take_copy(const Slot& from) {
  Slot* slot = TRY(take());
  std::memcpy(slot->data.get(), from.data.get(), shape_.bytes());
  return slot;
}

void RecurrentPool::release(Slot* slot) {
  if (--slot->references > 0) return;
  free_.push_back(slot);
  --used_;
}

}  // namespace overtake
