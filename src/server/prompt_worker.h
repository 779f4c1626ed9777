// PromptWorker: the one thread on which models are asked whose prompts take long to read. The event
// loop serves everyone else meanwhile.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "engine/generator.h"

namespace overtake {

// All functions may be called from any thread. The thread begins with the first task.
class PromptWorker {
 public:
  PromptWorker() = default;
  ~PromptWorker();  // waits for the task under way; those that wait are dropped
  PromptWorker(const PromptWorker&) = delete;

  void post(std::function<void()> task);

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> tasks_;
  bool over_ = false;
  std::thread thread_;
};

struct ModelQuestion {
  size_t bytes = 0;  // of the request
  // Whether the answer is to have a form, which takes a while to understand.
  bool has_form = false;
  // Asks a model. On the loop or on the worker's thread: it must not hold anything of the loop's.
  std::function<Result<Answer>()> ask;
  // Gets what it said, on the loop; never where the loop has ended. Likewise.
  std::function<void(Result<Answer> answer)> take;
};
// On the loop. A small request is asked at once. `post` is the loop's, and may outlive it.
void ask_model(PromptWorker& worker, std::function<void(std::function<void()>)> post,
               ModelQuestion question);

}  // namespace overtake
