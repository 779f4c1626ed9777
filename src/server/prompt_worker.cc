#include "server/prompt_worker.h"

#include <memory>
#include <utility>

namespace overtake {
namespace {

// Tokens of as much text are made in a few milliseconds.
constexpr size_t kSmallRequestBytes = 64 << 10;

}  // namespace

PromptWorker::~PromptWorker() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  ready_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void PromptWorker::post(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  tasks_.push_back(std::move(task));
  ready_.notify_one();
}

void PromptWorker::run() {
  for (;;) {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [&] { return over_ || !tasks_.empty(); });
    if (over_) return;
    const auto task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
  }
}

void ask_model(PromptWorker& worker, std::function<void(std::function<void()>)> post,
               ModelQuestion question) {
  if (question.bytes <= kSmallRequestBytes && !question.has_form)
    return question.take(question.ask());
  worker.post([post = std::move(post), question = std::move(question)] {
    const auto answer = std::make_shared<Result<Answer>>(question.ask());
    post([answer, take = question.take] { take(std::move(*answer)); });
  });
}

}  // namespace overtake
