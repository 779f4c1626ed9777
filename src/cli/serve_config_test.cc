#include "cli/serve_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace overtake {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ServeConfig, ReadsItsSettings) {
  const auto config = parse_serve_config(
      "host = \"::1\"\nport = 9000\nmodels = [\"smollm2\", \"null\"]\n", "o.toml");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config.value().host, "::1");
  EXPECT_EQ(config.value().port, 9000);
  EXPECT_THAT(config.value().models, ElementsAre("smollm2", "null"));
  EXPECT_TRUE(parse_serve_config("", "o.toml").ok());
}

TEST(ServeConfig, NamesTheLineOfWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"# x\nprot = 80\n", "\"prot\""},         {"\nport = \"80\"\n", "port: expected"},
      {"\nport = 65536\n", "port: expected"},   {"\nhost = 1\n", "host: expected"},
      {"\nmodels = [1]\n", "models: expected"}, {"\nport = = 1\n", ""},
      {"\n[server]\nport = 1\n", "\"server\""},
  };
  for (const auto& [text, expected] : cases) {
    const auto config = parse_serve_config(text, "o.toml");
    ASSERT_FALSE(config.ok()) << text;
    EXPECT_EQ(config.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(config.error().message, HasSubstr(expected)) << text;
    EXPECT_THAT(config.error().message, HasSubstr("o.toml line 2")) << text;
  }
}

}  // namespace
}  // namespace overtake
