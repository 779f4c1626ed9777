// A Generator whose answers do what a test says: how many tokens, how fast, how they fail.
#pragma once

#include <atomic>
#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/generator.h"

namespace overtake::testing {

struct Script {
  int64_t n_tokens = 1'000'000'000;
  int64_t tokens_per_step = 1;
  std::optional<Error> refuse;  // from generate()
  std::optional<Error> fail;    // after n_tokens
  bool silent = false;          // no event before the end, not even `started`
  std::vector<Event> first;     // what comes before the tokens: reasoning, tool calls
  FinishedEvent finished = {};
};

// One thread steps all answers once a millisecond, as an engine's batch does. The script of a
// request is found by its workload; the default one serves all others.
class ScriptedGenerator : public Generator {
 public:
  ScriptedGenerator() {
    info_.name = "scripted";
    info_.owned_by = "test";
    info_.features = kLocalFeatures;
    info_.context_length = 1'000'000'000;
    thread_ = std::thread([this] { run(); });
  }
  ~ScriptedGenerator() override {
    stop_ = true;
    thread_.join();
  }

  void set(const std::string& workload, Script script) {
    const std::lock_guard lock(mutex_);
    scripts_[workload] = std::move(script);
  }
  // Before the server runs.
  void set_features(FeatureSet features) { info_.features = features; }
  int live() const { return live_; }
  int64_t tokens_made() const { return tokens_; }
  // When the answer of this workload was seen to be cancelled (steady clock, ms).
  std::optional<int64_t> cancelled_at_ms(const std::string& workload) const {
    const std::lock_guard lock(mutex_);
    const auto at = cancelled_.find(workload);
    return at == cancelled_.end() ? std::nullopt : std::optional(at->second);
  }
  bool saw(const std::string& workload) const {
    const std::lock_guard lock(mutex_);
    return seen_.contains(workload);
  }

  const GeneratorInfo& info() const override { return info_; }
  Result<Answer> generate(GenerateRequest request) override {
    const std::lock_guard lock(mutex_);
    const auto found = scripts_.find(request.workload);
    const Script script = found == scripts_.end() ? scripts_[""] : found->second;
    seen_[request.workload] = true;
    if (script.refuse) return *script.refuse;
    auto stream = std::make_shared<AnswerStream>();
    if (!script.silent) stream->push(StartedEvent{info_.name, 1, {}});
    for (const Event& event : script.first) stream->push(event);
    work_.push_back({stream, script, request.workload, 0});
    ++live_;
    return Answer(std::move(stream));
  }

 private:
  struct Work {
    std::shared_ptr<AnswerStream> stream;
    Script script;
    std::string workload;
    int64_t done;
  };

  void run() {
    while (!stop_) {
      {
        const std::lock_guard lock(mutex_);
        for (auto work = work_.begin(); work != work_.end();) {
          work = step(*work) ? std::next(work) : (--live_, work_.erase(work));
        }
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  // Whether there is more to do.
  bool step(Work& work) {
    if (work.stream->cancelled()) {
      cancelled_[work.workload] = std::chrono::duration_cast<std::chrono::milliseconds>(
                                      std::chrono::steady_clock::now().time_since_epoch())
                                      .count();
      work.stream->push(FinishedEvent{FinishReason::kCancelled, ""});
      return false;
    }
    for (int64_t i = 0; i < work.script.tokens_per_step && work.done < work.script.n_tokens; ++i) {
      if (!work.script.silent) work.stream->push(TextEvent{" " + std::to_string(work.done), {}});
      ++work.done;
      ++tokens_;
    }
    if (work.done < work.script.n_tokens) return true;
    if (work.script.fail) {
      work.stream->push(FailedEvent{*work.script.fail, false});
      return false;
    }
    UsageEvent usage;
    usage.prompt_tokens = 1;
    usage.completion_tokens = work.done;
    work.stream->push(usage);
    work.stream->push(work.script.finished);
    return false;
  }

  GeneratorInfo info_;
  mutable std::mutex mutex_;
  std::map<std::string, Script> scripts_;
  std::map<std::string, bool> seen_;
  std::map<std::string, int64_t> cancelled_;
  std::list<Work> work_;
  std::atomic<int> live_ = 0;
  std::atomic<int64_t> tokens_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace overtake::testing
