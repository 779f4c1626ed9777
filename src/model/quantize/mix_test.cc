// The mixes by the golden models' tensors.
#include "model/quantize/mix.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "model/convert.h"
#include "tensor/encode/encoder.h"

namespace overtake {
namespace {

std::map<std::string, std::string> types_in(const std::string& folder, const char* option) {
  const auto checkpoint = open_checkpoint(OVERTAKE_TEST_DATA_DIR "/golden/" + folder);
  EXPECT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  const auto plan = plan_gguf(**checkpoint);
  EXPECT_TRUE(plan.ok()) << plan.error().message;
  const auto types = mixed_types(*plan, *find_mix(option));
  std::map<std::string, std::string> out;
  for (size_t i = 0; i < types.size(); ++i) out[plan->tensors()[i].name] = types[i]->name;
  return out;
}

TEST(Mix, HasTypesThatCanBeWritten) {
  for (const Mix& mix : mixes()) {
    EXPECT_EQ(find_mix(mix.option)->file_type, mix.file_type);
    ASSERT_TRUE(find_quant_type(mix.base_type)) << mix.option;
    EXPECT_TRUE(can_encode(*find_quant_type(mix.base_type))) << mix.option;
  }
  EXPECT_FALSE(find_mix("q4_k"));
}

TEST(Mix, TakesShorterBlocksWhereRowsAreNoWholeOnes) {
  const auto fitting = [](const char* type, int64_t n_cols) {
    return std::string(fitting_type(*find_quant_type(type), n_cols).name);
  };
  EXPECT_EQ(fitting("Q4_K", 512), "Q4_K");
  EXPECT_EQ(fitting("Q4_K", 576), "Q5_0");
  EXPECT_EQ(fitting("Q5_K", 576), "Q5_1");
  EXPECT_EQ(fitting("Q6_K", 576), "Q8_0");
  EXPECT_EQ(fitting("Q3_K", 576), "Q4_0");
  EXPECT_EQ(fitting("IQ4_XS", 576), "IQ4_NL");
  EXPECT_EQ(fitting("Q4_K", 24), "F16");
  EXPECT_EQ(fitting("Q8_0", 24), "F16");
}

TEST(Mix, KeepsWhatIsSmallAndSensitiveInFloats) {
  const auto mamba = types_in("falcon-mamba", "q4_k_m");
  EXPECT_EQ(mamba.at("blk.0.ssm_conv1d.weight"), "F32");
  EXPECT_EQ(mamba.at("blk.0.ssm_a"), "F32");
  EXPECT_EQ(mamba.at("blk.0.attn_norm.weight"), "F32");
  EXPECT_EQ(mamba.at("blk.0.ssm_in.weight"), "Q5_0");
  const auto hybrid = types_in("falcon-h1", "q4_k_m");
  EXPECT_EQ(hybrid.at("blk.0.ssm_conv1d.weight"), "F32");
  EXPECT_EQ(hybrid.at("blk.0.ssm_out.weight"), "Q5_0");
}

TEST(Mix, GivesMoreBitsToFirstAndLastLayersAndTheOutput) {
  const auto llama = types_in("llama2-gqa", "q4_k_m");  // 3 layers of 64 columns
  EXPECT_EQ(llama.at("output.weight"), "Q8_0");
  EXPECT_EQ(llama.at("token_embd.weight"), "Q5_0");
  EXPECT_EQ(llama.at("blk.0.attn_v.weight"), "Q5_0");
  EXPECT_EQ(llama.at("blk.2.attn_v.weight"), "Q8_0");
  EXPECT_EQ(llama.at("blk.2.attn_q.weight"), "Q5_0");
  EXPECT_EQ(types_in("llama-tied", "q4_k_m").at("token_embd.weight"), "Q8_0");
}

}  // namespace
}  // namespace overtake
