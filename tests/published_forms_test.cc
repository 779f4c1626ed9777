// The same checkpoint in the forms in which people publish checkpoints: shards, names of other
// versions, weights that are stored twice. Each gives the logits of the golden folder, bit by bit,
// and converts to the same file.
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "converted.h"
#include "engine/local_model.h"

namespace overtake {
namespace {

namespace fs = std::filesystem;

// A golden folder, to be changed and written down as another.
class PublishedForm : public testing::Test {
 protected:
  struct NamedTensor {
    std::string name;
    std::vector<int64_t> shape;
    std::vector<float> values;
  };

  ~PublishedForm() override { fs::remove_all(root_); }

  void read(const std::string& name) {
    original_ = OVERTAKE_TEST_DATA_DIR "/golden/" + name;
    root_ = fs::path(testing::TempDir()) / ("form-" + std::to_string(::getpid()));
    folder_ = root_ / name;  // converted files carry the folder's name
    fs::remove_all(root_);
    fs::create_directories(folder_);
    const auto checkpoint = open_checkpoint(original_);
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
    for (const StoredTensor& tensor : (*checkpoint)->tensors()) {
      tensors_.push_back({tensor.name, tensor.shape, tensor.to_f32()});
    }
    config_ = *parse_json(*read_file(original_ + "/config.json", 1 << 20), "config.json");
  }

  void strip_prefix(const std::string& prefix) {
    for (NamedTensor& tensor : tensors_) {
      if (tensor.name.starts_with(prefix)) tensor.name.erase(0, prefix.size());
    }
  }
  void rename_key(const char* from, const char* to) {
    if (config_.contains(from)) config_[to] = config_[from];
    config_.erase(from);
  }

  void write_file(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }
  void write_tensors(const std::string& name, size_t first, size_t count) const {
    std::vector<SafetensorsOutput> out;
    for (size_t i = first; i < std::min(first + count, tensors_.size()); ++i) {
      out.push_back({tensors_[i].name, tensors_[i].shape, std::span(tensors_[i].values)});
    }
    ASSERT_TRUE(write_safetensors((folder_ / name).string(), out).ok());
  }
  void write_one_file() const {
    write_file("config.json", config_.dump());
    write_tensors("model.safetensors", 0, tensors_.size());
  }
  void write_shards(size_t n_tensors_each) const {
    write_file("config.json", config_.dump());
    Json map;
    for (size_t first = 0; first < tensors_.size(); first += n_tensors_each) {
      const std::string file =
          "model-0000" + std::to_string(first / n_tensors_each + 1) + "-of-00009.safetensors";
      write_tensors(file, first, n_tensors_each);
      for (size_t i = first; i < std::min(first + n_tensors_each, tensors_.size()); ++i) {
        map[tensors_[i].name] = file;
      }
    }
    write_file("model.safetensors.index.json", Json{{"weight_map", map}}.dump());
  }

  void expect_the_same(std::vector<std::string> left_out = {}) const {
    const std::vector<int32_t> ids = {17, 300, 42, 42, 99, 12, 250, 31, 64, 128};
    EXPECT_EQ(logits_of(folder_.string(), ids), logits_of(original_, ids));
    const std::string expected = Converted(original_, "f32").digest();
    EXPECT_EQ(Converted(folder_.string(), "f32", 2, std::move(left_out)).digest(), expected);
  }

  std::string original_;
  fs::path root_, folder_;
  std::vector<NamedTensor> tensors_;
  Json config_;
};

TEST_F(PublishedForm, InShards) {
  read("llama2-gqa");
  write_shards(7);
  expect_the_same();
}

TEST_F(PublishedForm, WithoutThePrefixOfTheModel) {
  read("llama-tied");
  strip_prefix("model.");
  write_one_file();
  expect_the_same();
}

TEST_F(PublishedForm, FalconWithoutThePrefixOfTheModel) {
  read("falcon-40b");
  strip_prefix("transformer.");
  write_shards(11);
  expect_the_same();
}

TEST_F(PublishedForm, WithTheTiedHeadStoredAndRotaryBuffers) {
  read("llama-tied");
  for (const NamedTensor& tensor : tensors_) {
    if (tensor.name == "model.embed_tokens.weight") {
      tensors_.push_back({"lm_head.weight", tensor.shape, tensor.values});
      break;
    }
  }
  const std::string buffer = "model.layers.0.self_attn.rotary_emb.inv_freq";
  tensors_.push_back({buffer, {2}, {1, 0.5f}});
  write_one_file();
  expect_the_same({"lm_head.weight", buffer});
}

TEST_F(PublishedForm, OfTheFirstFalcon7b) {
  read("falcon-7b");
  config_["model_type"] = "RefinedWebModel";
  rename_key("num_attention_heads", "n_head");
  rename_key("num_hidden_layers", "n_layer");
  for (const char* key : {"num_kv_heads", "new_decoder_architecture", "activation", "dtype",
                          "ffn_hidden_size", "num_ln_in_parallel_attn", "rope_parameters"}) {
    config_.erase(key);
  }
  write_one_file();
  expect_the_same();
}

TEST_F(PublishedForm, OfTheFirstFalcon40b) {
  read("falcon-40b");
  config_["model_type"] = "RefinedWeb";
  rename_key("num_attention_heads", "n_head");
  rename_key("num_hidden_layers", "n_layer");
  rename_key("num_kv_heads", "n_head_kv");
  for (const char* key : {"new_decoder_architecture", "num_ln_in_parallel_attn", "multi_query"}) {
    config_.erase(key);
  }
  write_one_file();
  expect_the_same();
}

TEST_F(PublishedForm, WithTheRopeSettingsOfOlderTransformers) {
  read("llama3-rope");
  const Json rope = config_["rope_parameters"];
  config_.erase("rope_parameters");
  config_["rope_theta"] = rope["rope_theta"];
  config_["rope_scaling"] = rope;
  config_["rope_scaling"]["type"] = "llama3";
  config_["rope_scaling"].erase("rope_theta");
  rename_key("dtype", "torch_dtype");
  config_["head_dim"] = nullptr;
  config_["pretraining_tp"] = 1;
  write_one_file();
  expect_the_same();
}

TEST_F(PublishedForm, KeepsTheDefaultsOfGeneration) {
  read("llama2-gqa");
  config_["eos_token_id"] = 9;
  write_one_file();
  write_file("generation_config.json",
             R"({"temperature":0.6,"top_p":0.9,"top_k":40,"min_p":0.05,"eos_token_id":[2,7]})");
  const Converted file(folder_.string(), "f32");
  for (const std::string& path : {folder_.string(), file.path()}) {
    const auto model = LocalModel::load({.path = path, .name = "x", .n_threads = 1});
    ASSERT_TRUE(model.ok()) << model.error().message;
    const SamplingParams defaults = (*model)->with_defaults({});
    EXPECT_EQ(defaults.temperature, 0.6);
    EXPECT_EQ(defaults.top_p, 0.9);
    EXPECT_EQ(defaults.top_k, 40);
    EXPECT_EQ(defaults.min_p, 0.05);
    for (const int32_t id : {2, 7, 9}) EXPECT_TRUE((*model)->ends(id)) << id;
    EXPECT_FALSE((*model)->ends(8));
  }
}

TEST_F(PublishedForm, KeepsTheLicenceOfTheModelCard) {
  read("llama2-gqa");
  write_one_file();
  const auto licence = [&](const std::string& card) {
    write_file("README.md", card);
    const Converted file(folder_.string(), "q8_0");
    const auto checkpoint = open_checkpoint(file.path());
    EXPECT_TRUE(checkpoint.ok());
    return *(*checkpoint)->metadata().find_string("general.license");
  };
  EXPECT_EQ(licence("---\nlanguage: en\nlicense: llama3.1\ntags:\n- x\n---\n# Model\n"),
            "llama3.1");
  EXPECT_EQ(licence("---\nlanguage: en\n---\nlicense: mit\n"), std::nullopt);
  EXPECT_EQ(licence("license: mit\n"), std::nullopt);
  EXPECT_EQ(licence("---\nlicense: \x1b[2J\n---\n"), std::nullopt);
}

TEST_F(PublishedForm, RefusesWhatItDoesNotUnderstand) {
  read("llama2-gqa");
  config_["rope_parameters"] = {{"rope_type", "longrope"}, {"factor", 4.0}};
  write_one_file();
  const auto checkpoint = open_checkpoint(folder_.string());
  ASSERT_TRUE(checkpoint.ok());
  const auto plan = plan_gguf(**checkpoint);
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(plan.error().message, testing::HasSubstr("longrope"));
}

}  // namespace
}  // namespace overtake
