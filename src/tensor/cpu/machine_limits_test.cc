// Limits depend on the machine; what they are made of does not.
#include "tensor/cpu/machine_limits.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace overtake {
namespace {

InstructionPeak peak(MultiplyKind kind, double operations_s, bool used = true) {
  return {Isa::kAvx2, "instruction", kind, used, operations_s};
}

TEST(MachineLimits, EveryInstructionSetHasAnInt8AndAnF32Peak) {
  ThreadPool pool(1);
  for (const Isa isa : supported_isas()) {
    const auto peaks = measure_peaks(pool, isa, PeakSet::kBest);
    for (const MultiplyKind kind : {MultiplyKind::kInt8, MultiplyKind::kF32}) {
      EXPECT_EQ(std::ranges::count(peaks, kind, &InstructionPeak::kind), 1) << isa_name(isa);
    }
    for (const InstructionPeak& each : peaks) {
      EXPECT_GT(each.operations_s, 0) << each.instruction;
      EXPECT_LE(each.isa, isa);
      EXPECT_TRUE(each.used);
    }
  }
}

TEST(MachineLimits, ReadingTakesTime) {
  ThreadPool pool(2);
  for (const Isa isa : supported_isas()) {
    const auto read = measure_read(pool, isa, (3u << 20) + 12345);
    ASSERT_TRUE(read.ok());
    EXPECT_GT(read->bytes_s, 0);
    EXPECT_GT(read->n_bytes, (3u << 20));
    EXPECT_LE(read->n_bytes, (3u << 20) + 12345);
  }
}

TEST(MachineLimits, TheBestUsedInstructionOfEachKindCounts) {
  const MachineLimits limits = limits_of(
      {peak(MultiplyKind::kInt8, 5), peak(MultiplyKind::kInt8, 9, false),
       peak(MultiplyKind::kInt8, 7), peak(MultiplyKind::kF32, 3), peak(MultiplyKind::kBf16, 4)},
      {});
  EXPECT_EQ(limits.peak[0].operations_s, 7);
  EXPECT_EQ(limits.peak[1].operations_s, 4);
  EXPECT_EQ(limits.peak[2].operations_s, 3);
}

TEST(MachineLimits, WithoutBf16InstructionsF32StandsForThem) {
  const MachineLimits limits = limits_of({peak(MultiplyKind::kF32, 3)}, {});
  EXPECT_EQ(limits.peak[static_cast<size_t>(MultiplyKind::kBf16)].operations_s, 3);
}

TEST(MachineLimits, TheSlowerOfReadingAndMultiplyingBinds) {
  const MachineLimits limits =
      limits_of({peak(MultiplyKind::kInt8, 100), peak(MultiplyKind::kF32, 10)}, {50, 1 << 20});
  Work work;
  work.linear[static_cast<size_t>(MultiplyKind::kInt8)] = 300;
  work.attention = 100;
  work.bytes = 150;
  Bound bound = bound_of(work, limits);
  EXPECT_FALSE(bound.by_reading);
  EXPECT_EQ(bound.kind, MultiplyKind::kInt8);
  EXPECT_DOUBLE_EQ(bound.seconds, 4);
  work.bytes = 500;
  bound = bound_of(work, limits);
  EXPECT_TRUE(bound.by_reading);
  EXPECT_DOUBLE_EQ(bound.seconds, 10);
}

}  // namespace
}  // namespace overtake
