// The forms of integer weights that there are kernels for: one for each that a file in
// tensor/quant/ has.
#pragma once

#include <array>

#include "tensor/cpu/matmul_kernels.h"
#include "tensor/quant_levels.h"

namespace overtake {

// {bits, group, nested, has_min}, then scaled, bf16_d, dot_bits and levels.
inline constexpr KernelForm kIntegerForms[] = {
    {4, 32, false, false},
    {4, 32, false, true},
    {5, 32, false, false},
    {5, 32, false, true},
    {8, 32, false, false},
    {2, 16, true, true},
    {3, 16, true, false},
    {4, 32, true, true},
    {5, 32, true, true},
    {6, 16, true, false},
    {2, 32, true, true},
    // Without scales.
    {2, 32, true, false, false},
    // With levels.
    {4, 32, false, false, false, false, 8, kIq4Levels},
    {4, 32, true, false, true, false, 8, kIq4Levels},
    {4, 32, false, false, false, true, 5, kE2m1Levels},
    {3, 32, true, false, true, false, 7, kIq2Levels},
    {3, 16, true, false, true, false, 7, kIq2Levels},
    {4, 32, true, false, true, false, 7, kIq3XxsLevels},
    {4, 32, true, false, true, false, 5, kIq3SLevels},
    {3, 16, true, false, true, false, 5, kIq1Levels},
};
inline constexpr size_t kIntegerFormCount = std::size(kIntegerForms);

}  // namespace overtake
