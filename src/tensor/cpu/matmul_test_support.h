// What tests of the matrix product share: random weights and activations.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "tensor/cpu/matmul.h"

namespace overtake {

// A tensor of random bytes whose every block decodes to numbers of moderate size.
struct RandomTensor {
  RandomTensor(const QuantType& type, int64_t n_rows, int64_t n_cols, uint32_t seed) {
    std::mt19937 random(seed);
    bytes.resize(static_cast<size_t>(n_rows * type.row_bytes(n_cols)));
    const size_t block_bytes = static_cast<size_t>(type.block_bytes);
    std::vector<float> block(static_cast<size_t>(type.block));
    for (size_t at = 0; at < bytes.size(); at += block_bytes) {
      float largest = 0;
      do {
        for (size_t i = 0; i < block_bytes; ++i) bytes[at + i] = static_cast<std::byte>(random());
        type.decode(&bytes[at], block.data(), type.block);
        largest = 0;
        for (const float x : block)
          largest = std::isfinite(x) ? std::max(largest, std::abs(x)) : 99;
      } while (largest > 4 || largest < 0.01f);
    }
    stored = {"random", &type, {n_rows, n_cols}, bytes};
  }
  RandomTensor(const RandomTensor&) = delete;

  std::vector<std::byte> bytes;
  StoredTensor stored;
};

struct Matrix {
  Matrix(int64_t rows, int64_t cols) : data(static_cast<size_t>(rows * cols)) {
    tensor = {data.data(), rows, cols, cols};
  }
  Matrix(int64_t rows, int64_t cols, uint32_t seed) : Matrix(rows, cols) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    for (float& x : data) x = normal(random);
  }
  Matrix(Matrix&&) = default;  // `tensor` stays where it points

  std::vector<float> data;
  Tensor tensor;
};

inline void expect_same_bits(const Tensor& a, const Tensor& b) {
  ASSERT_EQ(a.rows, b.rows);
  for (int64_t i = 0; i < a.rows; ++i) {
    for (int64_t j = 0; j < a.cols; ++j) {
      ASSERT_EQ(std::memcmp(a.row(i) + j, b.row(i) + j, 4), 0)
          << "row " << i << " col " << j << ": " << a.row(i)[j] << " and " << b.row(i)[j];
    }
  }
}

inline std::unique_ptr<Weight> pack(std::span<const RowSpan> rows, Isa isa, ThreadPool& pool) {
  auto weight = pack_cpu_weight(rows, isa, pool);
  EXPECT_TRUE(weight.ok()) << weight.error().message;
  return std::move(weight).value();
}

inline std::unique_ptr<Weight> pack(const RandomTensor& w, Isa isa, ThreadPool& pool) {
  const RowSpan span{&w.stored, 0, w.stored.n_rows()};
  return pack({&span, 1}, isa, pool);
}

}  // namespace overtake
