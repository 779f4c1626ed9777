#include "format/hf_folder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "format/safetensors.h"

namespace overtake {
namespace {

// A folder of its own for each test.
class HfFolderTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("overtake_hf_" + std::to_string(getpid()) + "_" +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
    write("config.json", R"({"model_type":"llama","hidden_size":64})");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, std::string_view content) {
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }
  void write_tensors(const std::string& name, const std::vector<std::string>& tensors) {
    static constexpr float kOne[] = {1.0f};
    std::vector<SafetensorsOutput> outputs;
    for (const std::string& tensor : tensors) outputs.push_back({tensor, {1}, std::span(kOne)});
    ASSERT_TRUE(write_safetensors((folder_ / name).string(), outputs).ok());
  }
  Result<std::unique_ptr<Checkpoint>> open() const { return open_checkpoint(folder_.string()); }
  void expect_error(ErrorCode code, std::string_view part) const {
    const auto result = open();
    ASSERT_FALSE(result.ok()) << part;
    EXPECT_EQ(result.error().code, code) << result.error().message;
    EXPECT_NE(result.error().message.find(part), std::string::npos) << result.error().message;
    EXPECT_NE(result.error().message.find(folder_.string()), std::string::npos)
        << result.error().message;
  }

  std::filesystem::path folder_;
};

TEST_F(HfFolderTest, OpensOneFile) {
  write_tensors("model.safetensors", {"a", "b"});
  write("generation_config.json", R"({"temperature":0.6,"eos_token_id":[1,2],"top_k":null})");
  const auto checkpoint = open();
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  EXPECT_EQ((*checkpoint)->format(), CheckpointFormat::kHuggingFace);
  EXPECT_EQ((*checkpoint)->model_type(), "llama");
  EXPECT_EQ((*checkpoint)->path(), folder_.string());
  EXPECT_EQ((*checkpoint)->file_bytes(), std::filesystem::file_size(folder_ / "model.safetensors"));
  const Metadata& meta = (*checkpoint)->metadata();
  EXPECT_EQ(*meta.get_int("hidden_size"), 64);
  EXPECT_EQ(*meta.get_double("generation_config.temperature"), 0.6);
  EXPECT_EQ(**meta.find_ints("generation_config.eos_token_id"), (std::vector<int64_t>{1, 2}));
  EXPECT_FALSE(meta.has("generation_config.top_k"));
  ASSERT_TRUE((*checkpoint)->find("b"));
  EXPECT_EQ((*checkpoint)->find("b")->to_f32(), std::vector<float>{1.0f});
  EXPECT_FALSE((*checkpoint)->find("c"));
}

TEST_F(HfFolderTest, OpensShards) {
  write_tensors("model-00001-of-00002.safetensors", {"a", "unlisted"});
  write_tensors("model-00002-of-00002.safetensors", {"b"});
  write("model.safetensors.index.json",
        R"({"metadata":{"total_size":8},"weight_map":{"a":"model-00001-of-00002.safetensors",)"
        R"("b":"model-00002-of-00002.safetensors"}})");
  const auto checkpoint = open();
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  EXPECT_EQ((*checkpoint)->tensors().size(), 3u);  // transformers reads unlisted ones too
  for (const StoredTensor& tensor : (*checkpoint)->tensors()) {
    EXPECT_EQ(tensor.to_f32(), std::vector<float>{1.0f});
    (*checkpoint)->drop_pages(tensor);
  }
  // What was fetched or given back reads as before.
  for (const StoredTensor& tensor : (*checkpoint)->tensors()) {
    tensor.source->will_read(tensor.data);
    EXPECT_EQ(tensor.to_f32(), std::vector<float>{1.0f});
    tensor.source->was_read(tensor.data);
  }
  (*checkpoint)->drop_all_pages();
  EXPECT_EQ((*checkpoint)->tensors()[0].to_f32(), std::vector<float>{1.0f});
}

TEST_F(HfFolderTest, RefusesAnIndexThatContradictsTheShards) {
  write_tensors("x.safetensors", {"a"});
  write("model.safetensors.index.json",
        R"({"weight_map":{"a":"x.safetensors","b":"x.safetensors"}})");
  expect_error(ErrorCode::kDamaged, "tensor b, which model.safetensors.index.json says is here");
  write("model.safetensors.index.json", R"({"weight_map":{"a":"gone.safetensors"}})");
  expect_error(ErrorCode::kNotFound, "gone.safetensors");
  write_tensors("y.safetensors", {"c"});
  write("model.safetensors.index.json",
        R"({"weight_map":{"a":"y.safetensors","c":"x.safetensors"}})");
  expect_error(ErrorCode::kDamaged,
               "tensor a, which model.safetensors.index.json says is here, is "
               "in x.safetensors");
  write_tensors("y.safetensors", {"a", "c"});
  expect_error(ErrorCode::kDamaged, "tensor a stands in x.safetensors and in y.safetensors");
  write("model.safetensors.index.json", R"({"weight_map":{}})");
  expect_error(ErrorCode::kDamaged, "weight_map names 0 files");
  write("model.safetensors.index.json", R"({"weight_map":["a"]})");
  expect_error(ErrorCode::kDamaged, "weight_map");
  write("model.safetensors.index.json", R"({"weight_map":{"a":1}})");
  expect_error(ErrorCode::kDamaged, "tensor a is in no file");
  write("model.safetensors.index.json", "{");
  expect_error(ErrorCode::kDamaged, "not valid JSON");
}

TEST_F(HfFolderTest, OpensNothingOutsideTheFolder) {
  for (const char* name : {"../x.safetensors", "/etc/x.safetensors", "a/x.safetensors",
                           "..\\\\x.safetensors", "/etc/passwd", "x.bin", ""}) {
    write("model.safetensors.index.json", std::string(R"({"weight_map":{"a":")") + name + "\"}}");
    expect_error(ErrorCode::kDamaged, "is not the name of a .safetensors file");
  }
  write("model.safetensors.index.json", R"({"weight_map":{"a":"x\u0000.safetensors"}})");
  expect_error(ErrorCode::kDamaged, "is not the name of a .safetensors file");
}

TEST_F(HfFolderTest, SaysWhatIsMissing) {
  expect_error(ErrorCode::kNotFound, "neither model.safetensors nor");
  write_tensors("model-00001-of-00002.safetensors", {"a"});
  expect_error(ErrorCode::kNotFound, "but not model.safetensors.index.json");
  std::filesystem::remove(folder_ / "config.json");
  expect_error(ErrorCode::kNotFound, "no config.json");
}

TEST_F(HfFolderTest, NamesTheMethodOfQuantizedWeights) {
  write_tensors("model.safetensors", {"a"});
  write("config.json",
        R"({"model_type":"llama","quantization_config":{"quant_method":"gptq","bits":4}})");
  expect_error(ErrorCode::kUnsupported, "\"gptq\"");
  write("config.json", R"({"model_type":"llama","quantization_config":null})");
  EXPECT_TRUE(open().ok());
}

// Hugging Face's cache keeps the files elsewhere and has links to them.
TEST_F(HfFolderTest, FollowsTheLinksOfACache) {
  write_tensors("blob", {"a"});
  std::filesystem::create_directories(folder_ / "snapshot");
  for (const char* name : {"model.safetensors", "config.json"}) {
    std::filesystem::create_symlink(folder_ / (name[0] == 'm' ? "blob" : "config.json"),
                                    folder_ / "snapshot" / name);
  }
  EXPECT_TRUE(open_checkpoint((folder_ / "snapshot").string()).ok());
}

TEST_F(HfFolderTest, RefusesAConfigThatIsNone) {
  write_tensors("model.safetensors", {"a"});
  write("config.json", "[]");
  expect_error(ErrorCode::kDamaged, "not a JSON object");
  write("config.json", R"({"hidden_size":64})");
  expect_error(ErrorCode::kDamaged, "model_type is missing");
  write("config.json", R"({"model_type":"\u001b[2J"})");
  expect_error(ErrorCode::kDamaged, "no name of an architecture");
  write("config.json", R"({"model_type":7})");
  expect_error(ErrorCode::kDamaged, "expected a string");
}

TEST(FlattenConfig, JoinsKeysWithDots) {
  Metadata meta;
  const Status status = flatten_config(
      R"({"rope_scaling":{"factor":4.0,"type":"yarn","deep":{"x":true}},"gone":null,)"
      R"("big":18446744073709551615,"neg":-3,"list":[1,2],"mixed":[1,2.5],"words":["a","b"],)"
      R"("flags":[true],"none":[],"odd":[{"a":1},null,"x"],"obj":{}})",
      "config.json", "", &meta);
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_EQ(*meta.get_double("rope_scaling.factor"), 4.0);
  EXPECT_EQ(*meta.get_string("rope_scaling.type"), "yarn");
  EXPECT_EQ(*meta.find_bool("rope_scaling.deep.x"), true);
  EXPECT_FALSE(meta.has("gone"));
  EXPECT_EQ(std::get<uint64_t>(meta.all().at("big")), ~0ull);
  EXPECT_EQ(*meta.get_int("neg"), -3);
  EXPECT_EQ(**meta.find_ints("list"), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(**meta.find_doubles("mixed"), (std::vector<double>{1.0, 2.5}));
  EXPECT_EQ(**meta.find_strings("words"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(std::get<std::vector<bool>>(meta.all().at("flags")), std::vector<bool>{true});
  EXPECT_TRUE((*meta.find_strings("none"))->empty());
  EXPECT_EQ(*meta.get_int("odd.0.a"), 1);
  EXPECT_FALSE(meta.has("odd.1"));
  EXPECT_EQ(*meta.get_string("odd.2"), "x");
  EXPECT_FALSE(meta.has("obj"));
}

TEST(FlattenConfig, ReadsTheNumbersThatPythonWrites) {
  Metadata meta;
  const Status status =
      flatten_config(R"({"limit":[0.0,Infinity],"low":-Infinity,"no":NaN,"text":"\"NaN\\"})",
                     "config.json", "", &meta);
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_EQ(*meta.get_double("limit.0"), 0.0);
  EXPECT_EQ(*meta.get_string("limit.1.__float__"), "Infinity");
  EXPECT_EQ(*meta.get_string("low.__float__"), "-Infinity");
  EXPECT_EQ(*meta.get_string("no.__float__"), "NaN");
  EXPECT_EQ(*meta.get_string("text"), "\"NaN\\");
}

// Without a bound this document of a megabyte would become a terabyte of keys.
TEST(FlattenConfig, BoundsTheMemoryOfKeys) {
  std::string config = "{\"" + std::string(500'000, 'k') + "\":{\"0\":0";
  for (int i = 1; i < 100'000; ++i) config += ",\"" + std::to_string(i) + "\":0";
  Metadata meta;
  const Status status = flatten_config(config + "}}", "config.json", "", &meta);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("longer than 512 bytes"), std::string::npos);
}

TEST(FlattenConfig, RefusesKeysThatBecomeTheSame) {
  Metadata meta;
  const Status status = flatten_config(R"({"a.b":1,"a":{"b":2}})", "config.json", "", &meta);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("key a.b stands twice"), std::string::npos);
}

}  // namespace
}  // namespace overtake
