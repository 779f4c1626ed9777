// How far float32 is from the truth: transformers' outputs and ours against the decoders of
// tests/reference in float64.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "golden.h"
#include "reference/decoder.h"

namespace overtake {
namespace {

// The largest difference, as a share of what the numbers are like.
double distance(const std::vector<float>& a, const reference::Rows& truth) {
  double worst = 0, size = 0;
  size_t i = 0;
  for (const reference::Vector& row : truth) {
    for (const double value : row) {
      worst = std::max(worst, std::abs(a.at(i++) - value));
      size = std::max(size, std::abs(value));
    }
  }
  EXPECT_EQ(i, a.size());
  return worst / size;
}

struct Ours {
  std::vector<std::vector<float>> hidden;
  std::vector<float> logits;
};

Ours run_engine(const std::string& folder, const std::vector<int32_t>& ids) {
  const LoadedModel loaded = load_for_test(folder, supported_isas().back(), 2);
  Ours out;
  const auto append = [](Tensor rows, std::vector<float>& to) {
    for (int64_t i = 0; i < rows.rows; ++i) {
      to.insert(to.end(), rows.row(i), rows.row(i) + rows.cols);
    }
  };
  TraceOptions options{.chunk = 512};
  options.hidden = [&](int k, int64_t, Tensor rows) {
    out.hidden.resize(std::max(out.hidden.size(), static_cast<size_t>(k) + 1));
    append(rows, out.hidden[static_cast<size_t>(k)]);
  };
  const Status status = trace_prompt(
      *loaded.model, *loaded.ops, ids, [&](int64_t, Tensor rows) { append(rows, out.logits); },
      options);
  EXPECT_TRUE(status.ok());
  return out;
}

class Truth : public testing::TestWithParam<std::string> {};

TEST_P(Truth, IsAsNearToOursAsToTransformers) {
  const Golden golden = read_golden(GetParam());
  const auto checkpoint = open_checkpoint(golden.folder);
  ASSERT_TRUE(checkpoint.ok());
  const reference::Outputs truth = reference::Decoder(**checkpoint).run(golden.input_ids);
  const Ours ours = run_engine(golden.folder, golden.input_ids);
  ASSERT_EQ(truth.hidden.size(), ours.hidden.size());
  ASSERT_EQ(truth.hidden.size(), golden.hidden.size());
  double theirs_most = distance(golden.logits, truth.logits);
  double ours_most = distance(ours.logits, truth.logits);
  for (size_t k = 0; k < truth.hidden.size(); ++k) {
    theirs_most = std::max(theirs_most, distance(golden.hidden[k], truth.hidden[k]));
    ours_most = std::max(ours_most, distance(ours.hidden[k], truth.hidden[k]));
  }
  fmt::print("{:24} transformers {:.1e}, overtake {:.1e} from float64\n",
             std::filesystem::path(golden.folder).filename().string(), theirs_most, ours_most);
  // Float32 rounds by 2^-24; a text of 100 tokens through 3 layers adds up a few hundred of those.
  constexpr double kFloat32 = 400 * 0x1p-24;
  EXPECT_LE(theirs_most, kFloat32);
  EXPECT_LE(ours_most, kFloat32);
}

std::vector<std::string> committed_folders() {
  std::vector<std::string> out;
  for (const std::string& folder : golden_folders()) {
    if (folder.starts_with(OVERTAKE_TEST_DATA_DIR)) out.push_back(folder);
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(Golden, Truth, testing::ValuesIn(committed_folders()),
                         [](const auto& info) {
                           std::string name = std::filesystem::path(info.param).filename().string();
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace overtake
