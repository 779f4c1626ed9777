#include "model/quantize/least_loss.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace overtake {
namespace {

using Choices = std::vector<SizedLoss>;

double saved_per_byte(const SizedLoss& from, const SizedLoss& to) {
  return (from.loss - to.loss) / static_cast<double>(to.bytes - from.bytes);
}

// The choices on the lower convex hull, ascending in bytes, descending in loss.
std::vector<size_t> hull(const Choices& all) {
  std::vector<size_t> order(all.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) {
    return all[a].bytes != all[b].bytes ? all[a].bytes < all[b].bytes : all[a].loss < all[b].loss;
  });
  std::vector<size_t> out;
  for (const size_t next : order) {
    if (!out.empty() && all[next].loss >= all[out.back()].loss) continue;
    while (out.size() >= 2 && saved_per_byte(all[out[out.size() - 2]], all[out.back()]) <=
                                  saved_per_byte(all[out.back()], all[next])) {
      out.pop_back();
    }
    out.push_back(next);
  }
  return out;
}

struct Step {
  size_t item;
  size_t from;
  size_t to;
  double saving;
};

void take(std::span<const Choices> items, size_t item, size_t to, BudgetedChoice* mix) {
  const SizedLoss& before = items[item][mix->chosen[item]];
  const SizedLoss& after = items[item][to];
  mix->bytes = mix->bytes - before.bytes + after.bytes;
  mix->loss += after.loss - before.loss;
  mix->chosen[item] = to;
}

// Spends what is left on the largest saving that fits, until none does.
void spend_rest(std::span<const Choices> items, uint64_t budget, BudgetedChoice* mix) {
  for (;;) {
    double best = 0;
    size_t item = 0;
    size_t choice = 0;
    for (size_t i = 0; i < items.size(); ++i) {
      const SizedLoss& now = items[i][mix->chosen[i]];
      for (size_t c = 0; c < items[i].size(); ++c) {
        if (now.loss - items[i][c].loss <= best) continue;
        if (mix->bytes - now.bytes + items[i][c].bytes > budget) continue;
        best = now.loss - items[i][c].loss;
        item = i;
        choice = c;
      }
    }
    if (best <= 0) return;
    take(items, item, choice, mix);
  }
}

}  // namespace

std::optional<BudgetedChoice> least_loss(std::span<const Choices> items, uint64_t budget) {
  BudgetedChoice mix;
  std::vector<Step> steps;
  for (size_t i = 0; i < items.size(); ++i) {
    const std::vector<size_t> path = hull(items[i]);
    mix.chosen.push_back(path.front());
    mix.bytes += items[i][path.front()].bytes;
    mix.loss += items[i][path.front()].loss;
    for (size_t k = 1; k < path.size(); ++k) {
      steps.push_back(
          {i, path[k - 1], path[k], saved_per_byte(items[i][path[k - 1]], items[i][path[k]])});
    }
  }
  if (mix.bytes > budget) return std::nullopt;
  std::ranges::stable_sort(steps, std::greater<>(), &Step::saving);
  for (const Step& step : steps) {
    // An item whose last step did not fit takes none after it.
    if (mix.chosen[step.item] != step.from) continue;
    const uint64_t more = items[step.item][step.to].bytes - items[step.item][step.from].bytes;
    if (more <= budget - mix.bytes) take(items, step.item, step.to, &mix);
  }
  spend_rest(items, budget, &mix);
  return mix;
}

}  // namespace overtake
