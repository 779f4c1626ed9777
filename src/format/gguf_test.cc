// GGUF files built by hand, right ones and every kind of wrong one that has been seen in the wild.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/file.h"
#include "format/checkpoint.h"

namespace overtake {
namespace {

template <typename T>
std::string raw(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string text(std::string_view value) {
  return raw<uint64_t>(value.size()) + std::string(value);
}

// The ids of value types, as the specification numbers them.
enum : uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12
};

std::string key(std::string_view name, uint32_t type, std::string_view value) {
  return text(name) + raw(type) + std::string(value);
}

std::string array(uint32_t type, uint64_t count, std::string_view values) {
  return raw(type) + raw(count) + std::string(values);
}

std::string row(std::string_view name, std::vector<uint64_t> dims, uint32_t type, uint64_t offset) {
  std::string out = text(name) + raw(static_cast<uint32_t>(dims.size()));
  for (const uint64_t dim : dims) out += raw(dim);
  return out + raw(type) + raw(offset);
}

struct File {
  uint32_t version = 3;
  std::vector<std::string> keys;
  std::vector<std::string> rows;
  uint64_t alignment = 32;  // of the data's start
  std::string data;
  // Claims of the header; the true numbers where they are not set.
  std::optional<uint64_t> n_tensors;
  std::optional<uint64_t> n_keys;

  std::string bytes() const {
    std::string out = "GGUF" + raw(version) + raw(n_tensors.value_or(rows.size())) +
                      raw(n_keys.value_or(keys.size()));
    for (const std::string& part : keys) out += part;
    for (const std::string& part : rows) out += part;
    if (!rows.empty()) out.resize((out.size() + alignment - 1) / alignment * alignment, '\0');
    return out + data;
  }
};

Result<ParsedTensors> parse(const std::string& bytes) {
  // A copy of exactly this size lets the address sanitizer see a read past the end.
  const std::vector<char> exact(bytes.begin(), bytes.end());
  Result<ParsedTensors> out =
      parse_gguf({reinterpret_cast<const std::byte*>(exact.data()), exact.size()}, "x.gguf");
  if (out.ok()) {
    for (StoredTensor& tensor : out->tensors) tensor.data = {};  // they point into `exact`
  }
  return out;
}

void expect_error(const std::string& bytes, ErrorCode code, std::string_view part) {
  const Result<ParsedTensors> result = parse(bytes);
  ASSERT_FALSE(result.ok()) << "accepted, but should say: " << part;
  EXPECT_EQ(result.error().code, code) << result.error().message;
  EXPECT_NE(result.error().message.find(part), std::string::npos) << result.error().message;
  EXPECT_NE(result.error().message.find("; x.gguf; "), std::string::npos) << result.error().message;
}

File two_tensors() {
  File file;
  file.keys = {key("general.architecture", kString, text("llama"))};
  file.rows = {row("a", {4, 2}, 0, 0), row("b", {32, 1}, 8, 32)};
  file.data = std::string(32 + 34, '\0');
  return file;
}

TEST(Gguf, ReadsBothVersions) {
  for (const uint32_t version : {2u, 3u}) {
    File file = two_tensors();
    file.version = version;
    const std::string bytes = file.bytes();
    const auto parsed =
        parse_gguf({reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()}, "x.gguf");
    ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    ASSERT_EQ(parsed->tensors.size(), 2u);
    const StoredTensor& a = parsed->tensors[0];
    EXPECT_EQ(a.name, "a");
    EXPECT_EQ(a.type->name, "F32");
    EXPECT_EQ(a.shape, (std::vector<int64_t>{2, 4})) << "outermost first";
    EXPECT_EQ(a.data.size(), 32u);
    EXPECT_EQ(parsed->tensors[1].data.data() - a.data.data(), 32);
    EXPECT_EQ(parsed->tensors[1].data.size(), 34u);
  }
}

TEST(Gguf, ReadsEveryTypeOfValue) {
  File file;
  file.keys = {
      key("u8", kU8, raw<uint8_t>(200)),
      key("i8", kI8, raw<int8_t>(-3)),
      key("u32", kU32, raw<uint32_t>(4'000'000'000)),
      key("i32", kI32, raw<int32_t>(-7)),
      key("u64", kU64, raw<uint64_t>(~0ull)),
      key("i64", kI64, raw<int64_t>(-1)),
      key("f32", kF32, raw(0.5f)),
      key("f64", kF64, raw(0.1)),
      key("bool", kBool, raw<uint8_t>(1)),
      key("string", kString, text("h\xc3\xa9")),
      key("strings", kArray, array(kString, 2, text("x") + text(""))),
      key("ints", kArray, array(kI32, 2, raw<int32_t>(-5) + raw<int32_t>(6))),
      key("floats", kArray, array(kF32, 2, raw(1.5f) + raw(-2.5f))),
      key("bools", kArray, array(kBool, 2, raw<uint8_t>(1) + raw<uint8_t>(0))),
      key("empty", kArray, array(kU8, 0, "")),
  };
  const auto parsed = parse(file.bytes());
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  const Metadata& meta = parsed->metadata;
  EXPECT_EQ(*meta.get_int("u8"), 200);
  EXPECT_EQ(*meta.get_int("i8"), -3);
  EXPECT_EQ(*meta.get_int("u32"), 4'000'000'000);
  EXPECT_EQ(*meta.get_int("i32"), -7);
  EXPECT_FALSE(meta.get_int("u64").ok()) << "2^64 - 1 is no int64";
  EXPECT_EQ(*meta.get_int("i64"), -1);
  EXPECT_EQ(*meta.get_double("f32"), 0.5);
  EXPECT_EQ(*meta.get_double("f64"), 0.1);
  EXPECT_EQ(*meta.find_bool("bool"), true);
  EXPECT_EQ(*meta.get_string("string"), "h\xc3\xa9");
  EXPECT_EQ(**meta.find_strings("strings"), (std::vector<std::string>{"x", ""}));
  EXPECT_EQ(**meta.find_ints("ints"), (std::vector<int64_t>{-5, 6}));
  EXPECT_EQ(**meta.find_doubles("floats"), (std::vector<double>{1.5, -2.5}));
  EXPECT_EQ(std::get<std::vector<bool>>(meta.all().at("bools")), (std::vector<bool>{true, false}));
  EXPECT_TRUE((*meta.find_ints("empty"))->empty());
}

TEST(Gguf, ReadsAVocabularyWithoutTensors) {
  File file;
  file.keys = {key("general.architecture", kString, text("llama"))};
  EXPECT_TRUE(parse(file.bytes()).ok());
}

TEST(Gguf, RefusesEveryTruncation) {
  const std::string whole = two_tensors().bytes();
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse(whole.substr(0, size)).ok()) << size << " of " << whole.size();
  }
  EXPECT_TRUE(parse(whole).ok());
}

TEST(Gguf, RefusesWhatIsNotGguf) {
  expect_error("PK\x03\x04....", ErrorCode::kInvalidArgument, "not a GGUF file");
  expect_error("", ErrorCode::kDamaged, "ends within the header");
  expect_error("version https://git-lfs.github.com/spec/v1\n", ErrorCode::kDamaged,
               "Git LFS pointer");
}

TEST(Gguf, RefusesOtherVersions) {
  for (const uint32_t version : {0u, 1u, 4u, 0xffffffffu}) {
    File file = two_tensors();
    file.version = version;
    expect_error(file.bytes(), ErrorCode::kUnsupported, "version");
  }
  File file = two_tensors();
  file.version = 3u << 24;
  expect_error(file.bytes(), ErrorCode::kUnsupported, "big-endian");
}

TEST(Gguf, RefusesCountsThatCannotBeInTheFile) {
  for (const uint64_t count : {1ull << 63, ~0ull, 1ull << 32, 1000ull}) {
    File file = two_tensors();
    file.n_keys = count;
    expect_error(file.bytes(), ErrorCode::kDamaged, "metadata keys");
    file.n_keys.reset();
    file.n_tensors = count;
    expect_error(file.bytes(), ErrorCode::kDamaged, "tensors cannot be in");
  }
}

TEST(Gguf, RefusesStringsLongerThanTheFile) {
  for (const uint64_t size : {~0ull, 1ull << 63, 1ull << 40, 5000ull}) {
    File file = two_tensors();
    file.keys.push_back(key("k", kString, raw(size) + "abc"));
    expect_error(file.bytes(), ErrorCode::kDamaged, "bytes");
  }
}

TEST(Gguf, RefusesArraysLongerThanTheFile) {
  for (const uint32_t type : {kU8, kI8, kU32, kF32, kBool, kString, kU64, kF64}) {
    for (const uint64_t count : {~0ull, 1ull << 63, 1ull << 61, 1ull << 20}) {
      File file = two_tensors();
      file.keys.push_back(key("k", kArray, array(type, count, "abcdefgh")));
      const Result<ParsedTensors> result = parse(file.bytes());
      ASSERT_FALSE(result.ok());
      EXPECT_EQ(result.error().code, ErrorCode::kDamaged) << result.error().message;
    }
  }
}

TEST(Gguf, RefusesUnknownTypesOfValues) {
  File file = two_tensors();
  file.keys.push_back(key("k", 13, raw<uint64_t>(0)));
  expect_error(file.bytes(), ErrorCode::kDamaged, "unknown type 13");
  file.keys.back() = key("k", kArray, array(99, 1, raw<uint64_t>(0)));
  expect_error(file.bytes(), ErrorCode::kDamaged, "unknown type 99");
  file.keys.back() = key("k", kBool, raw<uint8_t>(2));
  expect_error(file.bytes(), ErrorCode::kDamaged, "value 2");
}

TEST(Gguf, RefusesNestedArrays) {
  std::string nested = array(kU8, 0, "");
  for (int i = 0; i < 1000; ++i) nested = array(kArray, 1, nested);
  File file = two_tensors();
  file.keys.push_back(key("k", kArray, nested));
  expect_error(file.bytes(), ErrorCode::kUnsupported, "array of arrays");
}

TEST(Gguf, RefusesDuplicates) {
  File file = two_tensors();
  file.keys.push_back(file.keys[0]);
  expect_error(file.bytes(), ErrorCode::kDamaged, "general.architecture stands twice");
  file = two_tensors();
  file.rows[1] = row("a", {32, 1}, 8, 32);
  expect_error(file.bytes(), ErrorCode::kDamaged, "tensor a stands twice");
}

TEST(Gguf, RefusesEmptyNames) {
  File file = two_tensors();
  file.keys.push_back(key("", kU32, raw<uint32_t>(1)));
  expect_error(file.bytes(), ErrorCode::kDamaged, "key is empty");
  file = two_tensors();
  file.rows[0] = row("", {4, 2}, 0, 0);
  expect_error(file.bytes(), ErrorCode::kDamaged, "name is empty");
}

TEST(Gguf, RefusesAlignmentsThatAreNone) {
  for (const uint32_t alignment : {0u, 3u, 48u, 0x80000000u, 0xffffffffu}) {
    File file = two_tensors();
    file.keys.push_back(key("general.alignment", kU32, raw(alignment)));
    expect_error(file.bytes(), ErrorCode::kDamaged, "general.alignment");
  }
  File file = two_tensors();
  file.keys.push_back(key("general.alignment", kU64, raw(1ull << 63)));
  expect_error(file.bytes(), ErrorCode::kDamaged, "general.alignment");
  file.keys.back() = key("general.alignment", kString, text("32"));
  expect_error(file.bytes(), ErrorCode::kDamaged, "general.alignment");
}

TEST(Gguf, FollowsItsAlignment) {
  File file = two_tensors();
  file.alignment = 8;
  file.keys.push_back(key("general.alignment", kU32, raw<uint32_t>(8)));
  EXPECT_TRUE(parse(file.bytes()).ok());
  file.rows[1] = row("b", {32, 1}, 8, 36);
  file.data += "12345678";
  expect_error(file.bytes(), ErrorCode::kDamaged, "no multiple of 8");
}

TEST(Gguf, RefusesShapesThatAreNone) {
  const std::vector<std::vector<uint64_t>> wrong = {
      {},                              // no dimension
      {1, 1, 1, 1, 1},                 // five
      {0},                             // zero
      {4, 0},                          //
      {1ull << 63},                    // negative as int64
      {~0ull, ~0ull},                  //
      {1ull << 32, 1ull << 32},        // product 2^64
      {1ull << 31, 1ull << 31, 4},     // product 2^64 in steps
      {1ull << 62, 2},                 // product 2^63
      {1ull << 62},                    // times 4 bytes: 2^64
      {(1ull << 62) - 32, 1},          // as large as an int64's bytes can be
      {1ull << 33, 1ull << 29, 1, 1},  // 2^62 elements
      {1000},                          // more than the file has
  };
  for (const std::vector<uint64_t>& dims : wrong) {
    File file = two_tensors();
    file.rows[0] = row("a", dims, 0, 0);
    const Result<ParsedTensors> result = parse(file.bytes());
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, ErrorCode::kDamaged) << result.error().message;
    EXPECT_NE(result.error().message.find("tensor a"), std::string::npos) << result.error().message;
  }
}

TEST(Gguf, RefusesHugeShapesOfEveryType) {
  for (const QuantType* type : all_quant_types()) {
    for (const uint64_t dim : {1ull << 63, 1ull << 62, 1ull << 61, 1ull << 40}) {
      for (const uint64_t other : {1ull, 2ull, 1ull << 20, 1ull << 62}) {
        File file = two_tensors();
        file.rows[0] = row("a", {dim, other}, type->gguf_id, 0);
        EXPECT_FALSE(parse(file.bytes()).ok());
      }
    }
  }
}

TEST(Gguf, RefusesRowsThatAreNoWholeBlocks) {
  File file = two_tensors();
  file.rows[1] = row("b", {31, 1}, 8, 32);
  expect_error(file.bytes(), ErrorCode::kDamaged, "rows of 31 elements are no multiple of Q8_0's");
  // The product is a multiple, the row is not.
  file.rows[1] = row("b", {16, 2}, 8, 32);
  expect_error(file.bytes(), ErrorCode::kDamaged, "no multiple");
}

TEST(Gguf, NamesTensorAndNumberOfAnUnknownType) {
  File file = two_tensors();
  file.rows[1] = row("blk.0.x", {32, 1}, 24, 32);
  expect_error(file.bytes(), ErrorCode::kUnsupported, "tensor blk.0.x has type 24");
}

TEST(Gguf, RefusesDataOutsideTheFile) {
  for (const uint64_t offset : {64ull, 1ull << 20, 1ull << 63, ~0ull - 31}) {
    File file = two_tensors();
    file.rows[1] = row("b", {32, 1}, 8, offset);
    expect_error(file.bytes(), ErrorCode::kDamaged, "tensor b takes bytes");
  }
  File file = two_tensors();
  file.data.pop_back();
  expect_error(file.bytes(), ErrorCode::kDamaged, "tensor b takes bytes");
}

TEST(Gguf, RefusesOverlappingTensors) {
  File file = two_tensors();
  file.rows[0] = row("a", {4, 3}, 0, 0);
  expect_error(file.bytes(), ErrorCode::kDamaged, "tensors a and b overlap");
  file.rows[0] = row("a", {4, 2}, 0, 32);
  expect_error(file.bytes(), ErrorCode::kDamaged, "overlap");
}

TEST(Gguf, KeepsControlCharactersOutOfMessages) {
  File file = two_tensors();
  file.rows[1] = row("\x1b[2Jx", {32, 1}, 24, 32);
  expect_error(file.bytes(), ErrorCode::kUnsupported, "tensor \\x1b[2Jx has type 24");
  file.rows[1] = row(std::string(200, 'n'), {32, 1}, 24, 32);
  expect_error(file.bytes(), ErrorCode::kUnsupported, "... (200 bytes)");
}

TEST(Gguf, BoundsTheMemoryOfMetadata) {
  // 17 million one-byte elements would become 136 MB of numbers.
  File file = two_tensors();
  const std::string part = array(kU8, 9'000'000, std::string(9'000'000, 'x'));
  file.keys.push_back(key("k1", kArray, part));
  EXPECT_TRUE(parse(file.bytes()).ok());
  file.keys.push_back(key("k2", kArray, part));
  expect_error(file.bytes(), ErrorCode::kDamaged, "key k2 has 9000000 elements");
}

}  // namespace
}  // namespace overtake
