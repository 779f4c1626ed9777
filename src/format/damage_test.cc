// Valid files damaged at random, by seed: each is read or refused with a message, whatever it says.
// What is read is used as a model loader would, so that a lie that got through does harm here.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "base/file.h"
#include "format/checkpoint.h"
#include "format/safetensors.h"

namespace overtake {
namespace {

using Parse = Result<ParsedTensors> (*)(std::span<const std::byte>, std::string_view);

// Numbers at which sizes go wrong.
constexpr uint64_t kOddNumbers[] = {0,          1,          2,          31,         255,
                                    1ull << 16, 1ull << 20, 0x7fffffff, 1ull << 31, 0xffffffff,
                                    1ull << 32, 1ull << 61, 1ull << 62, ~0ull >> 1, 1ull << 63,
                                    ~0ull - 31, ~0ull - 7,  ~0ull};

// Damages within the first `n_header` bytes, where all that is parsed stands.
class Damage {
 public:
  Damage(uint64_t seed, size_t n_header) : random_(seed), n_header_(n_header) {}

  void apply(std::string* bytes) {
    const int n_wounds = 1 + below(3);
    for (int i = 0; i < n_wounds; ++i) wound(bytes);
  }

 private:
  int below(size_t n) { return static_cast<int>(random_() % std::max<size_t>(n, 1)); }
  size_t position(const std::string& bytes) {
    return static_cast<size_t>(below(std::min(n_header_, bytes.size())));
  }

  void wound(std::string* bytes) {
    if (bytes->empty()) return;
    const size_t at = position(*bytes);
    const size_t n = std::min<size_t>(static_cast<size_t>(1 + below(16)), bytes->size() - at);
    switch (below(8)) {
      case 0:
        (*bytes)[at] = static_cast<char>((*bytes)[at] ^ (1 << below(8)));
        break;
      case 1:
        (*bytes)[at] = static_cast<char>(below(256));
        break;
      case 2:
        bytes->resize(at);
        break;
      case 3:
        bytes->resize(static_cast<size_t>(below(bytes->size())));
        break;
      case 4:
        bytes->erase(at, n);
        break;
      case 5:
        bytes->insert(at, n, static_cast<char>(below(256)));
        break;
      case 6: {  // a field copied from elsewhere
        const size_t from = position(*bytes);
        const size_t size = std::min(n, bytes->size() - std::max(from, at));
        std::memmove(bytes->data() + at, bytes->data() + from, size);
        break;
      }
      case 7: {  // a huge or odd number in the place of another
        const uint64_t number = kOddNumbers[below(std::size(kOddNumbers))];
        const size_t width = below(2) ? 8 : 4;
        std::memcpy(bytes->data() + at, &number, std::min(width, bytes->size() - at));
        break;
      }
    }
  }

  std::mt19937_64 random_;
  size_t n_header_;
};

// What a loader does: every tensor decoded, every value asked for.
void use(const ParsedTensors& parsed) {
  for (const StoredTensor& tensor : parsed.tensors) {
    const std::vector<float> values = tensor.to_f32();
    ASSERT_EQ(static_cast<int64_t>(values.size()), tensor.n_rows() * tensor.n_cols());
    for (int64_t row = 0; row < std::min<int64_t>(tensor.n_rows(), 3); ++row) {
      ASSERT_EQ(static_cast<int64_t>(tensor.row_bytes(row).size()),
                tensor.type->row_bytes(tensor.n_cols()));
    }
  }
  for (const auto& [key, value] : parsed.metadata.all()) {
    static_cast<void>(parsed.metadata.find_ints(key).ok());
    static_cast<void>(parsed.metadata.find_strings(key).ok());
    static_cast<void>(parsed.metadata.find_double(key).ok());
  }
}

struct Outcome {
  int read = 0;
  int refused = 0;
};

Outcome damage_many(Parse parse, const std::string& whole, size_t n_header, int n_seeds) {
  Outcome outcome;
  for (int seed = 0; seed < n_seeds; ++seed) {
    std::string bytes = whole;
    Damage(static_cast<uint64_t>(seed), n_header).apply(&bytes);
    // A copy of exactly this size lets the address sanitizer see a read past the end.
    const std::vector<char> exact(bytes.begin(), bytes.end());
    const auto parsed =
        parse({reinterpret_cast<const std::byte*>(exact.data()), exact.size()}, "damaged");
    if (parsed.ok()) {
      ++outcome.read;
      use(*parsed);
    } else {
      ++outcome.refused;
      EXPECT_FALSE(parsed.error().message.empty()) << "seed " << seed;
      EXPECT_NE(parsed.error().code, ErrorCode::kInternal) << "seed " << seed;
      for (const char c : parsed.error().message) EXPECT_GE(c, 0x20) << "seed " << seed;
    }
    if (testing::Test::HasFailure()) ADD_FAILURE() << "seed " << seed;
  }
  return outcome;
}

TEST(DamagedFiles, GgufIsReadOrRefused) {
  const Result<std::string> whole = read_file(OVERTAKE_TEST_DATA_DIR "/gguf/tiny.gguf", 1 << 20);
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  const auto parsed =
      parse_gguf({reinterpret_cast<const std::byte*>(whole->data()), whole->size()}, "tiny.gguf");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  size_t n_header = whole->size();
  for (const StoredTensor& tensor : parsed->tensors) {
    n_header = std::min(
        n_header,
        static_cast<size_t>(reinterpret_cast<const char*>(tensor.data.data()) - whole->data()));
  }
  const Outcome outcome = damage_many(parse_gguf, *whole, n_header, 2000);
  // Both ends are met: much of the header is text, in which damage may go unseen.
  EXPECT_GT(outcome.refused, 1000);
  EXPECT_GT(outcome.read, 50);
}

TEST(DamagedFiles, SafetensorsIsReadOrRefused) {
  const std::string header =
      R"({"__metadata__":{"format":"pt"},)"
      R"("model.embed_tokens.weight":{"dtype":"F32","shape":[4,8],"data_offsets":[0,128]},)"
      R"("model.norm.weight":{"dtype":"BF16","shape":[8],"data_offsets":[128,144]},)"
      R"("lm_head.weight":{"dtype":"F16","shape":[4,8],"data_offsets":[144,208]},)"
      R"("position_ids":{"dtype":"I64","shape":[1,2],"data_offsets":[208,224]}})";
  const uint64_t size = header.size();
  const std::string whole = std::string(reinterpret_cast<const char*>(&size), sizeof size)
                                .append(header)
                                .append(224, '\x3f');
  const Outcome outcome = damage_many(parse_safetensors, whole, 8 + header.size(), 2000);
  EXPECT_GT(outcome.refused, 1000);
  EXPECT_GT(outcome.read, 20);
}

}  // namespace
}  // namespace overtake
