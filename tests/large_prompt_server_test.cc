// A model that takes long to read a prompt holds nobody else up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "served.h"

namespace overtake {
namespace {

using ::testing::HasSubstr;
using testing::post;
using testing::RawClient;

// `null`, but for prompts of more than a MiB, which it reads for as long as the test wants and
// answers with nothing.
class SlowReader : public Generator {
 public:
  SlowReader() : null_(make_null_generator()) {
    info_ = null_->info();
    info_.name = "slow";
  }
  const GeneratorInfo& info() const override { return info_; }
  Result<Answer> generate(GenerateRequest request) override {
    if (read(request.prompt)) return counted(7);
    return null_->generate(std::move(request));
  }
  Result<Answer> count_tokens(GenerateRequest request) override {
    read(request.prompt);
    return counted(7);
  }
  void wait_for_reader() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return reading_; });
  }
  void let_go() {
    const std::lock_guard lock(mutex_);
    free_ = true;
    changed_.notify_all();
  }

 private:
  // Whether it was a large one.
  bool read(const Prompt& prompt) {
    if (std::get<ChatPrompt>(prompt).messages.front().text().size() < (1 << 20)) return false;
    std::unique_lock lock(mutex_);
    reading_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return free_; });
    return true;
  }

  std::shared_ptr<Generator> null_;
  GeneratorInfo info_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool reading_ = false;
  bool free_ = false;
};

class LargePromptTest : public testing::Served {
 protected:
  void SetUp() override {
    testing::Served::SetUp();
    context_->generators.push_back(slow_);
  }
  void TearDown() override {
    slow_->let_go();
    testing::Served::TearDown();
  }
  static std::string body(size_t bytes, const std::string& more = "") {
    return R"({"model":"slow","max_tokens":1,"messages":[{"role":"user","content":")" +
           std::string(bytes, 'a') + "\"}]" + more + "}";
  }

  std::shared_ptr<SlowReader> slow_ = std::make_shared<SlowReader>();
};

TEST_F(LargePromptTest, OthersAreServedWhileItIsRead) {
  scripted_->set("", {.n_tokens = 2000});
  RawClient stream(server_->port());  // one that goes on all the while
  stream.send(post("/v1/chat/completions", R"({"stream":true,"messages":[)"
                                           R"({"role":"user","content":"hi"}]})"));
  stream.read_until("\"content\":\" 0\"");
  RawClient large(server_->port());
  large.send(post("/v1/chat/completions", body(4 << 20)));
  slow_->wait_for_reader();
  EXPECT_THAT(stream.read_until("[DONE]"), HasSubstr("\"content\":\" 1999\""));
  EXPECT_EQ(ask_post("/v1/chat/completions", body(10)).status, 200);
  slow_->let_go();
  EXPECT_THAT(large.read_until("chat.completion"), HasSubstr("200 OK"));
}

TEST_F(LargePromptTest, CountsAndResponsesInTheBackgroundHoldNobodyUpEither) {
  RawClient count(server_->port());
  count.send(post("/v1/messages/count_tokens", body(4 << 20)));
  slow_->wait_for_reader();
  RawClient background(server_->port());
  background.send(post("/v1/responses", R"({"model":"slow","background":true,"input":")" +
                                            std::string(4 << 20, 'a') + "\"}"));
  EXPECT_EQ(ask_post("/v1/chat/completions", body(10)).status, 200);
  slow_->let_go();
  EXPECT_THAT(count.read_until("}"), HasSubstr(R"({"input_tokens":7})"));
  EXPECT_THAT(background.read_until("\"queued\""), HasSubstr("200 OK"));
}

TEST_F(LargePromptTest, AClientThatLeavesIsNotAnswered) {
  {
    RawClient large(server_->port());
    large.send(post("/v1/chat/completions", body(4 << 20)));
    slow_->wait_for_reader();
    large.reset();
  }
  EXPECT_EQ(ask_post("/v1/chat/completions", body(10)).status, 200);
  slow_->let_go();
  EXPECT_EQ(ask_post("/v1/chat/completions", body(2 << 20)).status, 200);
}

}  // namespace
}  // namespace overtake
