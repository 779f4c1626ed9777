// A megabyte of text in twenty languages, code, emoji and control characters becomes the ids that
// Hugging Face's `tokenizers` makes of it, with every kind of vocabulary and pre-tokenizer
// (tests/fixtures/make_hf_tokenizer_fixtures.py).
#include <fmt/core.h>
#include <gtest/gtest.h>

#include "token/hf_test_support.h"

namespace overtake {
namespace {

using testing::data_path;
using testing::split;

constexpr int kBlocks = 1000;
constexpr size_t kBlockBytes = 1024;

std::vector<std::string> make_blocks() {
  const std::string all = read_file(data_path("varied.inp"), 1 << 24).value();
  const std::vector<std::string> texts = split(all, "\n__ggml_vocab_test__\n");
  constexpr std::string_view kSeparators[] = {" ", "\n", "", ". "};
  std::vector<std::string> blocks(kBlocks);
  uint64_t state = 1;
  for (std::string& block : blocks) {
    while (block.size() < kBlockBytes) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      block += texts[(state >> 33) % texts.size()];
      block += kSeparators[state >> 62];
    }
  }
  return blocks;
}

std::string digest(const std::vector<int32_t>& ids) {
  uint64_t value = 0xcbf29ce484222325u;
  for (const int32_t id : ids) {
    for (int shift = 0; shift < 32; shift += 8) {
      value = (value ^ (static_cast<uint32_t>(id) >> shift & 0xff)) * 0x100000001b3u;
    }
  }
  return fmt::format("{:016x}", value);
}

class Megabyte : public ::testing::TestWithParam<const char*> {};

TEST_P(Megabyte, BecomesTheIdsOfHuggingFace) {
  const std::string name = GetParam();
  const auto tokenizer = testing::load_any(name);
  if (!tokenizer && testing::is_optional(name)) {
    GTEST_SKIP() << name
                 << " is not here: run tools/get_vocabularies.py --all .cache/vocabularies, "
                 << "or set OVERTAKE_TEST_DATA for llama-bpe";
  }
  ASSERT_TRUE(tokenizer);
  const std::string file = read_file(data_path("megabyte." + name + ".out"), 1 << 24).value();
  const std::vector<std::string> expected = split(file, "\n");
  ASSERT_EQ(expected.size(), kBlocks + 1u);
  const std::vector<std::string> blocks = make_blocks();
  int n_wrong = 0;
  for (int i = 0; i < kBlocks; ++i) {
    const std::vector<int32_t> ids = tokenizer->encode_user(blocks[i]);
    const std::vector<std::string> line = split(expected[i], " ");
    if (digest(ids) == line[0]) continue;
    if (++n_wrong > 3) continue;
    const std::string full = expected[i].substr(std::min(expected[i].size(), line[0].size() + 1));
    ADD_FAILURE() << "block " << i << ": " << blocks[i] << "\n got " << testing::join_ids(ids)
                  << "\n expected " << full;
  }
  EXPECT_EQ(n_wrong, 0);
}

INSTANTIATE_TEST_SUITE_P(All, Megabyte, ::testing::ValuesIn(testing::all_vocabularies()),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::erase_if(name, [](char c) { return c == '-' || c == '.'; });
                           return name;
                         });

}  // namespace
}  // namespace overtake
