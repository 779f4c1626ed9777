// What a bench must know of a packed weight: which peak its kernels can reach, what they read.
#pragma once

#include <cstddef>
#include <span>

#include "tensor/batch.h"
#include "tensor/weight.h"
#include "tensor/work.h"

namespace overtake {

// What the kernels multiply for most rows of `weight`, which is of pack_cpu_weight.
MultiplyKind multiply_kind(const Weight& weight, Phase phase);

// The packed numbers, at an address divisible by 64.
std::span<const std::byte> packed_numbers(const Weight& weight);

}  // namespace overtake
