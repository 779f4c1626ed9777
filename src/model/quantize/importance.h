// Importance: how much a squared error in each column of a matrix costs, which is the mean square
// of what the model multiplies it with ("importance matrix").
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace overtake {

class Importance {
 public:
  // `mean_squares` [n_cols] for the matrix `tensor` of the GGUF file, finite and not negative.
  void set(std::string tensor, std::vector<float> mean_squares) {
    columns_[std::move(tensor)] = std::move(mean_squares);
  }
  // Empty if nothing is known.
  std::span<const float> of(std::string_view tensor) const {
    const auto found = columns_.find(tensor);
    return found == columns_.end() ? std::span<const float>() : found->second;
  }
  bool empty() const { return columns_.empty(); }
  const std::map<std::string, std::vector<float>, std::less<>>& all() const { return columns_; }

 private:
  std::map<std::string, std::vector<float>, std::less<>> columns_;
};

}  // namespace overtake
