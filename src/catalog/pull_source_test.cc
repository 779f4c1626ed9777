#include "catalog/pull_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catalog/catalog.h"

namespace overtake {
namespace {

Result<PullSource> parse(std::string_view text, std::string_view name = "") {
  return parse_pull_source(text, name, HubSettings{.endpoint = "https://hub.example"});
}

TEST(PullSource, NamesOfTheCatalogueCarryRepositoryAndQuantization) {
  const PullSource plain = parse("llama-3.2-1b").value();
  EXPECT_EQ(plain.name, "llama-3.2-1b");
  EXPECT_EQ(plain.wish, "Q4_K_M");
  EXPECT_FALSE(plain.repo.empty() || plain.licence.empty());
  const PullSource other = parse("llama-3.2-1b:Q8_0").value();
  EXPECT_EQ(other.name, "llama-3.2-1b-q8_0");
  EXPECT_EQ(other.repo, plain.repo);
  EXPECT_EQ(parse("llama-3.2-1b:q4_k_m")->name, "llama-3.2-1b");
}

TEST(PullSource, DefaultModelKeepsTheDigestOfTheCatalogue) {
  const PullSource source = parse("").value();
  EXPECT_EQ(source.name, kDefaultModel);
  EXPECT_EQ(source.sha256, find_in_catalog(kDefaultModel)->sha256);
  EXPECT_TRUE(parse("smollm2:Q8_0")->sha256.empty());
}

TEST(PullSource, EveryNameOfTheCatalogueParses) {
  for (const CatalogEntry& entry : catalog()) {
    const Result<PullSource> source = parse(entry.name);
    ASSERT_TRUE(source.ok()) << source.error().message;
    EXPECT_EQ(source->name, entry.name);
  }
}

TEST(PullSource, RepositoriesGetANameOfTheirOwn) {
  EXPECT_EQ(parse("bartowski/Llama-3.2-1B-Instruct-GGUF")->name, "llama-3.2-1b-instruct");
  EXPECT_EQ(parse("hf:a/B-GGUF:Q6_K")->name, "b-q6_k");
  EXPECT_EQ(parse("hf:a/B-GGUF:sub/Some.Q6_K.gguf")->name, "some.q6_k");
  EXPECT_EQ(parse("hf://a/B")->repo, "a/B");
  EXPECT_EQ(parse("hf:a/b", "mine")->name, "mine");
}

TEST(PullSource, PagesOfTheHubAreRepositories) {
  EXPECT_EQ(parse("https://hub.example/a/b")->repo, "a/b");
  EXPECT_EQ(parse("https://hub.example/a/b/tree/main")->repo, "a/b");
  const PullSource file = parse("https://hub.example/a/b/blob/main/x/y.gguf?download=true").value();
  EXPECT_EQ(file.repo, "a/b");
  EXPECT_EQ(file.wish, "x/y.gguf");
}

TEST(PullSource, OtherServersGiveGgufFilesOverTls) {
  const PullSource source = parse("https://any.example/dir/Some-Q4.gguf?sig=1").value();
  EXPECT_TRUE(source.repo.empty());
  EXPECT_EQ(source.name, "some-q4");
  for (const char* bad :
       {"http://any.example/x.gguf", "https://any.example/x.txt", "https://any.example/",
        "https://any.example/x.bin", "file:///x.gguf", "https://u:p@any.example/x.gguf"}) {
    EXPECT_FALSE(parse(bad).ok()) << bad;
  }
}

TEST(PullSource, WhatIsNoModelIsRefused) {
  for (const char* bad : {"nonsense", "a/b/c", "../a", "a/..", "/etc/passwd", "hf:", "hf:a",
                          "a b/c", "a/b\n", ":x", "-x", "hf:-a/b", "a\\b", "./x"}) {
    EXPECT_FALSE(parse(bad).ok()) << bad;
  }
  for (const char* name : {"../x", "A", "a/b", ".x", "-x"}) {
    EXPECT_FALSE(parse("hf:a/b", name).ok()) << name;
  }
}

TEST(PullSource, NearMissesAreSuggested) {
  EXPECT_THAT(parse("llama3.2-1B").error().message, testing::HasSubstr("llama-3.2-1b"));
  EXPECT_THAT(parse("falcon3").error().message, testing::HasSubstr("falcon3-7b"));
}

}  // namespace
}  // namespace overtake
