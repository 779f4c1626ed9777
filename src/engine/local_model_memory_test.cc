// What a loaded model holds: its packed weights and little more. Nothing of the file stays in
// memory beside them, nor the lists that the tokenizer was made of.
#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "engine/local_model.h"
#include "format/gguf_writer.h"

namespace overtake {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kShadowMemory = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kShadowMemory = true;
#else
constexpr bool kShadowMemory = false;
#endif
#else
constexpr bool kShadowMemory = false;
#endif

constexpr int64_t kVocab = 8192;
constexpr int64_t kWidth = 1024;
constexpr int64_t kFfn = 2816;
constexpr int64_t kLayers = 3;

// All words of up to three letters, as far as they go, and the merges that make them.
void add_vocabulary(Metadata& metadata) {
  std::vector<std::string> tokens, merges;
  for (char c = 'a'; c <= 'z'; ++c) tokens.emplace_back(1, c);
  for (size_t i = 0; tokens.size() < kVocab; ++i) {
    for (char c = 'a'; c <= 'z' && tokens.size() < kVocab; ++c) {
      const std::string left = tokens[i];
      merges.push_back(left + " " + c);
      tokens.push_back(left + c);
    }
  }
  metadata.set("tokenizer.ggml.model", std::string("gpt2"));
  metadata.set("tokenizer.ggml.pre", std::string("gpt-2"));
  metadata.set("tokenizer.ggml.tokens", std::move(tokens));
  metadata.set("tokenizer.ggml.merges", std::move(merges));
}

std::vector<GgufTensor> llama_tensors() {
  const QuantType* q8 = find_quant_type("Q8_0");
  const QuantType* f32 = find_quant_type("F32");
  std::vector<GgufTensor> out = {{"token_embd.weight", q8, {kVocab, kWidth}},
                                 {"output.weight", q8, {kVocab, kWidth}},
                                 {"output_norm.weight", f32, {kWidth}}};
  for (int64_t layer = 0; layer < kLayers; ++layer) {
    const std::string block = "blk." + std::to_string(layer) + ".";
    for (const char* name : {"attn_q", "attn_k", "attn_v", "attn_output"}) {
      out.push_back({block + name + ".weight", q8, {kWidth, kWidth}});
    }
    out.push_back({block + "ffn_gate.weight", q8, {kFfn, kWidth}});
    out.push_back({block + "ffn_up.weight", q8, {kFfn, kWidth}});
    out.push_back({block + "ffn_down.weight", q8, {kWidth, kFfn}});
    out.push_back({block + "attn_norm.weight", f32, {kWidth}});
    out.push_back({block + "ffn_norm.weight", f32, {kWidth}});
  }
  return out;
}

// A Llama of 58 MB whose weights are zeros.
uint64_t write_model(const std::string& path) {
  Metadata metadata;
  metadata.set("general.architecture", std::string("llama"));
  metadata.set("llama.block_count", kLayers);
  metadata.set("llama.context_length", int64_t{512});
  metadata.set("llama.embedding_length", kWidth);
  metadata.set("llama.feed_forward_length", kFfn);
  metadata.set("llama.attention.head_count", int64_t{16});
  metadata.set("llama.attention.layer_norm_rms_epsilon", 1e-5);
  add_vocabulary(metadata);
  auto writer = GgufWriter::create(path, metadata, llama_tensors(), true);
  if (!writer.ok()) {
    ADD_FAILURE() << writer.error().message;
    return 0;
  }
  std::vector<std::byte> zeros;
  for (size_t i = 0; i < writer->tensors().size(); ++i) {
    zeros.resize(writer->tensors()[i].n_bytes());
    EXPECT_TRUE(writer->write(i, 0, zeros).ok());
  }
  EXPECT_TRUE(writer->finish().ok());
  return writer->file_bytes();
}

// Of this process, in bytes: what /proc/self/status has at `key`.
uint64_t status_bytes(const std::string& key) {
  std::ifstream file("/proc/self/status");
  std::string word;
  uint64_t kib = 0;
  while (file >> word) {
    if (word == key + ":" && file >> kib) break;
  }
  return kib * 1024;
}

// The bytes of `path` that are mapped and in memory.
uint64_t resident_bytes(const std::string& path) {
  std::ifstream file("/proc/self/smaps");
  uint64_t bytes = 0;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.find('-') < line.find(' ')) inside = line.ends_with(path);
    if (inside && line.starts_with("Rss:")) bytes += std::stoull(line.substr(4)) * 1024;
  }
  return bytes;
}

TEST(LocalModelMemory, RestsAtItsPackedWeights) {
  const std::string path = std::filesystem::path(testing::TempDir()) /
                           ("memory-" + std::to_string(::getpid()) + ".gguf");
  const uint64_t file_bytes = write_model(path);
  ASSERT_GT(file_bytes, uint64_t{50} << 20);
  ::malloc_trim(0);
  const uint64_t before = status_bytes("RssAnon");
  const auto model = LocalModel::load({.path = path, .name = "zeros", .n_threads = 1});
  const uint64_t after = status_bytes("RssAnon");
  const uint64_t of_file = resident_bytes(path);
  std::filesystem::remove(path);
  ASSERT_TRUE(model.ok()) << model.error().message;

  EXPECT_EQ(of_file, 0u);
  EXPECT_TRUE((*model)->checkpoint().metadata().all().empty());
  EXPECT_EQ((*model)->tokenizer()->encode_user("abc").size(), 1u);
  if (kShadowMemory) return;
  // The embedding table, which is read row by row, is not packed.
  EXPECT_LE(after, before + file_bytes + file_bytes / 10 - kVocab * kWidth);
}

}  // namespace
}  // namespace overtake
