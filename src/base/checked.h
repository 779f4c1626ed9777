// Arithmetic on sizes that come from outside: every overflow is seen, none wraps.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>

namespace overtake {

template <std::integral T>
[[nodiscard]] std::optional<T> checked_add(T a, T b) {
  T out;
  if (__builtin_add_overflow(a, b, &out)) return std::nullopt;
  return out;
}

template <std::integral T>
[[nodiscard]] std::optional<T> checked_mul(T a, T b) {
  T out;
  if (__builtin_mul_overflow(a, b, &out)) return std::nullopt;
  return out;
}

// `offset` rounded up to a multiple of `alignment` (> 0).
[[nodiscard]] inline std::optional<uint64_t> checked_align_up(uint64_t offset, uint64_t alignment) {
  const uint64_t rest = offset % alignment;
  return rest == 0 ? std::optional<uint64_t>(offset) : checked_add(offset, alignment - rest);
}

// Whether [offset, offset + size) lies within [0, limit).
[[nodiscard]] inline bool range_fits(uint64_t offset, uint64_t size, uint64_t limit) {
  return offset <= limit && size <= limit - offset;
}

}  // namespace overtake
