// Calibration: what reaches every matrix of a model while it reads a text.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "format/checkpoint.h"
#include "model/arch.h"
#include "model/gguf_plan.h"
#include "model/quantize/importance.h"
#include "tensor/ops.h"

namespace overtake {

// Of the inputs of one matrix.
struct ColumnSums {
  std::vector<double> squares;  // [n_in]: sum of x^2 over all rows
  int64_t n_rows = 0;
};

// A backend that remembers which tensors of the checkpoint each of its matrices was packed from,
// and whose Ops add up the squares of what those matrices are multiplied with. Single-threaded, as
// every Ops; `inner` outlives it.
class CalibrationBackend final : public Backend {
 public:
  explicit CalibrationBackend(Backend& inner) : inner_(inner) {}

  std::string_view name() const override { return inner_.name(); }
  Result<std::unique_ptr<Weight>> pack(std::span<const RowSpan> rows) override;
  std::unique_ptr<Ops> make_ops() override;

  void record(Tensor x, const Linear& w);
  const std::map<const StoredTensor*, ColumnSums>& sums() const { return sums_; }

 private:
  Backend& inner_;
  std::map<const Weight*, std::vector<const StoredTensor*>> sources_;
  std::map<const StoredTensor*, ColumnSums> sums_;
};

struct CalibrationOptions {
  int64_t chunk = 512;      // tokens that the model reads at a time, or its context if shorter
  int64_t max_chunks = 32;  // of a longer text: this many, spread over it
  std::function<Status(int64_t done, int64_t total)> progress;  // in tokens
};

// Reads `ids` with a model of `checkpoint`; the importance of the plan's matrices. kInvalidArgument
// for less than one token.
Result<Importance> calibrate(const Checkpoint& checkpoint, const GgufPlan& plan,
                             std::span<const int32_t> ids, Backend& backend,
                             const CalibrationOptions& options);

}  // namespace overtake
