#include "base/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace overtake {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

// The definition in IEEE 754, by arithmetic instead of bits.
float f16_by_definition(uint16_t half) {
  const int exponent = half >> 10 & 31;
  const int mantissa = half & 0x3ff;
  const float magnitude = exponent == 31 ? kInf
                          : exponent == 0
                              ? std::ldexp(static_cast<float>(mantissa), -24)
                              : std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25);
  return half & 0x8000 ? -magnitude : magnitude;
}

TEST(Half, DecodesEveryF16AsDefined) {
  for (uint32_t half = 0; half <= 0xffff; ++half) {
    const float value = f16_to_f32(static_cast<uint16_t>(half));
    if ((half & 0x7fff) > 0x7c00) {
      ASSERT_TRUE(std::isnan(value)) << half;
    } else {
      const float expected = f16_by_definition(static_cast<uint16_t>(half));
      ASSERT_EQ(std::bit_cast<uint32_t>(value), std::bit_cast<uint32_t>(expected)) << half;
    }
  }
}

TEST(Half, EncodesEveryF16BackToItself) {
  for (uint32_t half = 0; half <= 0xffff; ++half) {
    const uint16_t back = f32_to_f16(f16_to_f32(static_cast<uint16_t>(half)));
    const uint32_t quiet = (half & 0x7fff) > 0x7c00 ? 0x200 : 0;
    ASSERT_EQ(back, half | quiet);
  }
}

TEST(Half, RoundsF16ToNearestWithTiesToEven) {
  for (uint16_t half = 0; half < 0x7c00; ++half) {
    const float low = f16_to_f32(half);
    // The step past the largest value would be 2^16, which becomes infinity.
    const float high = half == 0x7bff ? 65536.0f : f16_to_f32(half + 1);
    const float middle = (low + high) / 2;
    const uint16_t even = half % 2 == 0 ? half : half + 1;
    ASSERT_EQ(f32_to_f16(middle), even) << half;
    ASSERT_EQ(f32_to_f16(-middle), even | 0x8000) << half;
    ASSERT_EQ(f32_to_f16(std::nextafter(middle, 0.0f)), half) << half;
    ASSERT_EQ(f32_to_f16(std::nextafter(middle, kInf)), half + 1) << half;
  }
}

TEST(Half, OverflowsF16ToInfinity) {
  EXPECT_EQ(f32_to_f16(65519.996f), 0x7bff);
  EXPECT_EQ(f32_to_f16(65520.0f), 0x7c00);
  EXPECT_EQ(f32_to_f16(std::numeric_limits<float>::max()), 0x7c00);
  EXPECT_EQ(f32_to_f16(-kInf), 0xfc00);
  EXPECT_EQ(f32_to_f16(std::numeric_limits<float>::denorm_min()), 0);
}

TEST(Half, Bf16IsTheUpperHalfRoundedToEven) {
  for (uint32_t half = 0; half <= 0xffff; ++half) {
    const uint32_t bits = half << 16;
    ASSERT_EQ(std::bit_cast<uint32_t>(bf16_to_f32(static_cast<uint16_t>(half))), bits);
    if ((half & 0x7fff) > 0x7f80) {
      ASSERT_EQ(f32_to_bf16(std::bit_cast<float>(bits)), half | 0x40);
    } else {
      ASSERT_EQ(f32_to_bf16(std::bit_cast<float>(bits)), half);
    }
    if ((half & 0x7fff) < 0x7f80) {
      ASSERT_EQ(f32_to_bf16(std::bit_cast<float>(bits | 0x7fff)), half);
      ASSERT_EQ(f32_to_bf16(std::bit_cast<float>(bits | 0x8000)), half + half % 2);
      ASSERT_EQ(f32_to_bf16(std::bit_cast<float>(bits | 0x8001)), half + 1);
    }
  }
}

TEST(Half, Bf16KeepsNanWhosePayloadIsInTheLowerHalf) {
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x7f800001u)), 0x7fc0);
}

}  // namespace
}  // namespace overtake
