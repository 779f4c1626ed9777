#include "catalog/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "catalog/catalog.h"
#include "catalog/digest.h"
#include "catalog/file_name.h"
#include "catalog/hub.h"

namespace overtake {
namespace {

namespace fs = std::filesystem;

// A store of its own in a temporary folder.
class Store : public testing::Test {
 protected:
  void SetUp() override {
    const char* temp = std::getenv("TMPDIR");
    std::string pattern = std::string(temp && *temp ? temp : "/tmp") + "/overtake_store_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    home_ = pattern;
    ::setenv("OVERTAKE_HOME", home_.c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("OVERTAKE_HOME");
    fs::remove_all(home_);
  }
  std::string put(const std::string& path) {
    const fs::path file = fs::path(home_) / path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << "x";
    return file.string();
  }
  std::string home_;
};

TEST_F(Store, HomeIsTheSettingWithoutTrailingSlash) {
  ::setenv("OVERTAKE_HOME", "/some/where///", 1);
  EXPECT_EQ(overtake_home(), "/some/where");
  ::unsetenv("OVERTAKE_HOME");
  EXPECT_THAT(overtake_home(), testing::EndsWith("/.local/share/overtake"));
}

TEST_F(Store, EmptyNameIsTheDefaultModel) {
  const std::string file = put("models/smollm2/a.gguf");
  const Result<ResolvedModel> model = resolve_model("");
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_EQ(model->name, "smollm2");
  EXPECT_EQ(model->path, file);
}

TEST_F(Store, FolderWithConfigIsASafetensorsModel) {
  put("models/mine/config.json");
  put("models/mine/model.safetensors");
  const Result<ResolvedModel> model = resolve_model("mine");
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_EQ(model->path, home_ + "/models/mine");
}

TEST_F(Store, PathsOfFilesAndFoldersResolve) {
  const std::string file = put("elsewhere/Some-Model.Q4_K.gguf");
  EXPECT_EQ(resolve_model(file)->name, "Some-Model.Q4_K");
  EXPECT_EQ(resolve_model(file)->path, file);
  EXPECT_EQ(resolve_model(home_ + "/elsewhere/")->path, file);
  EXPECT_EQ(resolve_model(home_ + "/elsewhere/")->name, "elsewhere");
}

TEST_F(Store, AbsentDefaultModelSaysHowToGetIt) {
  const Result<ResolvedModel> model = resolve_model("smollm2");
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(model.error().message, testing::HasSubstr("overtake pull smollm2"));
  EXPECT_THAT(model.error().message, testing::HasSubstr(home_));
}

TEST_F(Store, UnknownNamePointsToTheList) {
  EXPECT_THAT(resolve_model("gpt-5").error().message, testing::HasSubstr("overtake list"));
}

TEST_F(Store, SeveralFilesAreAmbiguous) {
  put("models/two/a.gguf");
  put("models/two/b.gguf");
  EXPECT_EQ(resolve_model("two").error().code, ErrorCode::kInvalidArgument);
}

TEST_F(Store, NamesCannotLeaveTheStore) {
  put("models/ok/a.gguf");
  put("secret/a.gguf");
  for (const char* name :
       {"..", ".", "../secret", "ok/../../secret", "-x", "A", "a b", "a/b", ""}) {
    EXPECT_FALSE(is_model_name(name)) << name;
  }
  for (const char* name : {"smollm2", "falcon-7b", "llama-3.1_8b"}) {
    EXPECT_TRUE(is_model_name(name)) << name;
  }
  EXPECT_FALSE(resolve_model("../secret").ok());
  EXPECT_FALSE(resolve_model(std::string_view("ok\0x", 4)).ok());
}

TEST_F(Store, ListsInstalledModelsAndSkipsTheRest) {
  put("models/b/x.gguf");
  put("models/a/config.json");
  put("models/empty/readme.txt");
  put("models/.partial/x.gguf");
  std::vector<std::string> names;
  for (const ResolvedModel& model : installed_models()) names.push_back(model.name);
  EXPECT_THAT(names, testing::ElementsAre("a", "b"));
}

TEST_F(Store, DigestIsThatOfTheFipsExample) {
  const std::string path = home_ + "/abc";
  std::ofstream(path) << "abc";
  EXPECT_EQ(*sha256_of_file(path),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_FALSE(sha256_of_file(home_ + "/absent").ok());
}

TEST(Catalog, EveryEntryIsWhole) {
  ASSERT_FALSE(catalog().empty());
  for (const CatalogEntry& entry : catalog()) {
    EXPECT_TRUE(is_model_name(entry.name)) << entry.name;
    EXPECT_EQ(find_in_catalog(entry.name), &entry);
    EXPECT_FALSE(entry.title.empty() || entry.licence.empty() || entry.family.empty());
    EXPECT_TRUE(is_repo_name(entry.repo) && is_repo_name(entry.original)) << entry.name;
    EXPECT_GT(entry.n_parameters, 100'000'000u) << entry.name;
    if (entry.file.empty()) continue;  // the hub publishes size and digest
    EXPECT_TRUE(check_file_name(entry.file).ok());
    EXPECT_GT(entry.bytes, 0u);
    EXPECT_TRUE(is_sha256(entry.sha256));
  }
  EXPECT_NE(find_in_catalog(kDefaultModel), nullptr);
}

}  // namespace
}  // namespace overtake
