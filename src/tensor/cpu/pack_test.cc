// Packing says which bytes of the file it will read and has read, so that the file's pages come
// from disk in time and do not stay in memory beside the packed ones.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "tensor/cpu/matmul.h"

namespace overtake {
namespace {

// Counts how often each byte was asked for and given back.
class CountingSource : public TensorSource {
 public:
  explicit CountingSource(std::span<const std::byte> bytes)
      : bytes_(bytes), n_wanted_(bytes.size()), n_done_(bytes.size()) {}

  void will_read(std::span<const std::byte> part) const override {
    count(part, n_wanted_);
    held_ += part.size();
    most_held_ = std::max(most_held_, held_);
  }
  void was_read(std::span<const std::byte> part) const override {
    count(part, n_done_);
    held_ -= part.size();
  }

  bool each_once() const {
    const auto once = [](uint8_t n) { return n == 1; };
    return std::ranges::all_of(n_wanted_, once) && std::ranges::all_of(n_done_, once);
  }
  size_t most_held() const { return most_held_; }

 private:
  void count(std::span<const std::byte> part, std::vector<uint8_t>& counts) const {
    const auto first = static_cast<size_t>(part.data() - bytes_.data());
    for (size_t i = first; i < first + part.size(); ++i) ++counts.at(i);
  }

  std::span<const std::byte> bytes_;
  mutable std::vector<uint8_t> n_wanted_, n_done_;
  mutable size_t held_ = 0, most_held_ = 0;
};

TEST(Pack, HoldsAPartOfTheFileAtATime) {
  const QuantType* type = find_quant_type("Q8_0");
  constexpr int64_t kRows = 4099, kCols = 4096;  // the last tile is not full
  const std::vector<std::byte> bytes(static_cast<size_t>(kRows * type->row_bytes(kCols)));
  ThreadPool pool(2);
  for (const Isa isa : {Isa::kScalar, supported_isas().back()}) {
    const CountingSource source(bytes);
    const StoredTensor tensor{"zeros", type, {kRows, kCols}, bytes, &source};
    // Not in the order of the file.
    const RowSpan rows[] = {{&tensor, 2000, kRows - 2000}, {&tensor, 0, 2000}};
    ASSERT_TRUE(pack_cpu_weight(rows, isa, pool).ok());
    EXPECT_TRUE(source.each_once()) << isa_name(isa);
    EXPECT_LE(source.most_held(), size_t{4} << 20) << isa_name(isa);
  }
}

}  // namespace
}  // namespace overtake
