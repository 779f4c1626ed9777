// Numbers of JSON texts within bounds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "token/grammar/grammar_builder.h"

namespace overtake {

// Integers from `least` to `most`, both within 15 digits. `least` <= `most`.
ExprId add_integer_range(GrammarBuilder& builder, int64_t least, int64_t most);

// Integers that `step` (1 to kMaxStep) divides.
constexpr int64_t kMaxStep = 10'000;
ExprId add_multiples(GrammarBuilder& builder, int64_t step);

// A bound of numbers with fractions: its decimal digits, at most 15 in all.
struct DecimalBound {
  bool negative = false;
  std::string whole = "0";    // "0", "12"
  std::string fraction = {};  // without zeros at its end
  bool excluded = false;
};
// kUnsupported for a number of more digits.
Result<DecimalBound> decimal_bound(double value, bool excluded);

// Decimal numbers between the bounds, without exponent.
Result<ExprId> add_number_range(GrammarBuilder& builder, const std::optional<DecimalBound>& least,
                                const std::optional<DecimalBound>& most);

}  // namespace overtake
