// The levels of the tensor types whose codes name numbers instead of being them, shifted so that
// the least is 0. Shared by the types' files and the list of kernels.
#pragma once

#include "tensor/quant_type.h"

namespace overtake {

// IQ4_NL and IQ4_XS: -127 to 113, finer around zero.
constexpr Levels kIq4Levels = {1,   24,  45,  63,  79,  93,  106, 118,
                               129, 141, 153, 166, 181, 197, 217, 241};
constexpr int kIq4Zero = 128;

// MXFP4: E2M1 numbers (OCP Microscaling Formats v1.0), doubled; the sign is the upper bit.
constexpr Levels kE2m1Levels = {12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0};
constexpr int kE2m1Zero = 12;

// IQ2: 8, 25 and 43 of both signs, ascending.
constexpr Levels kIq2Levels = {0, 18, 35, 51, 68, 86};
constexpr int kIq2Zero = 43;

// IQ3_XXS: 4, 12, 20, 28, 36, 44, 52 and 62 of both signs, ascending.
constexpr Levels kIq3XxsLevels = {0, 10, 18, 26, 34, 42, 50, 58, 66, 74, 82, 90, 98, 106, 114, 124};
constexpr int kIq3XxsZero = 62;

// IQ3_S: odd numbers from -15 to 15.
constexpr Levels kIq3SLevels = {0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30};
constexpr int kIq3SZero = 15;

// IQ1_M: eighths of -1, 0 and 1 with an eighth less (codes 0 to 2) or more (3 to 5).
constexpr Levels kIq1Levels = {0, 8, 16, 2, 10, 18};
constexpr int kIq1Zero = 9;

}  // namespace overtake
