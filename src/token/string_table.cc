#include "token/string_table.h"

#include <bit>

#include "base/check.h"
#include "token/hash.h"

namespace overtake {

void StringTable::reserve(size_t n_strings, size_t n_bytes) {
  OVERTAKE_CHECK(n_strings <= size_t{1} << 30 && n_indexed_ == 0);
  bytes_.reserve(n_bytes);
  starts_.reserve(n_strings + 1);
  slots_.assign(std::bit_ceil(2 * n_strings + 2), Slot{});
}

void StringTable::push_back(std::string_view string) {
  bytes_ += string;
  starts_.push_back(bytes_.size());
}

StringTable::Indexed StringTable::index(int32_t place) {
  OVERTAKE_CHECK(2 * ++n_indexed_ <= slots_.size());
  const std::string_view string = (*this)[place];
  const auto hash = static_cast<uint32_t>(hash_string(string));
  const size_t mask = slots_.size() - 1;
  for (size_t i = 0; i < kMaxProbes; ++i) {
    Slot& slot = slots_[(hash + i) & mask];
    if (slot.place < 0) {
      slot = {hash, place};
      return Indexed::kDone;
    }
    if (slot.hash == hash && (*this)[slot.place] == string) return Indexed::kDuplicate;
  }
  return Indexed::kTooManyCollisions;
}

int32_t StringTable::find(std::string_view string) const {
  const auto hash = static_cast<uint32_t>(hash_string(string));
  const size_t mask = slots_.size() - 1;
  for (size_t i = 0; i < kMaxProbes; ++i) {
    const Slot& slot = slots_[(hash + i) & mask];
    if (slot.place < 0) return -1;
    if (slot.hash == hash && (*this)[slot.place] == string) return slot.place;
  }
  return -1;  // index() put nothing farther away
}

}  // namespace overtake
