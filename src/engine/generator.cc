#include "engine/generator.h"

#include <fmt/core.h>

#include <chrono>

namespace overtake {

std::string_view role_name(Role role) {
  switch (role) {
    case Role::kSystem:
      return "system";
    case Role::kDeveloper:
      return "developer";
    case Role::kUser:
      return "user";
    case Role::kAssistant:
      return "assistant";
    case Role::kTool:
      return "tool";
  }
  return "user";
}

std::string Message::text() const {
  std::string out;
  for (const ContentPart& part : content) {
    if (const auto* text = std::get_if<TextPart>(&part)) out += text->text;
  }
  return out;
}

std::vector<const ToolCall*> Message::tool_calls() const {
  std::vector<const ToolCall*> out;
  for (const ContentPart& part : content) {
    if (const auto* call = std::get_if<ToolCall>(&part)) out.push_back(call);
  }
  return out;
}

bool is_last(const Event& event) {
  return std::holds_alternative<FinishedEvent>(event) || std::holds_alternative<FailedEvent>(event);
}

namespace {

// A reader that is a little late still sees the events as they were made.
constexpr size_t kMaxSeparateEvents = 64;

size_t size_of(const Event& event) {
  size_t bytes = sizeof(Event);
  if (const auto* text = std::get_if<TextEvent>(&event)) {
    bytes += text->text.size() + text->signature.size();
    for (const TokenLogprob& entry : text->logprobs) {
      bytes += sizeof(entry) + entry.top.size() * sizeof(entry.top[0]);
    }
  } else if (const auto* thought = std::get_if<ReasoningEvent>(&event)) {
    bytes += thought->text.size() + thought->signature.size() + thought->encrypted.size();
  } else if (const auto* refusal = std::get_if<RefusalEvent>(&event)) {
    bytes += refusal->text.size();
  } else if (const auto* tool = std::get_if<ToolEvent>(&event)) {
    bytes += tool->arguments.size() + tool->signature.size();
  } else if (const auto* citation = std::get_if<CitationEvent>(&event)) {
    bytes += citation->url.size() + citation->title.size() + citation->quote.size() +
             citation->native.size();
  } else if (const auto* vendors = std::get_if<VendorEvent>(&event)) {
    bytes += vendors->json.size();
  } else if (const auto* embedding = std::get_if<EmbeddingEvent>(&event)) {
    bytes += embedding->values.size() * sizeof(float);
  }
  return bytes;
}

// Joins `next` to the end of `last` where both are text, so that a slow reader holds one event.
bool join(Event& last, Event& next) {
  if (auto* text = std::get_if<TextEvent>(&last)) {
    auto* more = std::get_if<TextEvent>(&next);
    if (more && text->signature.empty() && !more->begins_part) {
      text->text += more->text;
      text->signature = std::move(more->signature);
      for (auto& entry : more->logprobs) text->logprobs.push_back(std::move(entry));
      return true;
    }
  }
  if (auto* text = std::get_if<ReasoningEvent>(&last)) {
    auto* more = std::get_if<ReasoningEvent>(&next);
    const bool is_whole = !text->signature.empty() || !text->encrypted.empty();
    const bool same = more && text->id == more->id &&
                      (more->text.empty() || text->is_summary == more->is_summary);
    if (same && !is_whole && !more->begins_part) {
      text->text += more->text;
      text->signature = std::move(more->signature);
      text->encrypted = std::move(more->encrypted);
      return true;
    }
  }
  if (auto* tool = std::get_if<ToolEvent>(&last)) {
    auto* more = std::get_if<ToolEvent>(&next);
    if (more && more->index == tool->index && more->signature.empty()) {
      tool->arguments += more->arguments;
      return true;
    }
  }
  return false;
}

}  // namespace

void AnswerStream::push(Event event) {
  const std::lock_guard lock(mutex_);
  const size_t bytes = size_of(event);
  if (!events_.empty()) {
    const bool joined = events_.size() >= kMaxSeparateEvents && join(events_.back(), event);
    if (!joined) events_.push_back(std::move(event));
    // What is joined needs no event of its own: never count more than pop() takes away.
    pending_bytes_ += joined ? bytes - sizeof(Event) : bytes;
    return;
  }
  events_.push_back(std::move(event));
  pending_bytes_ += bytes;
  ready_.notify_one();
  if (wake_) wake_();
}

Event AnswerStream::pop() {
  Event event = std::move(events_.front());
  events_.pop_front();
  pending_bytes_ -= size_of(event);
  return event;
}

std::optional<Event> AnswerStream::try_next() {
  const std::lock_guard lock(mutex_);
  if (events_.empty()) return std::nullopt;
  return pop();
}

Event AnswerStream::next() {
  std::unique_lock lock(mutex_);
  ready_.wait(lock, [&] { return !events_.empty(); });
  return pop();
}

std::optional<Event> AnswerStream::next_for(int64_t timeout_us) {
  std::unique_lock lock(mutex_);
  const bool there = ready_.wait_for(lock, std::chrono::microseconds(timeout_us),
                                     [&] { return !events_.empty(); });
  if (!there) return std::nullopt;
  return pop();
}

void AnswerStream::on_ready(std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
  if (wake_ && !events_.empty()) wake_();
}

Result<Answer> Generator::count_tokens(GenerateRequest) {
  return Error{ErrorCode::kUnsupported,
               fmt::format("the model \"{}\" can not count the tokens of a prompt; request; read "
                           "the usage of an answer instead",
                           info().name)};
}

Result<Answer> Generator::embed(EmbedRequest) {
  return Error{ErrorCode::kUnsupported,
               fmt::format("the model \"{}\" gives no embeddings; request; ask a model that does",
                           info().name)};
}

Answer counted(int64_t prompt_tokens) {
  auto stream = std::make_shared<AnswerStream>();
  UsageEvent usage;
  usage.prompt_tokens = prompt_tokens;
  stream->push(usage);
  stream->push(FinishedEvent{});
  return Answer(std::move(stream));
}

}  // namespace overtake
