// The multiple-choice knapsack behind --budget-gb: one choice for every tensor, all together within
// a number of bytes, with as little loss as the convex hulls of their choices allow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace overtake {

struct SizedLoss {
  uint64_t bytes = 0;
  double loss = 0;  // finite
};
struct BudgetedChoice {
  std::vector<size_t> chosen;  // of each item's choices
  uint64_t bytes = 0;
  double loss = 0;
};

// Steps along each item's lower convex hull, the most loss saved per byte first (Everett 1963,
// generalized Lagrange multipliers; Shoham and Gersho 1988 for bits): the best possible at the
// sizes where a step ends, within one step of it between. What is left over buys what still fits.
// Null where the smallest choices exceed the budget.
std::optional<BudgetedChoice> least_loss(std::span<const std::vector<SizedLoss>> items,
                                         uint64_t budget);

}  // namespace overtake
