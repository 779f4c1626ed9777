// Work: what a computation asks of a machine, whatever the time that it takes.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace overtake {

// What the numbers that a kernel multiplies are.
enum class MultiplyKind { kInt8, kBf16, kF32 };
constexpr int kMultiplyKinds = 3;

struct Work {
  // Multiplications and additions of linear layers, by what their kernels multiply.
  std::array<double, kMultiplyKinds> linear{};
  double attention = 0;  // ... of queries with keys, of weights with values
  double recurrence = 0;
  // That must be read, from wherever they lie: weights once a step, keys and values, and state.
  double bytes = 0;

  double operations() const;
  // What most of the linear layers' operations are; kF32 if there are none.
  MultiplyKind main_kind() const;
  Work& operator+=(const Work& other);
};

}  // namespace overtake
