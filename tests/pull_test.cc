// pull: which files of a repository come, and where they go.
#include <fcntl.h>
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "catalog/model_folder.h"
#include "catalog/pull_record.h"
#include "tests/pull_hub.h"

namespace overtake {
namespace {

namespace fs = std::filesystem;
using testing::break_off;
using testing::Exchange;
using ::testing::HasSubstr;
using testing::Hub;
using testing::HubFile;
using testing::kRevision;
using testing::kSecret;
using ::testing::Not;
using testing::PullTest;
using testing::ScriptedServer;
using testing::small_gguf;

TEST_F(PullTest, FetchesVerifiesAndRecords) {
  const auto pulled = pull();
  ASSERT_TRUE(pulled.ok()) << pulled.error().message;
  EXPECT_EQ(pulled->licence, "mit");
  EXPECT_TRUE(pulled->all_published);
  EXPECT_EQ(content("m.Q4_K_M.gguf"), hub_.files["m.Q4_K_M.gguf"].content);
  const auto record = read_pull_record(path(""));
  ASSERT_TRUE(record.ok() && *record);
  EXPECT_EQ((*record)->revision, kRevision);
  EXPECT_EQ((*record)->find("m.Q4_K_M.gguf")->sha256,
            sha256_of(hub_.files["m.Q4_K_M.gguf"].content));
  for (const auto& entry : fs::directory_iterator(path(""))) {
    EXPECT_THAT(entry.path().string(), Not(HasSubstr(".part")));
    EXPECT_FALSE(entry.path().filename().string().starts_with("."));
  }
}

TEST_F(PullTest, SecondPullFetchesNothing) {
  ASSERT_TRUE(pull().ok());
  const size_t n_requests = hub_.server.heads().size();
  const auto again = pull();
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->fetched_bytes, 0u);
  EXPECT_EQ(hub_.server.heads().size(), n_requests + 2);  // the two lists
}

TEST_F(PullTest, FolderOfSafetensorsComesWithItsCompanionsAndWithoutPickles) {
  hub_.files.clear();
  const std::string header = R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  std::string shard;
  const uint64_t n = header.size();
  shard.append(reinterpret_cast<const char*>(&n), 8);
  shard += header + "abcd";
  hub_.files["config.json"] = {"{}", false};
  hub_.files["tokenizer.json"] = {"{\"a\": 1}", false};
  hub_.files["model-00001-of-00002.safetensors"] = {shard};
  hub_.files["model-00002-of-00002.safetensors"] = {shard};
  hub_.files["model.safetensors.index.json"] = {"{}", false};
  hub_.files["pytorch_model.bin"] = {"pickle"};
  hub_.files["original/consolidated.00.pth"] = {"pickle"};
  hub_.files["README.md"] = {"text", false};
  const auto pulled = pull();
  ASSERT_TRUE(pulled.ok()) << pulled.error().message;
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(path(""))) {
    names.insert(entry.path().filename());
  }
  EXPECT_THAT(names, ::testing::UnorderedElementsAre(
                         "config.json", "tokenizer.json", "model-00001-of-00002.safetensors",
                         "model-00002-of-00002.safetensors", "model.safetensors.index.json",
                         "overtake-pull.json"));
}

TEST_F(PullTest, PicklesAloneAreRefusedWithTheReason) {
  hub_.files = {{"config.json", {"{}", false}}, {"pytorch_model.bin", {"x"}}};
  EXPECT_THAT(pull().error().message, HasSubstr("run any code"));
  EXPECT_THAT(pull("hf:owner/repo:pytorch_model.bin").error().message, HasSubstr("run any code"));
}

TEST_F(PullTest, QuantizationIsChosenByNameAndAbsentOnesAreListed) {
  hub_.files["m.Q8_0.gguf"] = {small_gguf(10)};
  hub_.files["m-IQ3_XXS.gguf"] = {small_gguf(11)};
  hub_.files["mmproj-m-f16.gguf"] = {small_gguf(12)};
  ASSERT_TRUE(pull("hf:owner/repo:q8_0").ok());
  EXPECT_TRUE(fs::exists(path("m.Q8_0.gguf")));
  const auto absent = pull("hf:owner/repo:Q2_K", "other");
  EXPECT_THAT(absent.error().message, HasSubstr("IQ3_XXS Q4_K_M Q8_0"));
}

TEST_F(PullTest, NamesFromTheServerNeverLeaveTheFolder) {
  for (const char* name : {"../m.gguf", "..\\\\m.gguf", "a/../../m.gguf", "/m.gguf", "CON.gguf",
                           ".m.gguf", "a:m.gguf", "m\\u0000.gguf", "m\\u001b[2J.gguf", "-m.gguf"}) {
    hub_.files = {{name, {small_gguf(4)}}};
    const auto pulled = pull();
    // "../m.gguf" ends in a plain name, under which it may be stored, in the folder.
    if (pulled.ok()) {
      EXPECT_TRUE(fs::exists(path("m.gguf"))) << name;
      fs::remove_all(path(""));
    }
    for (const auto& entry : fs::recursive_directory_iterator(home_)) {
      EXPECT_THAT(entry.path().string(), ::testing::StartsWith(home_ + "/models"));
    }
    EXPECT_FALSE(fs::exists(home_ + "/m.gguf"));
    EXPECT_FALSE(fs::exists(home_ + "/models/m.gguf"));
  }
  hub_.files = {{"A.gguf", {small_gguf(4)}}};
  ASSERT_TRUE(pull("hf:owner/repo:A.gguf").ok());
}

TEST_F(PullTest, LinksInTheFolderAreNotFollowed) {
  const std::string victim = home_ + "/victim";
  std::ofstream(victim) << "mine";
  fs::create_directories(path(""));
  fs::create_symlink(victim, path("m.Q4_K_M.gguf.part"));
  fs::create_symlink(victim, path("m.Q4_K_M.gguf"));
  ASSERT_TRUE(pull().ok());
  EXPECT_EQ(read_file(victim, 100).value(), "mine");
  EXPECT_FALSE(fs::is_symlink(path("m.Q4_K_M.gguf")));
  fs::remove_all(path(""));
  fs::create_directories(path(""));
  fs::create_hard_link(victim, path("m.Q4_K_M.gguf.part"));
  ASSERT_TRUE(pull().ok());
  EXPECT_EQ(read_file(victim, 100).value(), "mine");
}

TEST_F(PullTest, ALinkInPlaceOfTheFolderIsRefused) {
  fs::create_directories(home_ + "/models");
  fs::create_directories(home_ + "/elsewhere");
  fs::create_directory_symlink(home_ + "/elsewhere", home_ + "/models/m");
  EXPECT_EQ(pull().error().code, ErrorCode::kPermissionDenied);
  EXPECT_TRUE(fs::is_empty(home_ + "/elsewhere"));
}

TEST_F(PullTest, OneFolderOnePull) {
  const auto held = ModelFolder::open("m", true);
  ASSERT_TRUE(held.ok());
  EXPECT_EQ(pull().error().code, ErrorCode::kUnavailable);
}

TEST_F(PullTest, AnotherModelsFileInTheFolderIsNotMixedIn) {
  fs::create_directories(path(""));
  std::ofstream(path("other.gguf")) << "x";
  EXPECT_THAT(pull().error().message, HasSubstr("--name"));
}

TEST_F(PullTest, OneNameIsOneSource) {
  ASSERT_TRUE(pull().ok());
  HubFile file{small_gguf(10)};
  ScriptedServer any([&](const Exchange& e) { return hub_.send_file(e, file); });
  EXPECT_THAT(pull(any.url("/m.Q4_K_M.gguf")).error().message, HasSubstr("from another source"));
  EXPECT_EQ(content("m.Q4_K_M.gguf"), hub_.files["m.Q4_K_M.gguf"].content);
}

TEST_F(PullTest, AnotherQuantizationUnderTheSameNameReplacesTheFirst) {
  hub_.files["m.Q8_0.gguf"] = {small_gguf(20)};
  ASSERT_TRUE(pull("hf:owner/repo:Q4_K_M").ok());
  ASSERT_FALSE(pull("hf:owner/repo:Q2_K").ok());
  EXPECT_TRUE(fs::exists(path("m.Q4_K_M.gguf")));
  ASSERT_TRUE(pull("hf:owner/repo:Q8_0").ok());
  EXPECT_FALSE(fs::exists(path("m.Q4_K_M.gguf")));
  EXPECT_EQ(content("m.Q8_0.gguf"), hub_.files["m.Q8_0.gguf"].content);
}

TEST_F(PullTest, ModelsInPartsAreRefusedBeforeTheyAreFetched) {
  hub_.files = {{"m-Q4_K_M-00001-of-00002.gguf", {small_gguf(4)}},
                {"m-Q4_K_M-00002-of-00002.gguf", {small_gguf(4)}}};
  for (const char* wish : {":Q4_K_M", ":m-Q4_K_M-00001-of-00002.gguf"}) {
    EXPECT_THAT(pull(std::string("hf:owner/repo") + wish).error().message, HasSubstr("parts"));
  }
  EXPECT_FALSE(pull().ok());
  expect_nothing_in_place();
}

TEST_F(PullTest, WhatIsNoModelIsNotKept) {
  for (const std::string& content : {std::string("<!DOCTYPE html><html>"), std::string(1000, 'x'),
                                     std::string("version https://git-lfs.github.com/spec/v1\n")}) {
    hub_.files["m.Q4_K_M.gguf"].content = content;
    EXPECT_FALSE(pull().ok());
    EXPECT_FALSE(fs::exists(path("m.Q4_K_M.gguf")));
    EXPECT_FALSE(fs::exists(path("m.Q4_K_M.gguf.part")));
  }
}

TEST_F(PullTest, StoppingKeepsWhatHasCome) {
  hub_.on_file = [&](const Exchange& e, const std::string& name) -> std::optional<bool> {
    const HubFile& file = hub_.files[name];
    e.send(fmt::format("HTTP/1.1 200 X\r\nContent-Length: {}\r\nETag: {}\r\n\r\n",
                       file.content.size(), Hub::etag_of(file)));
    e.send(file.content.substr(0, 70'000));
    e.sleep_ms(100);
    cancel_ = true;
    e.sleep_ms(3000);
    return false;
  };
  PullOptions all = options();
  all.source.silence_timeout_ms = 10'000;
  const auto source = parse_pull_source("hf:owner/repo", "m", all.hub);
  const auto start = std::chrono::steady_clock::now();
  const auto pulled = pull_model(*source, all, cancel_);
  EXPECT_EQ(pulled.error().code, ErrorCode::kCancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(1500));
  EXPECT_EQ(fs::file_size(path("m.Q4_K_M.gguf.part")), 70'000u);
  cancel_ = false;
  hub_.on_file = nullptr;
  const auto again = pull();
  ASSERT_TRUE(again.ok());
  EXPECT_LT(again->fetched_bytes, hub_.files["m.Q4_K_M.gguf"].content.size() - 60'000);
}

TEST_F(PullTest, AHugeClaimedSizeIsRefusedBeforeAnythingIsFetched) {
  hub_.files["m.Q4_K_M.gguf"].lie_size = uint64_t{1} << 49;
  const auto pulled = pull();
  EXPECT_EQ(pulled.error().code, ErrorCode::kExhausted);
  EXPECT_EQ(hub_.server.heads().size(), 2u);
}

TEST_F(PullTest, PlainUrlIsFetchedAndResumedByItsEtag) {
  HubFile file{small_gguf(30'000)};
  std::atomic<int> n = 0;
  ScriptedServer any([&](const Exchange& e) {
    if (n++ == 0) return break_off(e, file, 0, 50'000);
    return hub_.send_file(e, file);
  });
  const auto pulled = pull(any.url("/dir/x.gguf?token=secret"));
  ASSERT_TRUE(pulled.ok()) << pulled.error().message;
  EXPECT_FALSE(pulled->all_published);
  EXPECT_EQ(content("x.gguf"), file.content);
  EXPECT_THAT(any.heads()[1], HasSubstr("If-Range: \"" + sha256_of(file.content)));
  EXPECT_THAT(any.heads()[0], Not(HasSubstr(kSecret)));
  EXPECT_THAT(content("overtake-pull.json"), Not(HasSubstr("secret")));
}

TEST_F(PullTest, ListingsThatMakeNoSenseAreRefused) {
  for (const char* body : {"", "[]", "{}", "null", "{\"sha\": 5}", "{\"sha\": \"../..\"}", "<html>",
                           "[[[[[[[[[[[[[[[[[[[[[[[["}) {
    hub_.on_any = [&](const Exchange& e) -> std::optional<bool> { return e.answer(200, "", body); };
    EXPECT_EQ(pull().error().code, ErrorCode::kDamaged) << body;
  }
}

TEST_F(PullTest, LongListingsArePagedOnTheHubOnly) {
  hub_.on_any = [&](const Exchange& e) -> std::optional<bool> {
    if (e.path().find("/tree/") == std::string::npos) return std::nullopt;
    if (e.path().find("cursor") != std::string::npos) return std::nullopt;
    return e.answer(200, "Link: <" + e.path() + "&cursor=2>; rel=\"next\"\r\n",
                    R"([{"type":"file","path":"a.txt","size":1,"oid":"x"}])");
  };
  ASSERT_TRUE(pull().ok());
  hub_.on_any = [&](const Exchange& e) -> std::optional<bool> {
    if (e.path().find("/tree/") == std::string::npos) return std::nullopt;
    return e.answer(200, "Link: <http://127.0.0.1:1/>; rel=\"next\"\r\n", "[]");
  };
  EXPECT_EQ(pull("hf:owner/repo", "n").error().code, ErrorCode::kDamaged);
}

}  // namespace
}  // namespace overtake
