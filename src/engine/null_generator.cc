#include "engine/null_generator.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace overtake {
namespace {

constexpr std::string_view kToken = " token";
constexpr int64_t kDefaultTokens = 16;
constexpr int64_t kContextLength = 131'072;
constexpr int64_t kBytesPerToken = 4;
constexpr int64_t kEmbeddingWidth = 64;
constexpr int64_t kMaxEmbeddingWidth = 8192;

class NullGenerator : public Generator {
 public:
  NullGenerator() {
    info_.name = "null";
    info_.owned_by = "overtake";
    // Fixed tokens have no form.
    info_.features =
        kLocalFeatures.without({Feature::kJson, Feature::kJsonSchema, Feature::kGrammar});
    info_.created_s = std::chrono::duration_cast<std::chrono::seconds>(
                          std::chrono::system_clock::now().time_since_epoch())
                          .count();
    info_.context_length = kContextLength;
  }

  const GeneratorInfo& info() const override { return info_; }

  Result<Answer> generate(GenerateRequest request) override {
    const int64_t prompt_tokens = length_of(request.prompt);
    if (prompt_tokens > kContextLength) {
      return too_long("the prompt", prompt_tokens);
    }
    auto stream = std::make_shared<AnswerStream>();
    StartedEvent started;
    started.model = info_.name;
    started.prompt_tokens = prompt_tokens;
    if (request.prompt_logprobs) {
      const bool ids = std::holds_alternative<TokenPrompt>(request.prompt);
      started.prompt_logprobs.assign(static_cast<size_t>(ids ? prompt_tokens : 0), token(request));
    }
    stream->push(std::move(started));
    write_answer(request, prompt_tokens, *stream);
    return Answer(std::move(stream));
  }

  Result<Answer> count_tokens(GenerateRequest request) override {
    return counted(length_of(request.prompt));
  }

  Result<Answer> embed(EmbedRequest request) override {
    const int64_t width = request.dimensions.value_or(kEmbeddingWidth);
    if (width < 1 || width > kMaxEmbeddingWidth) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("{} dimensions are wanted; dimensions; ask for 1 to {}", width,
                               kMaxEmbeddingWidth)};
    }
    auto stream = std::make_shared<AnswerStream>();
    stream->push(StartedEvent{.model = info_.name});
    UsageEvent usage;
    for (size_t i = 0; i < request.inputs.size(); ++i) {
      const auto& content = request.inputs[i].content;
      const auto* ids = std::get_if<TokenPrompt>(&content);
      const int64_t length = ids ? length_of(*ids) : length_of(std::get<TextPrompt>(content));
      if (length == 0) {
        return Error{ErrorCode::kInvalidArgument,
                     fmt::format("input {} is empty; input; give it at least one token", i)};
      }
      if (length > kContextLength && !request.truncate) {
        return too_long(fmt::format("input {}", i), length);
      }
      usage.prompt_tokens += std::min(length, kContextLength);
      const float value = 1 / std::sqrt(static_cast<float>(width));
      stream->push(EmbeddingEvent{i, std::vector<float>(static_cast<size_t>(width), value),
                                  length > kContextLength});
    }
    stream->push(usage);
    stream->push(FinishedEvent{});
    return Answer(std::move(stream));
  }

 private:
  static Error too_long(const std::string& what, int64_t n_tokens) {
    return {ErrorCode::kContextLength,
            fmt::format("{} has {} tokens, the context of \"null\" holds {}; request; shorten it",
                        what, n_tokens, kContextLength)};
  }

  static int64_t length_of(const Prompt& prompt) {
    if (const auto* ids = std::get_if<TokenPrompt>(&prompt)) {
      return static_cast<int64_t>(ids->ids.size());
    }
    size_t bytes = 0;
    if (const auto* text = std::get_if<TextPrompt>(&prompt)) bytes = text->text.size();
    if (const auto* chat = std::get_if<ChatPrompt>(&prompt)) {
      for (const Message& message : chat->messages) bytes += message.text().size();
    }
    return (static_cast<int64_t>(bytes) + kBytesPerToken - 1) / kBytesPerToken;
  }

  static TokenLogprob token(const GenerateRequest& request) {
    TokenLogprob out;
    out.bytes = kToken;
    if (request.top_logprobs > 0) out.top.push_back({0, std::string(kToken), 0.0});
    return out;
  }

  struct Ending {
    int64_t n_tokens = 0;
    size_t n_made = 0;   // bytes of these tokens
    size_t n_bytes = 0;  // of the answer's text: a stop string cuts it within a token
    std::string stop;
  };

  // The text repeats, so a stop string that it holds begins within its first token. The one that
  // is complete first ends the answer.
  static void apply_stop(const std::string& stop, Ending* ending) {
    std::string text;
    while (text.size() < stop.size() + kToken.size()) text += kToken;
    const size_t at = text.find(stop);
    const size_t end = at + stop.size();
    if (at == text.npos || end > ending->n_made) return;
    *ending = {static_cast<int64_t>((end + kToken.size() - 1) / kToken.size()), end, at, stop};
  }

  static void write_answer(const GenerateRequest& request, int64_t prompt_tokens,
                           AnswerStream& stream) {
    const int64_t room = kContextLength - prompt_tokens;
    const bool ends_itself = !request.ignore_end && !request.max_tokens;
    const int64_t wanted = ends_itself ? kDefaultTokens : request.max_tokens.value_or(room);
    Ending ending;
    ending.n_tokens = std::min(room, wanted);
    ending.n_made = ending.n_bytes = static_cast<size_t>(ending.n_tokens) * kToken.size();
    for (const std::string& stop : request.stop) apply_stop(stop, &ending);

    for (size_t done = 0; done < ending.n_bytes; done += kToken.size()) {
      TextEvent event;
      event.text = kToken.substr(0, ending.n_bytes - done);
      if (request.top_logprobs >= 0) event.logprobs.push_back(token(request));
      stream.push(std::move(event));
    }
    UsageEvent usage;
    usage.prompt_tokens = prompt_tokens;
    usage.completion_tokens = ending.n_tokens;
    stream.push(usage);
    const bool stopped = !ending.stop.empty() || (ends_itself && wanted <= room);
    stream.push(FinishedEvent{stopped ? FinishReason::kStop : FinishReason::kLength, ending.stop});
  }

  GeneratorInfo info_;
};

}  // namespace

std::shared_ptr<Generator> make_null_generator() { return std::make_shared<NullGenerator>(); }

}  // namespace overtake
