// A small whole model gives no fault; each way of breaking it gives its own.
#include "cli/fidelity.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <random>

#include "base/file.h"
#include "base/half.h"
#include "catalog/digest.h"
#include "catalog/pull_record.h"
#include "cli/known_vocabularies.h"
#include "format/gguf_writer.h"
#include "tensor/quant_type.h"

namespace overtake {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr int64_t kWidth = 32, kFfn = 64, kLayers = 2, kVocab = 264;
constexpr const char* kTemplate =
    "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

struct Weights {
  std::vector<int64_t> shape;
  std::vector<float> values;
  const char* type = "F32";
};

// A Llama of two layers with a byte-level vocabulary, to be broken before it is written.
struct SmallModel {
  Metadata meta;
  std::map<std::string, Weights> tensors;
  std::vector<std::string> tokens;
  std::vector<int64_t> types;

  SmallModel() {
    std::minstd_rand random(7);
    const auto add = [&](const std::string& name, std::vector<int64_t> shape) {
      int64_t n = 1;
      for (const int64_t each : shape) n *= each;
      Weights weights{std::move(shape), {}};
      for (int64_t i = 0; i < n; ++i) {
        weights.values.push_back(static_cast<float>(random() % 2001) / 10'000 - 0.1f);
      }
      tensors[name + ".weight"] = std::move(weights);
    };
    add("token_embd", {kVocab, kWidth});
    add("output_norm", {kWidth});
    for (int64_t i = 0; i < kLayers; ++i) {
      const std::string layer = fmt::format("blk.{}.", i);
      for (const char* name : {"attn_norm", "ffn_norm"}) add(layer + name, {kWidth});
      for (const char* name : {"attn_q", "attn_k", "attn_v", "attn_output"}) {
        add(layer + name, {kWidth, kWidth});
      }
      add(layer + "ffn_gate", {kFfn, kWidth});
      add(layer + "ffn_up", {kFfn, kWidth});
      add(layer + "ffn_down", {kWidth, kFfn});
    }
    fill_vocabulary();
    fill_metadata();
  }

  void fill_vocabulary() {
    for (const char* name : {"<|begin|>", "<|im_start|>", "<|im_end|>", "<|pad|>"}) {
      tokens.push_back(name);
      types.push_back(3);
    }
    // GPT-2's stand-ins for the 256 bytes.
    int spare = 256;
    for (int b = 0; b < 256; ++b) {
      const bool plain = (b >= 33 && b < 127) || (b >= 161 && b < 173) || b >= 174;
      const int c = plain ? b : spare++;
      tokens.push_back(c < 128 ? std::string(1, static_cast<char>(c))
                               : std::string{static_cast<char>(0xC0 | c >> 6),
                                             static_cast<char>(0x80 | (c & 63))});
      types.push_back(1);
    }
    for (const char* merged : {"th", "in", "er", "an"}) {
      tokens.push_back(merged);
      types.push_back(1);
    }
  }

  void fill_metadata() {
    const auto number = [&](const char* key, int64_t value) { meta.set(key, value); };
    meta.set("general.architecture", std::string("llama"));
    number("llama.block_count", kLayers);
    number("llama.context_length", 512);
    number("llama.embedding_length", kWidth);
    number("llama.feed_forward_length", kFfn);
    number("llama.attention.head_count", 2);
    number("llama.attention.head_count_kv", 2);
    number("llama.rope.dimension_count", kWidth / 2);
    meta.set("llama.rope.freq_base", 10000.0);
    meta.set("llama.attention.layer_norm_rms_epsilon", 1e-5);
    meta.set("tokenizer.ggml.model", std::string("gpt2"));
    meta.set("tokenizer.ggml.pre", std::string("smollm"));
    meta.set("tokenizer.ggml.merges", std::vector<std::string>{"t h", "i n", "e r", "a n"});
    number("tokenizer.ggml.bos_token_id", 0);
    number("tokenizer.ggml.eos_token_id", 2);
    number("tokenizer.ggml.padding_token_id", 3);
    meta.set("tokenizer.ggml.add_bos_token", false);
    meta.set("tokenizer.chat_template", std::string(kTemplate));
  }

  std::vector<float>& values(const char* name) { return tensors.at(name).values; }
  // Metadata has no erase: a copy without `key`.
  void drop(std::string_view key) {
    Metadata rest;
    for (const auto& [name, value] : meta.all()) {
      if (name != key) rest.set(name, value);
    }
    meta = std::move(rest);
  }
  void write(const std::string& path) {
    meta.set("tokenizer.ggml.tokens", tokens);
    meta.set("tokenizer.ggml.token_type", types);
    std::vector<GgufTensor> table;
    for (const auto& [name, weights] : tensors) {
      table.push_back({name, find_quant_type(weights.type), weights.shape});
    }
    auto writer = GgufWriter::create(path, meta, table, true);
    ASSERT_TRUE(writer.ok()) << writer.error().message;
    size_t i = 0;
    for (const auto& [name, weights] : tensors) {
      std::vector<std::byte> bytes(table[i].n_bytes());
      table[i].type->encode(weights.values.data(), bytes.data(),
                            static_cast<int64_t>(weights.values.size()));
      ASSERT_TRUE(writer->write(i++, 0, bytes).ok());
    }
    ASSERT_TRUE(writer->finish().ok());
  }
};

class Fidelity : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/overtake_fidelity_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::vector<Finding> examine_path(const std::string& path) {
    auto subject = open_fidelity_subject({"small", path});
    EXPECT_TRUE(subject.ok()) << subject.error().message;
    if (!subject.ok()) return {};
    ThreadPool pool(2);
    return check_fidelity(*subject, pool, [](const std::string&, uint64_t, uint64_t) {});
  }
  std::vector<Finding> examine(SmallModel& model) {
    const std::string path = folder_ + "/small.gguf";
    model.write(path);
    return examine_path(path);
  }
  // Expects one finding of `level` whose text has `words`.
  void expect(SmallModel& model, Finding::Level level, const std::string& words) {
    int n = 0;
    std::string all;
    for (const Finding& finding : examine(model)) {
      all += fmt::format("{} {}: {}\n", level_name(finding.level), finding.name, finding.text);
      n += finding.level == level && finding.text.find(words) != std::string::npos;
      EXPECT_EQ(finding.level == Finding::Level::kOk, finding.fix.empty()) << finding.text;
    }
    EXPECT_EQ(n, 1) << words << " in:\n" << all;
  }
  void expect_fault(SmallModel& model, const std::string& words) {
    expect(model, Finding::Level::kFailure, words);
  }
  void expect_warning(SmallModel& model, const std::string& words) {
    expect(model, Finding::Level::kWarning, words);
  }

  SmallModel model_;
  std::string folder_;
};

TEST_F(Fidelity, WholeModelHasNeitherFaultNorWarning) {
  for (const Finding& finding : examine(model_)) {
    EXPECT_EQ(finding.level, Finding::Level::kOk) << finding.name << ": " << finding.text;
  }
}

TEST_F(Fidelity, NanIsFoundInEveryFloatType) {
  for (const char* type : {"F32", "F16", "BF16"}) {
    SmallModel model;
    model.tensors["blk.1.attn_q.weight"].type = type;
    model.values("blk.1.attn_q.weight")[777] = std::numeric_limits<float>::quiet_NaN();
    expect_fault(model, "blk.1.attn_q.weight (1 NaN)");
  }
}

TEST_F(Fidelity, ValuesThatOverflowF16AreFound) {
  model_.tensors["blk.0.ffn_up.weight"].type = "F16";
  model_.values("blk.0.ffn_up.weight")[5] = 70'000;
  expect_fault(model_, "blk.0.ffn_up.weight (F16, 1 infinite)");
}

TEST_F(Fidelity, InfiniteScaleOfABlockIsFound) {
  model_.tensors["blk.0.ffn_up.weight"].type = "Q8_0";
  model_.values("blk.0.ffn_up.weight")[5] = 1e9f;
  expect_fault(model_, "blk.0.ffn_up.weight (");
}

TEST_F(Fidelity, AbsurdSizesAreFound) {
  model_.values("blk.0.attn_norm.weight")[3] = -2e4f;
  expect_fault(model_, "larger than training makes: blk.0.attn_norm.weight");
}

TEST_F(Fidelity, MatricesNeverWrittenAreFound) {
  std::ranges::fill(model_.values("blk.1.ffn_down.weight"), 0.0f);
  expect_fault(model_, "all zero: blk.1.ffn_down.weight");
}

TEST_F(Fidelity, ConstantMatricesAreNamed) {
  std::ranges::fill(model_.values("blk.1.ffn_down.weight"), 0.25f);
  expect_warning(model_, "throughout: blk.1.ffn_down.weight");
}

TEST_F(Fidelity, NormsOfOnesAreFine) {
  std::ranges::fill(model_.values("output_norm.weight"), 1.0f);
  for (const Finding& finding : examine(model_)) EXPECT_EQ(finding.level, Finding::Level::kOk);
}

TEST_F(Fidelity, ShapesThatContradictTheMetadataAreFound) {
  model_.meta.set("llama.feed_forward_length", int64_t{96});
  expect_fault(model_, "ffn_");
}

TEST_F(Fidelity, MoreTokensThanRowsAreFound) {
  model_.tokens.push_back("on");
  model_.types.push_back(1);
  expect_fault(model_, "265 tokens, but only 264 rows");
}

TEST_F(Fidelity, MissingPreTokenizerIsFound) {
  model_.drop("tokenizer.ggml.pre");
  expect_fault(model_, "no tokenizer.ggml.pre");
}

TEST_F(Fidelity, UnknownPreTokenizerIsFound) {
  model_.meta.set("tokenizer.ggml.pre", std::string("no-such"));
  expect_fault(model_, "no-such");
}

TEST_F(Fidelity, MissingEosIsFound) {
  model_.drop("tokenizer.ggml.eos_token_id");
  expect_fault(model_, "no end-of-text token");
}

TEST_F(Fidelity, EosOutsideTheVocabularyIsFound) {
  model_.meta.set("tokenizer.ggml.eos_token_id", int64_t{100'000});
  expect_fault(model_, "eos_token_id");
}

TEST_F(Fidelity, MarkersTypedNormalAreFound) {
  model_.types[2] = 1;  // <|im_end|>
  expect_fault(model_, "typed NORMAL instead of CONTROL: <|im_end|>");
}

TEST_F(Fidelity, HtmlsMarksAreOrdinaryTokensOfByteLevelVocabularies) {
  model_.tokens.back() = "</s>";
  model_.drop("tokenizer.ggml.merges");
  model_.meta.set("tokenizer.ggml.merges", std::vector<std::string>{"t h", "i n", "e r"});
  for (const Finding& finding : examine(model_)) {
    EXPECT_NE(finding.level, Finding::Level::kFailure) << finding.text;
  }
}

TEST_F(Fidelity, MarkersThatUsersCanForgeAreNamed) {
  model_.types[1] = 4;  // <|im_start|> as USER_DEFINED
  expect_warning(model_, "USER_DEFINED");
}

TEST_F(Fidelity, TurnEndThatTheFileDoesNotListIsNamed) {
  model_.meta.set("tokenizer.ggml.eos_token_id", int64_t{0});
  expect_warning(model_, "ends turns with <|im_end|>, which the file does not list");
}

TEST_F(Fidelity, TurnEndThatEndsNothingIsFound) {
  model_.tokens[3] = "<|end|>";
  model_.types[3] = 4;
  model_.meta.set("tokenizer.chat_template",
                  std::string("{% for m in messages %}{{ m.content }}<|end|>{% endfor %}"));
  expect_fault(model_, "ends turns with <|end|>, but nothing makes it end");
}

TEST_F(Fidelity, PaddingThatIsEosIsNamed) {
  model_.meta.set("tokenizer.ggml.padding_token_id", int64_t{2});
  expect_warning(model_, "padding is the end token");
}

TEST_F(Fidelity, MissingTemplateIsNamed) {
  model_.drop("tokenizer.chat_template");
  expect_warning(model_, "does not chat");
}

TEST_F(Fidelity, BrokenTemplatesAreFound) {
  for (const auto& [source, words] : std::map<std::string, std::string>{
           {"{% for %}", "template"},
           {"{{ raise_exception('never') }}", "never"},
           {"always the same", "loses what the user says"},
           {"{{ bos_token }}<|begin|>{{ messages[0].content }}", "2 times"}}) {
    SmallModel model;
    model.meta.set("tokenizer.chat_template", source);
    expect_fault(model, words);
  }
}

TEST_F(Fidelity, BosByTemplateAndByFileIsTold) {
  model_.meta.set("tokenizer.ggml.add_bos_token", true);
  expect(model_, Finding::Level::kOk, "Overtake does not add the one that the file asks for");
}

TEST_F(Fidelity, TemplateWithoutTheBosThatTheFileWantsIsNamed) {
  model_.meta.set("tokenizer.ggml.add_bos_token", true);
  model_.meta.set("tokenizer.chat_template", std::string("{{ messages[0].content }}"));
  expect_warning(model_, "writes no <|begin|>");
}

TEST_F(Fidelity, DoubtfulContextIsNamed) {
  model_.meta.set("llama.context_length", int64_t{16});
  expect_warning(model_, "a context of 16 tokens");
}

TEST_F(Fidelity, HeadOfItsOwnTiedAndCopiedAreTold) {
  const auto told = [&](SmallModel& model, const char* words) {
    std::string all;
    for (const Finding& finding : examine(model)) all += finding.text + "\n";
    EXPECT_THAT(all, HasSubstr(words));
  };
  told(model_, "tied: the embedding");
  SmallModel copied;
  copied.tensors["output.weight"] = copied.tensors["token_embd.weight"];
  told(copied, "a copy of the embedding");
  copied.values("output.weight")[0] += 1;
  told(copied, "a matrix of its own");
}

TEST_F(Fidelity, TiedFlagThatTheWeightsDenyIsNamed) {
  const std::string source = std::string(OVERTAKE_TEST_DATA_DIR) + "/golden/llama2-mha";
  fs::copy(source, folder_ + "/hf");
  std::string config = read_file(folder_ + "/hf/config.json", 1 << 20).value();
  const size_t at = config.find("\"tie_word_embeddings\": false");
  ASSERT_NE(at, std::string::npos);
  config.replace(at, 28, "\"tie_word_embeddings\": true");
  std::ofstream(folder_ + "/hf/config.json") << config;
  bool found = false;
  for (const Finding& finding : examine_path(folder_ + "/hf")) {
    found |= finding.level == Finding::Level::kWarning &&
             finding.text.find("says it is tied") != std::string::npos;
  }
  EXPECT_TRUE(found);
}

// A real vocabulary under the small model's weights.
class RealVocabulary : public Fidelity {
 protected:
  void SetUp() override {
    Fidelity::SetUp();
    const auto file =
        open_checkpoint(std::string(OVERTAKE_TEST_DATA_DIR) + "/tokenizers/smollm2.gguf");
    ASSERT_TRUE(file.ok());
    const Metadata& real = (*file)->metadata();
    for (const auto& [key, value] : real.all()) {
      if (key.starts_with("tokenizer.")) model_.meta.set(key, value);
    }
    model_.tokens = **real.find_strings("tokenizer.ggml.tokens");
    model_.types = **real.find_ints("tokenizer.ggml.token_type");
    model_.meta.set("llama.rope.freq_base", 100000.0);
    Weights& table = model_.tensors["token_embd.weight"];
    table.shape[0] = static_cast<int64_t>(model_.tokens.size());
    table.values.resize(model_.tokens.size() * kWidth, 0.5f);
  }
};

TEST_F(RealVocabulary, IsNamed) {
  std::string all;
  for (const Finding& finding : examine(model_)) {
    EXPECT_NE(finding.level, Finding::Level::kFailure) << finding.text;
    all += finding.text + "\n";
  }
  EXPECT_THAT(all, HasSubstr("that of SmolLM2"));
}

TEST_F(RealVocabulary, AlteredTokensAreNoticed) {
  model_.tokens[5] += "x";
  expect_warning(model_, "nearly that of SmolLM2: 15 of 16 parts");
}

TEST_F(RealVocabulary, OtherMergesAreFound) {
  auto merges = **model_.meta.find_strings("tokenizer.ggml.merges");
  std::swap(merges[0], merges[1]);
  model_.meta.set("tokenizer.ggml.merges", merges);
  expect_fault(model_, "but other merges");
}

TEST_F(RealVocabulary, WrongEosIsFound) {
  model_.meta.set("tokenizer.ggml.eos_token_id", int64_t{500});
  model_.types[500] = 3;
  expect_fault(model_, "models with the vocabulary of SmolLM2 end with");
}

TEST_F(RealVocabulary, LostRopeBaseIsFound) {
  model_.drop("llama.rope.freq_base");
  expect_fault(model_, "the rope base is 10000");
  model_.meta.set("llama.rope.freq_base", 5e6);
  expect_warning(model_, "the rope base is 5e+06");
}

TEST_F(RealVocabulary, LongContextWithoutScalingIsFound) {
  model_.meta.set("llama.context_length", int64_t{131072});
  expect_fault(model_, "without rope scaling");
  model_.tensors["rope_freqs.weight"] = {{kWidth / 4}, std::vector<float>(kWidth / 4, 1.0f)};
  for (const Finding& finding : examine(model_)) {
    EXPECT_NE(finding.level, Finding::Level::kFailure) << finding.text;
  }
}

TEST_F(Fidelity, DigestsAreComparedWithTheRecordOfThePull) {
  const std::string path = folder_ + "/small.gguf";
  model_.write(path);
  const uint64_t bytes = fs::file_size(path);
  const PullRecord record{.source = "hf:a/b",
                          .files = {{"small.gguf", bytes, *sha256_of_file(path), true}}};
  std::ofstream(folder_ + "/" + kPullRecordName) << write_pull_record(record);
  EXPECT_THAT(examine_path(path)[0].text, HasSubstr("as pulled from hf:a/b"));
  model_.values("output_norm.weight")[0] += 0.01f;
  model_.write(path);
  const Finding changed = examine_path(path)[0];
  EXPECT_EQ(changed.level, Finding::Level::kFailure);
  EXPECT_THAT(changed.text, HasSubstr("SHA-256 differs"));
}

TEST(KnownVocabularies, EveryRowIsWhole) {
  EXPECT_GE(known_vocabularies().size(), 8u);
  for (const KnownVocabulary& known : known_vocabularies()) {
    EXPECT_FALSE(known.name.empty() || known.ends[0].empty());
    EXPECT_GT(known.n_tokens, 30'000u);
    for (const uint64_t part : known.digest) EXPECT_NE(part, 0u);
  }
}

TEST(KnownVocabularies, TheRealOnesMatch) {
  for (const auto& [file, name] : std::map<std::string, std::string>{
           {"falcon", "Falcon"}, {"gpt-2", "GPT-2"}, {"smollm2", "SmolLM2"}}) {
    const auto checkpoint =
        open_checkpoint(std::string(OVERTAKE_TEST_DATA_DIR) + "/tokenizers/" + file + ".gguf");
    ASSERT_TRUE(checkpoint.ok());
    const Metadata& meta = (*checkpoint)->metadata();
    const VocabularyMatch match = match_vocabulary(**meta.find_strings("tokenizer.ggml.tokens"));
    ASSERT_NE(match.known, nullptr) << file;
    EXPECT_EQ(match.known->name, name);
    EXPECT_EQ(match.first_different_part, -1);
    EXPECT_EQ(merges_digest(*meta.find_strings("tokenizer.ggml.merges")), match.known->merges);
  }
}

}  // namespace
}  // namespace overtake
