// Budgets for the golden models.
#include "model/quantize/budget.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "model/convert.h"
#include "model/quantize/mix.h"
#include "model/quantize/quantize.h"

namespace overtake {
namespace {

class Budget : public testing::Test {
 protected:
  void open(const std::string& folder) {
    checkpoint_ = open_checkpoint(OVERTAKE_TEST_DATA_DIR "/golden/" + folder).value();
    plan_.emplace(plan_gguf(*checkpoint_).value());
    auto measured = measure_errors(*checkpoint_, *plan_, {}, pool_);
    ASSERT_TRUE(measured.ok()) << measured.error().message;
    matrices_ = std::move(measured.value());
  }
  BudgetMix mix(uint64_t budget) {
    auto found = mix_within(*plan_, matrices_, budget);
    EXPECT_TRUE(found.ok()) << found.error().message;
    return found.ok() ? std::move(found.value()) : BudgetMix();
  }
  uint64_t written_bytes(const BudgetMix& mix) {
    const std::string path = testing::TempDir() + "budget_test.gguf";
    const QuantizeOptions options{
        .types = mix.types, .file_type = mix.file_type, .overwrite = true, .progress = {}};
    const auto done = quantize_gguf(*checkpoint_, *plan_, path, options, pool_);
    EXPECT_TRUE(done.ok()) << done.error().message;
    const uint64_t size = std::filesystem::file_size(path);
    std::filesystem::remove(path);
    return size;
  }
  double loss(const BudgetMix& mix) const {
    double sum = 0;
    for (const MatrixSensitivity& matrix : matrices_) {
      for (const TypeError& one : matrix.types) {
        if (one.type == mix.types[matrix.tensor]) sum += matrix.reaction * one.error;
      }
    }
    return sum;
  }

  ThreadPool pool_{2};
  std::unique_ptr<Checkpoint> checkpoint_;
  std::optional<GgufPlan> plan_;
  std::vector<MatrixSensitivity> matrices_;
};

TEST_F(Budget, KnowsTheFilesSizeToTheByte) {
  for (const char* folder : {"llama2-gqa", "llama-tied", "falcon-7b", "falcon-mamba"}) {
    open(folder);
    for (const uint64_t spare : {0, 1000, 100000}) {
      const auto least = mix_within(*plan_, matrices_, 0);
      ASSERT_FALSE(least.ok());
      const BudgetMix most = mix(uint64_t{1} << 40);
      const BudgetMix found = mix(most.file_bytes - std::min(spare, most.file_bytes / 5));
      EXPECT_EQ(written_bytes(found), found.file_bytes) << folder;
    }
  }
}

TEST_F(Budget, IsNeverExceededAndNearlySpentAndMoreOfItLosesLess) {
  open("llama2-gqa");
  const BudgetMix most = mix(uint64_t{1} << 40);
  double before = std::numeric_limits<double>::infinity();
  for (uint64_t percent = 75; percent < 100; percent += 4) {
    const uint64_t budget = most.file_bytes * percent / 100;
    const BudgetMix found = mix(budget);
    EXPECT_LE(found.file_bytes, budget);
    EXPECT_GE(found.file_bytes, budget * 97 / 100);
    EXPECT_LT(loss(found), before);
    before = loss(found);
  }
}

TEST_F(Budget, GivesEveryMatrixItsMostExactTypeWhereThereIsRoom) {
  open("llama2-gqa");
  const BudgetMix found = mix(uint64_t{1} << 40);
  for (const MatrixSensitivity& matrix : matrices_) {
    // Rows of 24 are no whole blocks.
    const bool blocks = plan_->tensors()[matrix.tensor].shape.back() % 32 == 0;
    EXPECT_EQ(found.types[matrix.tensor]->name, blocks ? "Q8_0" : "F16");
  }
  EXPECT_EQ(found.file_type, 7);
}

TEST_F(Budget, TooSmallNamesTheSmallestSizePossible) {
  open("llama2-gqa");
  const auto refused = mix_within(*plan_, matrices_, 1000);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  const std::string& message = refused.error().message;
  const size_t at = message.find("give ");
  ASSERT_NE(at, message.npos) << message;
  const uint64_t least = static_cast<uint64_t>(std::stod(message.substr(at + 5)) * 1e9 + 0.5);
  EXPECT_TRUE(mix_within(*plan_, matrices_, least).ok()) << message;
  EXPECT_FALSE(mix_within(*plan_, matrices_, least - 1000).ok()) << message;
}

TEST_F(Budget, SpendsWhereTheModelReacts) {
  open("llama2-gqa");
  const BudgetMix most = mix(uint64_t{1} << 40);
  const uint64_t budget = most.file_bytes * 4 / 5;
  for (size_t loved : {size_t{1}, matrices_.size() - 1}) {
    const double before = matrices_[loved].reaction;
    matrices_[loved].reaction = 1e9;
    EXPECT_EQ(mix(budget).types[matrices_[loved].tensor]->name, "Q8_0");
    matrices_[loved].reaction = 0;
    EXPECT_NE(mix(budget).types[matrices_[loved].tensor]->name, "Q8_0");
    matrices_[loved].reaction = before;
  }
}

TEST_F(Budget, MeasuresLessErrorForTypesOfMoreBits) {
  open("falcon-7b");
  ASSERT_FALSE(matrices_.empty());
  for (const MatrixSensitivity& matrix : matrices_) {
    std::map<std::string_view, double> error;
    for (const TypeError& one : matrix.types) error[one.type->name] = one.error;
    if (error.size() == 1) continue;
    EXPECT_LT(error["Q8_0"], error["Q5_1"]);
    EXPECT_LT(error["Q5_1"], error["Q4_1"]);
    EXPECT_LT(error["Q5_0"], error["Q4_0"]);
    EXPECT_LT(error["Q4_0"], 0.1);
    EXPECT_GT(error["Q8_0"], 0);
  }
}

}  // namespace
}  // namespace overtake
