// A stable merge sort whose comparison may fail, and may contradict itself without harm.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "base/result.h"

namespace overtake::jinja {

// `less(a, b)` gives Result<bool>; its first error ends the sort and is returned.
template <typename T, typename Less>
Status sort_stable(std::vector<T>& items, Less less) {
  std::vector<T> merged(items.size());
  for (size_t width = 1; width < items.size(); width *= 2) {
    for (size_t begin = 0; begin < items.size(); begin += 2 * width) {
      const size_t middle = std::min(begin + width, items.size());
      const size_t end = std::min(begin + 2 * width, items.size());
      size_t left = begin;
      size_t right = middle;
      for (size_t i = begin; i < end; ++i) {
        bool take_right = left == middle;
        if (!take_right && right < end) take_right = TRY(less(items[right], items[left]));
        merged[i] = std::move(items[take_right ? right++ : left++]);
      }
    }
    std::swap(items, merged);
  }
  return {};
}

}  // namespace overtake::jinja
