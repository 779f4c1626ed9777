#include "format/checkpoint.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>

namespace overtake {
namespace {

const std::string kTiny = OVERTAKE_TEST_DATA_DIR "/gguf/tiny.gguf";

std::string message(const Result<std::unique_ptr<Checkpoint>>& result) {
  return result.ok() ? "opened" : result.error().message;
}

TEST(Checkpoint, OpensAGgufFileOfManyTypes) {
  const auto checkpoint = open_checkpoint(kTiny);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  EXPECT_EQ((*checkpoint)->format(), CheckpointFormat::kGguf);
  EXPECT_EQ((*checkpoint)->model_type(), "llama");
  EXPECT_EQ((*checkpoint)->file_bytes(), std::filesystem::file_size(kTiny));
  const Metadata& meta = (*checkpoint)->metadata();
  EXPECT_EQ(*meta.get_int("llama.block_count"), 4);
  EXPECT_FLOAT_EQ(static_cast<float>(*meta.get_double("llama.attention.layer_norm_rms_epsilon")),
                  1e-5f);
  EXPECT_EQ((*meta.find_strings("tokenizer.ggml.tokens"))->size(), 265u);
  EXPECT_EQ(**meta.find_doubles("tiny.scores"), (std::vector<double>{0.5, -1.5, 3.0}));
  EXPECT_EQ(*meta.find_bool("tokenizer.ggml.add_bos_token"), false);

  std::set<const QuantType*> types;
  for (const StoredTensor& tensor : (*checkpoint)->tensors()) {
    types.insert(tensor.type);
    for (const float value : tensor.to_f32()) ASSERT_TRUE(std::isfinite(value)) << tensor.name;
    EXPECT_EQ((*checkpoint)->find(tensor.name), &tensor);
    (*checkpoint)->drop_pages(tensor);
    const auto last = tensor.row_bytes(tensor.n_rows() - 1);
    EXPECT_EQ(last.data() + last.size(), tensor.data.data() + tensor.data.size());
  }
  EXPECT_EQ(types.size(), 25u);
}

TEST(Checkpoint, GivesATensorOfTheExpectedShape) {
  const auto checkpoint = open_checkpoint(kTiny);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  const auto right = (*checkpoint)->get("blk.0.attn_k.weight", std::vector<int64_t>{16, 256});
  ASSERT_TRUE(right.ok()) << right.error().message;
  EXPECT_EQ((*right)->name, "blk.0.attn_k.weight");

  const auto wrong = (*checkpoint)->get("blk.0.attn_k.weight", std::vector<int64_t>{32, 256});
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().code, ErrorCode::kDamaged);
  EXPECT_EQ(wrong.error().message,
            "tensor blk.0.attn_k.weight: expected [32, 256], file has [16, 256]; " + kTiny +
                "; the file is damaged or not a model of type llama");
  EXPECT_FALSE((*checkpoint)->get("blk.0.attn_k.weight", std::vector<int64_t>{16}).ok());

  const auto absent = (*checkpoint)->get("blk.9.attn_k.weight", std::vector<int64_t>{16, 256});
  ASSERT_FALSE(absent.ok());
  EXPECT_NE(absent.error().message.find("file has no such tensor"), std::string::npos);
}

TEST(Checkpoint, SaysWhatIsWrongWithAPath) {
  EXPECT_NE(message(open_checkpoint("/nowhere/x.gguf")).find("cannot open"), std::string::npos);
  EXPECT_NE(message(open_checkpoint("/nowhere/model.safetensors")).find("give the folder"),
            std::string::npos);
  EXPECT_NE(
      message(open_checkpoint(OVERTAKE_TEST_DATA_DIR "/quant/encode.f32")).find("not a GGUF file"),
      std::string::npos);
  EXPECT_NE(message(open_checkpoint("/dev/null")).find("not a regular file"), std::string::npos);
  EXPECT_NE(message(open_checkpoint("")), "opened");
}

TEST(Checkpoint, DoesNotWaitForANamedPipe) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("overtake_pipe_" + std::to_string(getpid())))
          .string();
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const auto result = open_checkpoint(path);
  std::filesystem::remove(path);
  EXPECT_NE(message(result).find("not a regular file"), std::string::npos) << message(result);
}

}  // namespace
}  // namespace overtake
