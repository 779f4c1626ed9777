// pull from a hub that breaks off, stalls and lies: nothing but what was promised stays.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "tests/pull_hub.h"

namespace overtake {
namespace {

namespace fs = std::filesystem;
using testing::break_off;
using testing::Exchange;
using ::testing::HasSubstr;
using testing::Hub;
using testing::HubFile;
using testing::PullTest;
using testing::small_gguf;

TEST_F(PullTest, BrokenOffAnswersAreContinued) {
  std::atomic<int> n = 0;
  hub_.on_file = [&](const Exchange& e, const std::string& name) -> std::optional<bool> {
    const HubFile& file = hub_.files[name];
    if (++n > 3) return std::nullopt;
    const std::string range = e.header("Range");
    return break_off(e, file, range.empty() ? 0 : std::stoul(range.substr(6)), 40'000);
  };
  const auto pulled = pull();
  ASSERT_TRUE(pulled.ok()) << pulled.error().message << notes_;
  EXPECT_EQ(n, 4);
  EXPECT_THAT(hub_.server.heads().back(), HasSubstr("Range: bytes=120000-\r\n"));
  EXPECT_EQ(content("m.Q4_K_M.gguf"), hub_.files["m.Q4_K_M.gguf"].content);
}

TEST_F(PullTest, EndlessBreakingOffWithoutProgressIsGivenUp) {
  hub_.on_file = [&](const Exchange& e, const std::string&) -> std::optional<bool> {
    e.reset();
    return false;
  };
  const auto pulled = pull();
  ASSERT_FALSE(pulled.ok());
  EXPECT_EQ(pulled.error().code, ErrorCode::kUnavailable);
  expect_nothing_in_place();
}

TEST_F(PullTest, NextRunContinuesWhereTheLastStopped) {
  std::atomic<int> n = 0;
  hub_.on_file = [&](const Exchange& e, const std::string& name) -> std::optional<bool> {
    if (n++ > 0) e.reset();
    return n > 1 ? false : break_off(e, hub_.files[name], 0, 100'000);
  };
  ASSERT_FALSE(pull().ok());
  EXPECT_EQ(fs::file_size(path("m.Q4_K_M.gguf.part")), 100'000u);
  hub_.on_file = nullptr;
  const auto again = pull();
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->fetched_bytes, hub_.files["m.Q4_K_M.gguf"].content.size() - 100'000);
  EXPECT_EQ(content("m.Q4_K_M.gguf"), hub_.files["m.Q4_K_M.gguf"].content);
}

TEST_F(PullTest, AFileThatChangedBetweenRunsBeginsAnew) {
  std::atomic<int> n = 0;
  hub_.on_file = [&](const Exchange& e, const std::string& name) -> std::optional<bool> {
    if (n++ > 0) e.reset();
    return n > 1 ? false : break_off(e, hub_.files[name], 0, 100'000);
  };
  ASSERT_FALSE(pull().ok());
  hub_.on_file = nullptr;
  std::string changed = small_gguf(50'000);
  changed.back() ^= 1;
  changed[100] ^= 0;
  changed[changed.size() - 150'000] ^= 1;  // in what was fetched before
  hub_.files["m.Q4_K_M.gguf"].content = changed;
  ASSERT_TRUE(pull().ok());
  EXPECT_EQ(content("m.Q4_K_M.gguf"), changed);
}

TEST_F(PullTest, APartThatWasAlteredOnDiskIsNoticed) {
  std::atomic<int> n = 0;
  hub_.on_file = [&](const Exchange& e, const std::string& name) -> std::optional<bool> {
    if (n++ > 0) e.reset();
    return n > 1 ? false : break_off(e, hub_.files[name], 0, 100'000);
  };
  ASSERT_FALSE(pull().ok());
  std::fstream(path("m.Q4_K_M.gguf.part"), std::ios::in | std::ios::out).seekp(5000) << "altered";
  hub_.on_file = nullptr;
  ASSERT_TRUE(pull().ok());
  EXPECT_EQ(content("m.Q4_K_M.gguf"), hub_.files["m.Q4_K_M.gguf"].content);
}

TEST_F(PullTest, ServerWithoutRangesIsReadFromTheStart) {
  hub_.ranges = false;
  std::atomic<int> n = 0;
  hub_.on_file = [&](const Exchange& e, const std::string& name) -> std::optional<bool> {
    return n++ > 0 ? std::nullopt : std::optional(break_off(e, hub_.files[name], 0, 100'000));
  };
  ASSERT_TRUE(pull().ok());
  EXPECT_EQ(content("m.Q4_K_M.gguf"), hub_.files["m.Q4_K_M.gguf"].content);
}

TEST_F(PullTest, AnotherRangeThanAskedForIsRefused) {
  std::atomic<int> n = 0;
  hub_.on_file = [&](const Exchange& e, const std::string& name) -> std::optional<bool> {
    const HubFile& file = hub_.files[name];
    if (n++ == 0) return break_off(e, file, 0, 100'000);
    return e.answer(206,
                    fmt::format("Content-Range: bytes 50000-{}/{}\r\n", file.content.size() - 1,
                                file.content.size()),
                    file.content.substr(50'000));
  };
  EXPECT_EQ(pull().error().code, ErrorCode::kDamaged);
  expect_nothing_in_place();
}

TEST_F(PullTest, WrongDigestLeavesNothing) {
  hub_.files["m.Q4_K_M.gguf"].lie_sha256 = std::string(64, 'a');
  const auto pulled = pull();
  EXPECT_EQ(pulled.error().code, ErrorCode::kDamaged);
  EXPECT_THAT(pulled.error().message, HasSubstr("digest"));
  expect_nothing_in_place();
}

TEST_F(PullTest, WrongDigestOfASmallFileIsNoticed) {
  hub_.files.clear();
  hub_.files["m.gguf"] = {small_gguf(4), false};
  hub_.on_file = [&](const Exchange& e, const std::string& name) -> std::optional<bool> {
    std::string other = hub_.files[name].content;
    other.back() ^= 1;
    return e.answer(200, "", other);
  };
  EXPECT_THAT(pull().error().message, HasSubstr("digest"));
}

TEST_F(PullTest, WrongSizesAreRefused) {
  for (const int64_t difference : {-1000, 1000}) {
    hub_.files["m.Q4_K_M.gguf"].lie_size = hub_.files["m.Q4_K_M.gguf"].content.size() + difference;
    EXPECT_EQ(pull().error().code, ErrorCode::kDamaged);
    expect_nothing_in_place();
  }
}

TEST_F(PullTest, MoreBytesThanAnnouncedAreNotWritten) {
  hub_.on_file = [&](const Exchange& e, const std::string&) -> std::optional<bool> {
    e.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    const std::string piece(1 << 16, 'x');
    for (int i = 0; i < 1000 && e.send(piece); ++i) {
    }
    return false;
  };
  EXPECT_EQ(pull().error().code, ErrorCode::kDamaged);
  EXPECT_LE(fs::file_size(path("m.Q4_K_M.gguf.part")), hub_.files["m.Q4_K_M.gguf"].content.size());
}

TEST_F(PullTest, CompressedContentIsRefused) {
  hub_.on_file = [&](const Exchange& e, const std::string& name) -> std::optional<bool> {
    return e.answer(200, "Content-Encoding: gzip\r\n", hub_.files[name].content);
  };
  EXPECT_THAT(pull().error().message, HasSubstr("compresses"));
}

TEST_F(PullTest, StallIsNoticedAndTriedAgain) {
  std::atomic<int> n = 0;
  hub_.on_file = [&](const Exchange& e, const std::string& name) -> std::optional<bool> {
    if (n++ > 0) return std::nullopt;
    const HubFile& file = hub_.files[name];
    e.send(fmt::format("HTTP/1.1 200 X\r\nContent-Length: {}\r\nETag: {}\r\n\r\n",
                       file.content.size(), Hub::etag_of(file)));
    e.send(file.content.substr(0, 1000));
    e.sleep_ms(5000);
    return false;
  };
  ASSERT_TRUE(pull().ok());
  EXPECT_THAT(notes_, HasSubstr("again in"));
}

}  // namespace
}  // namespace overtake
