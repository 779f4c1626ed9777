// A packed copy gives the same matrices as packing does, and a file with any damage gives none.
#include "tensor/cpu/packed_copy.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "base/checksum.h"
#include "tensor/cpu/matmul.h"
#include "tensor/cpu/packed_weight.h"

namespace overtake {
namespace {

// Rows of a type with every byte at random: packing takes any.
struct Rows {
  Rows(const QuantType& type, std::vector<int64_t> shape, uint32_t seed) {
    const int64_t n = shape[0] * type.row_bytes(shape[1]);
    std::mt19937 random(seed);
    bytes.resize(static_cast<size_t>(n));
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    tensor = {"t" + std::to_string(seed), &type, std::move(shape), bytes, nullptr};
  }
  RowSpan all() const { return {&tensor, 0, tensor.n_rows()}; }
  std::vector<std::byte> bytes;
  StoredTensor tensor;
};

std::span<const std::byte> packed_bytes(const Weight& weight) {
  return static_cast<const PackedWeight&>(weight).memory();
}

class PackedCopyFile : public testing::Test {
 protected:
  void SetUp() override {
    const auto folder = std::filesystem::temp_directory_path();
    path_ = folder / ("packed-" + std::to_string(::getpid()) + ".packed");
    // More than one block, and one matrix across the border of two.
    rows_.emplace_back(*find_quant_type("Q8_0"), std::vector<int64_t>{1000, 1024}, 1);
    rows_.emplace_back(*find_quant_type("Q4_K"), std::vector<int64_t>{2500, 1024}, 2);
    rows_.emplace_back(*find_quant_type("F32"), std::vector<int64_t>{3, 5}, 3);
  }
  void TearDown() override { std::filesystem::remove(path_); }

  std::vector<std::unique_ptr<Weight>> pack(PackedCopy* copy, Isa isa = Isa::kScalar) {
    std::vector<std::unique_ptr<Weight>> out;
    for (const Rows& rows : rows_) {
      const RowSpan span = rows.all();
      auto weight = pack_cpu_weight({&span, 1}, isa, pool_, copy);
      EXPECT_TRUE(weight.ok());
      out.push_back(std::move(weight).value());
    }
    return out;
  }
  void keep(const std::string& key = "key") {
    PackedCopy copy;
    pack(&copy);
    ASSERT_TRUE(copy.lacks_some());
    const Status written = copy.write(path_, "source", key);
    ASSERT_TRUE(written.ok()) << written.error().message;
    EXPECT_EQ(std::filesystem::file_size(path_), copy.file_bytes());
  }
  Result<PackedCopy> open() { return PackedCopy::open(path_, "key", pool_); }
  // What a file with these bytes at `offset` is.
  ErrorCode code_with(uint64_t offset, std::string_view bytes) {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    std::string before(bytes.size(), '\0');
    file.seekg(static_cast<std::streamoff>(offset));
    file.read(before.data(), static_cast<std::streamsize>(before.size()));
    write(file, offset, bytes);
    const auto copy = open();
    EXPECT_FALSE(copy.ok()) << "damage at " << offset << " was not seen";
    write(file, offset, before);
    return copy.ok() ? ErrorCode::kInternal : copy.error().code;
  }
  ErrorCode code_with_flip_at(uint64_t offset) {
    std::ifstream file(path_, std::ios::binary);
    file.seekg(static_cast<std::streamoff>(offset));
    const char flipped = static_cast<char>(file.get() ^ 0x10);
    return code_with(offset, {&flipped, 1});
  }
  static void write(std::fstream& file, uint64_t offset, std::string_view bytes) {
    file.seekp(static_cast<std::streamoff>(offset));
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    file.flush();
  }

  ThreadPool pool_{2};
  std::string path_;
  std::vector<Rows> rows_;
};

TEST_F(PackedCopyFile, GivesTheBytesThatPackingGives) {
  keep();
  const auto packed = pack(nullptr);
  auto copy = open();
  ASSERT_TRUE(copy.ok()) << copy.error().message;
  const auto mapped = pack(&*copy);
  EXPECT_FALSE(copy->lacks_some());
  for (size_t i = 0; i < packed.size(); ++i) {
    const auto a = packed_bytes(*packed[i]), b = packed_bytes(*mapped[i]);
    EXPECT_NE(a.data(), b.data());
    EXPECT_TRUE(std::ranges::equal(a, b)) << i;
  }
}

TEST_F(PackedCopyFile, PacksWhatIsNotInIt) {
  keep();
  rows_.emplace_back(*find_quant_type("Q6_K"), std::vector<int64_t>{40, 256}, 4);
  rows_[0].tensor.name = "other";  // the same bytes under a name that nothing was kept for
  auto copy = open();
  ASSERT_TRUE(copy.ok());
  const auto mapped = pack(&*copy);
  EXPECT_TRUE(copy->lacks_some());
  const auto packed = pack(nullptr);
  for (size_t i = 0; i < packed.size(); ++i) {
    EXPECT_TRUE(std::ranges::equal(packed_bytes(*packed[i]), packed_bytes(*mapped[i]))) << i;
  }
  // Written over itself, it has all of them.
  ASSERT_TRUE(copy->write(path_, "source", "key").ok());
  auto whole = open();
  ASSERT_TRUE(whole.ok());
  pack(&*whole);
  EXPECT_FALSE(whole->lacks_some());
}

TEST_F(PackedCopyFile, IsNotTakenByAnotherInstructionSetsLayout) {
  const Isa widest = supported_isas().back();
  if (packed_lanes(widest) == packed_lanes(Isa::kScalar)) GTEST_SKIP() << "one layout only";
  keep();
  auto copy = open();
  ASSERT_TRUE(copy.ok());
  const auto mapped = pack(&*copy, widest);
  const auto packed = pack(nullptr, widest);
  EXPECT_TRUE(copy->lacks_some());
  for (size_t i = 0; i < packed.size(); ++i) {
    EXPECT_TRUE(std::ranges::equal(packed_bytes(*packed[i]), packed_bytes(*mapped[i]))) << i;
  }
}

TEST_F(PackedCopyFile, RefusesAnotherModelsKey) {
  keep("other key");
  EXPECT_EQ(open().error().code, ErrorCode::kInvalidArgument);
}

TEST_F(PackedCopyFile, RefusesAFlippedBitInEveryByteOfItsHead) {
  keep();
  std::ifstream file(path_, std::ios::binary);
  uint64_t head[8];
  file.read(reinterpret_cast<char*>(head), sizeof head);
  const uint64_t n = sizeof head + head[4] + head[5] + head[6] * 40 + head[7] * 8 + 8;
  ASSERT_LT(n, 1000u);
  for (uint64_t offset = 0; offset < n; ++offset) {
    const ErrorCode code = code_with_flip_at(offset);
    EXPECT_TRUE(code == ErrorCode::kDamaged || code == ErrorCode::kUnsupported) << offset;
  }
}

TEST_F(PackedCopyFile, RefusesDamagedData) {
  keep();
  const uint64_t size = std::filesystem::file_size(path_);
  uint64_t n_seen = 0;
  // A prime step meets every block, matrix and place within a word.
  for (uint64_t offset = kPackedBlock; offset < size; offset += 104'729, ++n_seen) {
    EXPECT_EQ(code_with_flip_at(offset), ErrorCode::kDamaged) << offset;
  }
  EXPECT_GT(n_seen, 20u);
  EXPECT_EQ(code_with_flip_at(kPackedBlock), ErrorCode::kDamaged);
  EXPECT_EQ(code_with_flip_at(size - 1), ErrorCode::kDamaged);
  EXPECT_TRUE(open().ok());  // nothing of all this is left
}

TEST_F(PackedCopyFile, RefusesAnotherVersion) {
  keep();
  const uint64_t version = kPackingVersion + 1;
  EXPECT_EQ(code_with(8, {reinterpret_cast<const char*>(&version), sizeof version}),
            ErrorCode::kUnsupported);
}

TEST_F(PackedCopyFile, RefusesAFileThatIsCutOffOrLonger) {
  keep();
  const uint64_t size = std::filesystem::file_size(path_);
  std::filesystem::resize_file(path_, size + 1);
  EXPECT_EQ(open().error().code, ErrorCode::kDamaged);
  for (const uint64_t left : {size - 1, size - kPackedBlock, kPackedBlock, kPackedBlock - 1,
                              uint64_t{4096}, uint64_t{100}, uint64_t{63}, uint64_t{1}}) {
    std::filesystem::resize_file(path_, left);
    EXPECT_EQ(open().error().code, ErrorCode::kDamaged) << left;
  }
  std::filesystem::resize_file(path_, 0);
  EXPECT_EQ(open().error().code, ErrorCode::kDamaged);
  std::filesystem::remove(path_);
  EXPECT_EQ(open().error().code, ErrorCode::kNotFound);
}

// Claims beyond what there is, under a checksum that is right: nothing is believed.
TEST_F(PackedCopyFile, RefusesImpossibleClaims) {
  PackedHeader good{.source = "s", .key = "k", .matrices = {{{1, 2, 3, 100}, 64}}};
  good.checksums = {7};
  std::string head = write_packed_header(good);
  const uint64_t whole = good.data_offset + good.data_bytes();
  const auto parse = [&](const std::string& bytes) {
    return parse_packed_header(std::as_bytes(std::span(bytes)), whole);
  };
  ASSERT_TRUE(parse(head).ok());
  for (size_t word = 2; word < 16; ++word) {
    for (const uint64_t value : {uint64_t{0}, uint64_t{1}, whole, whole + 1, UINT64_MAX,
                                 UINT64_MAX / 40, UINT64_MAX / kPackedBlock + 1}) {
      std::string bytes = head;
      const size_t at = 8 * word + (word >= 8 ? 2 : 0);  // past "s" and "k"
      if (at + 8 + 8 > bytes.size() || std::memcmp(bytes.data() + at, &value, 8) == 0) continue;
      std::memcpy(bytes.data() + at, &value, 8);
      const uint64_t sum = checksum(std::as_bytes(std::span(bytes)).first(bytes.size() - 8));
      std::memcpy(bytes.data() + bytes.size() - 8, &sum, 8);
      const auto parsed = parse(bytes);
      if (!parsed.ok()) continue;
      const PackedMatrix& matrix = parsed->matrices.at(0);
      EXPECT_LE(matrix.offset + matrix.id.bytes, parsed->data_bytes()) << word << " " << value;
      EXPECT_EQ(parsed->data_offset + parsed->data_bytes(), whole);
    }
  }
}

// If this fails because packing was changed on purpose: count kPackingVersion up, so that copies
// that users have are made anew, and put the new sums here.
TEST(PackedCopy, LayoutChangesOnlyWithItsVersion) {
  const std::map<int, uint64_t> known = {{1, 16681953128790617561u},
                                         {8, 8936592297744229408u},
                                         {16, 10755490940220031196u}};  // of each width
  ThreadPool pool(1);
  for (const Isa isa : supported_isas()) {
    std::string sums;
    uint32_t seed = 0;
    for (const QuantType* type : all_quant_types()) {
      const Rows rows(*type, {37, 512}, ++seed);
      const RowSpan span = rows.all();
      const auto weight = pack_cpu_weight({&span, 1}, isa, pool);
      ASSERT_TRUE(weight.ok()) << type->name;
      sums += std::to_string(checksum(packed_bytes(**weight))) + " ";
    }
    EXPECT_EQ(checksum(std::as_bytes(std::span(sums))), known.find(packed_lanes(isa))->second)
        << isa_name(isa) << ", version " << kPackingVersion;
  }
}

}  // namespace
}  // namespace overtake
