// Importance matrices: what is written is read, what llama-imatrix's older form says is understood,
// and damage is refused.
#include "model/quantize/imatrix_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <limits>
#include <vector>

namespace overtake {
namespace {

template <typename T>
void append(T value, std::string* to) {
  to->append(reinterpret_cast<const char*>(&value), sizeof value);
}

// The older form with one tensor.
std::string dat(int32_t n_entries, const std::string& tensor, int32_t n_calls,
                const std::vector<float>& sums) {
  std::string out;
  append(n_entries, &out);
  append(static_cast<int32_t>(tensor.size()), &out);
  out += tensor;
  append(n_calls, &out);
  append(static_cast<int32_t>(sums.size()), &out);
  for (const float sum : sums) append(sum, &out);
  return out;
}

Result<Importance> parse(const std::string& bytes) {
  return parse_imatrix(std::as_bytes(std::span(bytes)), "test.dat");
}

TEST(Imatrix, ReadsWhatItWrites) {
  const std::string path =
      (std::filesystem::path(testing::TempDir()) / ("imatrix-" + std::to_string(::getpid())))
          .string();
  Importance importance;
  importance.set("blk.0.attn_q.weight", {1.0f, 0.25f, 0.0f});
  importance.set("output.weight", {2.0f, 3.0f});
  ASSERT_TRUE(write_imatrix(path, importance, {"text.txt", 4, 512}, false).ok());
  EXPECT_FALSE(write_imatrix(path, importance, {"text.txt", 4, 512}, false).ok());
  const Result<Importance> read = read_imatrix(path);
  std::filesystem::remove(path);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->all(), importance.all());
}

TEST(Imatrix, ReadsTheOlderForm) {
  const Result<Importance> read = parse(dat(1, "blk.0.ffn_up.weight", 4, {8, 2}));
  ASSERT_TRUE(read.ok()) << read.error().message;
  const auto columns = read->of("blk.0.ffn_up.weight");
  EXPECT_EQ(std::vector<float>(columns.begin(), columns.end()), (std::vector<float>{2, 0.5f}));
  EXPECT_TRUE(read->of("blk.1.ffn_up.weight").empty());
}

TEST(Imatrix, RefusesDamage) {
  const std::string whole = dat(1, "a.weight", 1, {1, 2, 3});
  for (size_t size = 0; size < whole.size(); ++size) {
    const Result<Importance> read = parse(whole.substr(0, size));
    ASSERT_FALSE(read.ok()) << size;
    EXPECT_EQ(read.error().code, ErrorCode::kDamaged);
    EXPECT_NE(read.error().message.find("test.dat"), std::string::npos);
  }
  EXPECT_FALSE(parse(dat(0, "a.weight", 1, {1})).ok());
  EXPECT_FALSE(parse(dat(-1, "a.weight", 1, {1})).ok());
  EXPECT_FALSE(parse(dat(1, "a.weight", 1, {1, -1})).ok());
  EXPECT_FALSE(parse(dat(1, "a.weight", 1, {std::numeric_limits<float>::quiet_NaN()})).ok());
  EXPECT_FALSE(parse(dat(1, "a.weight", 1, {})).ok());
  const std::string twice = dat(2, "a.weight", 1, {1}) + dat(1, "a.weight", 1, {1}).substr(4);
  EXPECT_NE(parse(twice).error().message.find("twice"), std::string::npos);
}

}  // namespace
}  // namespace overtake
