// The golden folders and vocabularies open and hold what their README says.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "format/checkpoint.h"
#include "format/safetensors.h"

namespace overtake {
namespace {

namespace fs = std::filesystem;

std::optional<fs::path> golden() {
  const char* data = std::getenv("OVERTAKE_TEST_DATA");
  if (!data) return std::nullopt;
  return fs::path(data) / "golden";
}

#define SKIP_WITHOUT_GOLDEN() \
  if (!golden()) GTEST_SKIP() << "OVERTAKE_TEST_DATA is not set: the golden data is elsewhere"

TEST(GoldenFiles, EveryModelOpensAndDecodes) {
  SKIP_WITHOUT_GOLDEN();
  int n_models = 0;
  for (const auto& folder : fs::directory_iterator(*golden() / "models")) {
    const auto checkpoint = open_checkpoint(folder.path().string());
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
    EXPECT_FALSE((*checkpoint)->tensors().empty());
    for (const StoredTensor& tensor : (*checkpoint)->tensors()) {
      EXPECT_EQ(tensor.type->name, "F32");
      EXPECT_EQ(static_cast<int64_t>(tensor.to_f32().size()), tensor.n_rows() * tensor.n_cols());
    }
    ++n_models;
  }
  EXPECT_GT(n_models, 10);
}

TEST(GoldenFiles, ExpectedValuesCanBeReadWithTheirIntegers) {
  SKIP_WITHOUT_GOLDEN();
  const std::string path = (*golden() / "models/llama2-mha/expected.safetensors").string();
  const auto file = MappedFile::open(path);
  ASSERT_TRUE(file.ok()) << file.error().message;
  const auto table = read_safetensors_table(file->bytes(), path);
  ASSERT_TRUE(table.ok()) << table.error().message;
  int n_integers = 0;
  for (const SafetensorsEntry& entry : *table) {
    if (entry.dtype != "I64") continue;
    const auto ids = entry.to_i64();
    ASSERT_TRUE(ids.ok());
    for (const int64_t id : *ids) EXPECT_TRUE(id >= 0 && id < 320) << entry.name;
    ++n_integers;
  }
  EXPECT_GE(n_integers, 2) << "input_ids and the greedy tokens";
}

TEST(GoldenFiles, EveryVocabularyOpens) {
  SKIP_WITHOUT_GOLDEN();
  int n_vocabularies = 0;
  for (const auto& file : fs::directory_iterator(*golden() / "tokenizers")) {
    if (file.path().extension() != ".gguf") continue;
    const auto checkpoint = open_checkpoint(file.path().string());
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
    const auto tokens = (*checkpoint)->metadata().find_strings("tokenizer.ggml.tokens");
    ASSERT_TRUE(tokens.ok()) << tokens.error().message;
    ASSERT_TRUE(*tokens);
    EXPECT_GT((*tokens)->size(), 30'000u);
    ++n_vocabularies;
  }
  EXPECT_GE(n_vocabularies, 4);
}

}  // namespace
}  // namespace overtake
