// The contract of every entry of the registry, and the values against the `gguf` package's
// (tests/fixtures/make_quant_fixtures.py).
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/file.h"
#include "tensor/quant_type.h"

namespace overtake {
namespace {

std::string fixture(std::string_view name) {
  const std::string path = std::string(OVERTAKE_TEST_DATA_DIR "/quant/").append(name);
  Result<std::string> bytes = read_file(path, 1 << 20);
  if (!bytes.ok()) {
    ADD_FAILURE() << bytes.error().message;
    return {};
  }
  return std::move(bytes).value();
}

std::vector<float> floats(std::string_view bytes) {
  std::vector<float> out(bytes.size() / sizeof(float));
  std::memcpy(out.data(), bytes.data(), out.size() * sizeof(float));
  return out;
}

const std::byte* as_bytes(const std::string& text) {
  return reinterpret_cast<const std::byte*>(text.data());
}

// The types whose encoders came later have values of their own.
bool has_levels_or_blocks_of_256(const QuantType& type) {
  return type.integer && (type.integer->level_bits || type.block == 256);
}

class EveryQuantType : public testing::TestWithParam<const QuantType*> {
 protected:
  const QuantType& type() const { return *GetParam(); }
};

INSTANTIATE_TEST_SUITE_P(Registry, EveryQuantType,
                         testing::ValuesIn(all_quant_types().begin(), all_quant_types().end()),
                         [](const auto& test) { return std::string(test.param->name); });

TEST_P(EveryQuantType, HasAConsistentEntry) {
  EXPECT_FALSE(type().name.empty());
  EXPECT_GT(type().block, 0);
  EXPECT_LE(type().block, kMaxBlock);
  EXPECT_GT(type().block_bytes, 0);
  EXPECT_EQ(type().row_bytes(3 * type().block), 3 * type().block_bytes);
  EXPECT_TRUE(type().decode);
  EXPECT_EQ(type().integer == nullptr, type().to_integers == nullptr);
  EXPECT_EQ(find_quant_type(type().gguf_id), &type()) << "the id is taken";
  EXPECT_EQ(find_quant_type(type().name), &type()) << "the name is taken";
}

TEST_P(EveryQuantType, HasAnIntegerFormThatKernelsCanRead) {
  const IntegerForm* form = type().integer;
  if (!form) return;
  EXPECT_TRUE(std::set<int>({2, 3, 4, 5, 6, 8}).contains(form->bits));
  EXPECT_TRUE(std::set<int>({16, 32, form->super}).contains(form->group));
  EXPECT_TRUE(form->super == 32 || form->super == 256);
  EXPECT_EQ(form->super, type().block) << "one pair of d and dmin a block";
  EXPECT_LE(form->super / form->group, kMaxGroups);
  EXPECT_GE(form->zero, 0);
  EXPECT_LT(form->zero, 1 << form->dot_bits());
  EXPECT_EQ(form->level_bits != 0, form->levels != Levels{});
  for (const int level : form->levels) EXPECT_LT(level, 1 << form->dot_bits());
  int exponent;
  EXPECT_EQ(std::frexp(form->unit, &exponent), 0.5f) << "a power of two";
  EXPECT_FALSE(form->bf16_d && form->has_min);
}

TEST_P(EveryQuantType, DecodesZeroBytesToZeros) {
  const std::vector<std::byte> blocks(2 * static_cast<size_t>(type().block_bytes));
  std::vector<float> out(2 * static_cast<size_t>(type().block), 1.0f);
  type().decode(blocks.data(), out.data(), static_cast<int64_t>(out.size()));
  for (const float value : out) EXPECT_EQ(value, 0.0f);
}

TEST_P(EveryQuantType, DecodesToTheLastBitAsTheGgufPackage) {
  const std::string blocks = fixture(std::string(type().name) + ".decode.blocks");
  const std::vector<float> expected = floats(fixture(std::string(type().name) + ".decode.f32"));
  ASSERT_GT(expected.size(), 0u);
  ASSERT_EQ(static_cast<int64_t>(blocks.size()),
            type().row_bytes(static_cast<int64_t>(expected.size())));
  std::vector<float> out(expected.size());
  type().decode(as_bytes(blocks), out.data(), static_cast<int64_t>(out.size()));
  for (size_t i = 0; i < out.size(); ++i) {
    if (std::isnan(expected[i]) && std::isnan(out[i])) continue;
    ASSERT_EQ(std::bit_cast<uint32_t>(out[i]), std::bit_cast<uint32_t>(expected[i]))
        << "element " << i << ": " << out[i] << ", expected " << expected[i];
  }
}

TEST_P(EveryQuantType, DecodesFromUnalignedBytes) {
  const std::string blocks = fixture(std::string(type().name) + ".decode.blocks");
  const std::string shifted = "x" + blocks;
  std::vector<float> out(static_cast<size_t>(type().block));
  std::vector<float> expected(out.size());
  type().decode(as_bytes(blocks), expected.data(), type().block);
  type().decode(as_bytes(shifted) + 1, out.data(), type().block);
  EXPECT_EQ(std::memcmp(out.data(), expected.data(), out.size() * sizeof(float)), 0);
}

// Every bit pattern is a block: scales that are no numbers too.
TEST_P(EveryQuantType, DecodesAnyBytes) {
  std::mt19937 random(7);
  std::vector<std::byte> block(static_cast<size_t>(type().block_bytes));
  std::vector<float> out(static_cast<size_t>(type().block));
  IntegerBlock integers;
  for (int i = 0; i < 2000; ++i) {
    for (std::byte& byte : block) byte = static_cast<std::byte>(random());
    if (i < 2) std::ranges::fill(block, static_cast<std::byte>(i - 1));
    type().decode(block.data(), out.data(), type().block);
    if (!type().integer) continue;
    type().to_integers(block.data(), &integers);
    for (int j = 0; j < type().block; ++j) ASSERT_LT(integers.code[j], 1 << type().integer->bits);
  }
}

// The sum of one block by IntegerForm's formula in f64, against the package's f32: two roundings.
TEST_P(EveryQuantType, GivesIntegersThatMeanTheSame) {
  const IntegerForm* form = type().integer;
  if (!form) return;
  const std::string blocks = fixture(std::string(type().name) + ".decode.blocks");
  const std::vector<float> expected = floats(fixture(std::string(type().name) + ".decode.f32"));
  for (size_t b = 0; b * static_cast<size_t>(type().block) < expected.size(); ++b) {
    IntegerBlock block;
    std::memset(&block, 0x5a, sizeof block);
    type().to_integers(as_bytes(blocks) + b * static_cast<size_t>(type().block_bytes), &block);
    if (!std::isfinite(block.d)) continue;
    for (int i = 0; i < type().block; ++i) {
      const int g = i / form->group;
      ASSERT_LT(block.code[i], 1 << form->bits);
      const int code = form->level_bits ? form->levels[block.code[i]] : block.code[i];
      const double d = double{block.d} * form->unit;
      const double product = d * block.scale[g] * (code - form->zero);
      const double min = form->has_min ? double{block.dmin} * form->unit * block.min[g] : 0;
      const double bound = (std::abs(product) + std::abs(min)) * 0x1p-23;
      if (std::abs(product) > std::numeric_limits<float>::max()) continue;  // MXFP4 has such
      ASSERT_NEAR(product - min, expected[b * static_cast<size_t>(type().block) + i], bound);
    }
    if (form->super == form->group) {
      EXPECT_EQ(block.scale[0], 1);
      EXPECT_EQ(block.min[0], 1);
    }
  }
}

TEST_P(EveryQuantType, PacksTheIntegersThatItUnpacks) {
  if (!type().from_integers) return;
  const std::string blocks = fixture(std::string(type().name) + ".decode.blocks");
  const size_t size = static_cast<size_t>(type().block_bytes);
  std::vector<std::byte> packed(size);
  for (size_t b = 0; b + size <= blocks.size(); b += size) {
    IntegerBlock block;
    type().to_integers(as_bytes(blocks) + b, &block);
    if (!std::isfinite(block.d) || !std::isfinite(block.dmin)) continue;
    type().from_integers(block, packed.data());
    ASSERT_EQ(std::memcmp(packed.data(), as_bytes(blocks) + b, size), 0) << "block " << b / size;
  }
}

TEST_P(EveryQuantType, EncodesToTheLastBitAsTheGgufPackage) {
  if (!type().encode) return;
  const std::vector<float> values =
      floats(fixture(has_levels_or_blocks_of_256(type()) ? "encode256.f32" : "encode.f32"));
  const std::string expected = fixture(std::string(type().name) + ".encode.blocks");
  ASSERT_GT(values.size(), 0u);
  std::string blocks(static_cast<size_t>(type().row_bytes(static_cast<int64_t>(values.size()))),
                     '\0');
  type().encode(values.data(), reinterpret_cast<std::byte*>(blocks.data()),
                static_cast<int64_t>(values.size()));
  ASSERT_EQ(blocks.size(), expected.size());
  for (size_t i = 0; i < blocks.size(); ++i) {
    ASSERT_EQ(blocks[i], expected[i])
        << "byte " << i << " of block " << i / static_cast<size_t>(type().block_bytes);
  }
}

// Values without a code (NaN, infinity, a scale too small to invert) must not be undefined.
TEST_P(EveryQuantType, EncodesAnyFloatWithoutUndefinedBehaviour) {
  if (!type().encode) return;
  for (const float odd : {std::numeric_limits<float>::quiet_NaN(), 1e-45f, 3.4e38f,
                          std::numeric_limits<float>::infinity()}) {
    std::vector<float> values(256, odd);
    values[5] = -odd;
    std::vector<std::byte> blocks(static_cast<size_t>(type().row_bytes(256)));
    type().encode(values.data(), blocks.data(), 256);
    type().decode(blocks.data(), values.data(), 256);
  }
}

TEST(QuantTypes, CoverWhatPublishedGgufFilesHold) {
  for (const std::string_view name :
       {"F32",     "F16",   "BF16",   "Q4_0",   "Q4_1",  "Q5_0",  "Q5_1",    "Q8_0",   "Q2_K",
        "Q3_K",    "Q4_K",  "Q5_K",   "Q6_K",   "IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S",
        "IQ3_XXS", "IQ3_S", "IQ4_NL", "IQ4_XS", "TQ1_0", "TQ2_0", "MXFP4"}) {
    EXPECT_TRUE(find_quant_type(name)) << name;
  }
  EXPECT_FALSE(find_quant_type("q4_k"));
  EXPECT_FALSE(find_quant_type(4u)) << "Q4_2, which was removed from the format";
}

}  // namespace
}  // namespace overtake
