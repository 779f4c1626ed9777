#include "format/safetensors.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "base/file.h"
#include "format/checkpoint.h"

namespace overtake {
namespace {

std::string with_length(std::string_view header, std::string_view data) {
  const uint64_t size = header.size();
  return std::string(reinterpret_cast<const char*>(&size), sizeof size).append(header).append(data);
}

Result<std::vector<SafetensorsEntry>> read(const std::string& bytes) {
  // A copy of exactly this size lets the address sanitizer see a read past the end.
  const std::vector<char> exact(bytes.begin(), bytes.end());
  auto out = read_safetensors_table(
      {reinterpret_cast<const std::byte*>(exact.data()), exact.size()}, "x.safetensors");
  if (out.ok()) {
    for (SafetensorsEntry& entry : *out) entry.data = {};  // they point into `exact`
  }
  return out;
}

void expect_error(std::string_view header, std::string_view data, ErrorCode code,
                  std::string_view part) {
  const auto result = read(with_length(header, data));
  ASSERT_FALSE(result.ok()) << header;
  EXPECT_EQ(result.error().code, code) << result.error().message;
  EXPECT_NE(result.error().message.find(part), std::string::npos) << result.error().message;
  EXPECT_NE(result.error().message.find("; x.safetensors; "), std::string::npos)
      << result.error().message;
}

void expect_damaged(std::string_view header, std::string_view data, std::string_view part) {
  expect_error(header, data, ErrorCode::kDamaged, part);
}

constexpr std::string_view kEight = "12345678";

TEST(Safetensors, ReadsTensorsInOrderOfTheirData) {
  const auto table = read(with_length(
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F16","shape":[2],"data_offsets":[4,8]},)"
      R"("a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}}   )",
      kEight));
  ASSERT_TRUE(table.ok()) << table.error().message;
  ASSERT_EQ(table->size(), 2u);
  EXPECT_EQ((*table)[0].name, "a");
  EXPECT_EQ((*table)[0].shape, (std::vector<int64_t>{1, 1}));
  EXPECT_EQ((*table)[1].dtype, "F16");
}

TEST(Safetensors, ReadsScalarsAndEmptyTensors) {
  EXPECT_TRUE(read(with_length(R"({"s":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
                               R"("e":{"dtype":"F32","shape":[0,3],"data_offsets":[8,8]},)"
                               R"("f":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})",
                               kEight))
                  .ok());
  EXPECT_TRUE(read(with_length("{}", "")).ok());
}

TEST(Safetensors, GivesWeightsTheirTypeAndKeepsOthersApart) {
  const std::string bytes =
      with_length(R"({"w":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},)"
                  R"("ids":{"dtype":"I32","shape":[1],"data_offsets":[4,8]}})",
                  kEight);
  const auto parsed =
      parse_safetensors({reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()}, "x");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  ASSERT_EQ(parsed->tensors.size(), 1u);
  EXPECT_EQ(parsed->tensors[0].type->name, "BF16");
  EXPECT_EQ(parsed->other_dtypes.at("ids"), "I32");
}

TEST(Safetensors, RefusesAHeaderThatCannotBeInTheFile) {
  for (const uint64_t size : {~0ull, 1ull << 63, 100'000'001ull, 3ull}) {
    std::string bytes(reinterpret_cast<const char*>(&size), sizeof size);
    EXPECT_FALSE(read(bytes + "{}").ok()) << size;
  }
  EXPECT_FALSE(read("").ok());
  EXPECT_FALSE(read("1234567").ok());
  expect_damaged("", "", "does not begin with {");
  expect_damaged(" {}", "", "does not begin with {");
  expect_damaged("[]", "", "does not begin with {");
  expect_damaged("{", "", "not valid JSON");
}

TEST(Safetensors, RefusesEntriesThatAreNotDescribed) {
  expect_damaged(R"({"a":1})", "", "not described by an object");
  expect_damaged(R"({"a":{}})", "", "has no dtype");
  expect_damaged(R"({"a":{"dtype":7}})", "", "has no dtype");
  expect_damaged(R"({"a":{"dtype":"F32"}})", "", "no list \"shape\"");
  expect_damaged(R"({"a":{"dtype":"F32","shape":[]}})", "", "no list \"data_offsets\"");
  expect_damaged(R"({"":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})", "1234", "name has 0");
  expect_damaged(R"({"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
                 R"("a":{"dtype":"F32","shape":[],"data_offsets":[4,8]}})",
                 kEight, "stands twice");
}

TEST(Safetensors, RefusesUnknownDtypes) {
  expect_error(R"({"a":{"dtype":"Q4_0","shape":[2],"data_offsets":[0,8]}})", kEight,
               ErrorCode::kUnsupported, "tensor a has dtype Q4_0");
}

TEST(Safetensors, RefusesShapesThatAreNone) {
  for (const char* shape : {"[-1]", "[1.5]", "[\"1\"]", "[[1]]", "[18446744073709551615]",
                            "[9223372036854775808]", "[1e3]", "null", "{}", "5"}) {
    const std::string header =
        std::string(R"({"a":{"dtype":"F32","shape":)") + shape + R"(,"data_offsets":[0,8]}})";
    const auto result = read(with_length(header, kEight));
    ASSERT_FALSE(result.ok()) << shape;
    EXPECT_EQ(result.error().code, ErrorCode::kDamaged);
  }
  expect_damaged(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}})",
                 kEight, "too large");
  expect_damaged(R"({"a":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,8]}})",
                 kEight, "too large");
  expect_damaged(R"({"a":{"dtype":"U8","shape":[8,1,1,1,1,1,1,1,1],"data_offsets":[0,8]}})", kEight,
                 "has 9 elements");
}

TEST(Safetensors, RefusesOffsetsThatContradict) {
  for (const char* offsets :
       {"[0]", "[0,4,8]", "[8,0]", "[0,12]", "[8,16]", "[0,9223372036854775807]",
        "[9223372036854775807,9223372036854775807]"}) {
    const std::string header =
        std::string(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":)") + offsets + "}}";
    expect_damaged(header, kEight, "not within the data");
  }
  expect_damaged(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}})", kEight, "no size");
  expect_damaged(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", "1234",
                 "takes 8 bytes, data_offsets give 4");
}

TEST(Safetensors, RefusesHolesAndOverlaps) {
  expect_damaged(R"({"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})", kEight,
                 "4 bytes after the last tensor");
  expect_damaged(R"({"a":{"dtype":"F32","shape":[],"data_offsets":[4,8]}})", kEight,
                 "does not begin where");
  expect_damaged(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                 R"("b":{"dtype":"F32","shape":[],"data_offsets":[4,8]}})",
                 kEight, "tensor b does not begin where");
}

// A header of many tensors is read in linear time.
TEST(Safetensors, ReadsAHundredThousandTensors) {
  std::string header = "{";
  for (int i = 0; i < 100'000; ++i) {
    header += (i ? ",\"" : "\"") + std::to_string(i) +
              R"(":{"dtype":"U8","shape":[1],"data_offsets":[)" + std::to_string(i) + "," +
              std::to_string(i + 1) + "]}";
  }
  const auto table = read(with_length(header + "}", std::string(100'000, 'x')));
  ASSERT_TRUE(table.ok()) << table.error().message;
  EXPECT_EQ(table->size(), 100'000u);
}

TEST(Safetensors, ReadsBackWhatItWrote) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("overtake_" + std::to_string(getpid()))).string();
  const std::vector<float> floats = {1.5f, -2.0f, NAN, 0.0f, 1e-40f, 3.0f};
  const std::vector<int64_t> ints = {-1, int64_t{1} << 62};
  const std::vector<SafetensorsOutput> tensors = {
      {"logits", {2, 3}, std::span<const float>(floats)},
      {"ids \"\n", {2}, std::span<const int64_t>(ints)},
      {"none", {0, 4}, std::span<const float>()}};
  const Status written = write_safetensors(path, tensors);
  ASSERT_TRUE(written.ok()) << written.error().message;
  const Result<MappedFile> file = MappedFile::open(path);
  std::filesystem::remove(path);
  ASSERT_TRUE(file.ok());
  const auto table = read_safetensors_table(file->bytes(), path);
  ASSERT_TRUE(table.ok()) << table.error().message;
  ASSERT_EQ(table->size(), 3u);
  const SafetensorsEntry& logits = (*table)[0];
  EXPECT_EQ(logits.name, "logits");
  EXPECT_EQ(logits.shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(std::memcmp(logits.data.data(), floats.data(), logits.data.size()), 0);
  EXPECT_EQ((logits.data.data() - file->bytes().data()) % 8, 0) << "aligned";
  for (const SafetensorsEntry& entry : *table) {
    if (entry.name == "ids \"\n") {
      EXPECT_EQ(*entry.to_i64(), ints);
      EXPECT_FALSE(logits.to_i64().ok());
    }
  }
}

TEST(Safetensors, SaysWhereItCannotWrite) {
  const Status written = write_safetensors("/nowhere/x.safetensors", {});
  ASSERT_FALSE(written.ok());
  EXPECT_NE(written.error().message.find("/nowhere/x.safetensors"), std::string::npos);
}

}  // namespace
}  // namespace overtake
