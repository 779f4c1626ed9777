// Encoder: numbers become blocks of a quantized type with little error, weighted by how much each
// column matters. QuantType::encode is the plain way, this the careful one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "tensor/cpu/cpu_backend.h"
#include "tensor/encode/search.h"
#include "tensor/quant_type.h"

namespace overtake {

// Whether Encoder takes the type: those with a search, and those that `encode` says all about.
bool can_encode(const QuantType& type);

// Immutable; any number of threads may encode with one. The bytes depend on the values and the
// importance alone, not on `isa`.
class Encoder {
 public:
  Encoder(const QuantType& type, Isa isa);

  const QuantType& type() const { return type_; }
  // values [n_rows, n_cols], all finite, to whole rows of blocks at `out`. `importance` [n_cols]:
  // how much a squared error in each column costs, not negative; empty if that is not known.
  void encode(std::span<const float> values, std::span<const float> importance,
              std::byte* out) const;

 private:
  const QuantType& type_;
  SearchSpec spec_;
  Search search_ = nullptr;
};

}  // namespace overtake
