// Event: what comes back from a model while it answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"

namespace overtake {

struct TokenLogprob {
  int32_t id = 0;
  std::string bytes;
  double logprob = 0;
  struct Alternative {
    int32_t id;
    std::string bytes;
    double logprob;
  };
  std::vector<Alternative> top;  // best first
};

struct StartedEvent {
  std::string model;  // the one that answers
  int64_t prompt_tokens = 0;
  std::vector<TokenLogprob> prompt_logprobs;  // [prompt_tokens] where asked for; the first is 0
  std::string id = {};                        // a remote model's own name for this answer
};
struct TextEvent {
  std::string text;  // whole UTF-8 characters
  std::vector<TokenLogprob> logprobs;
  std::string signature = {};  // see TextPart
  // It does not go on with the text before it but begins a part of its own, as vendors have them.
  bool begins_part = false;
};
// A source that a part of the answer's text rests on. It comes after that text.
struct CitationEvent {
  std::string url;  // empty: a document of the request
  std::string title;
  std::string quote;  // of the source
  // Which part: characters (code points) of all text that the answer has.
  int64_t begin = 0;
  int64_t end = 0;
  // The same as its vendor says it, with what only its dialect knows: a JSON object's text.
  std::string native = {};
};
// What only clients of one vendor's dialect understand, as the vendor said it.
struct VendorEvent {
  enum class Kind {
    kPart,      // of the answer's content: what the vendor's own tools did, and such
    kMembers,   // of the answer, beside its content
    kNext,      // of the item of text that comes next, which is apart from the one before it
    kProgress,  // how a kPart comes about that is told later, an event of the dialect's stream
  };
  Kind kind = Kind::kPart;
  std::string dialect;  // as GenerateRequest::dialect
  std::string json;     // an object
  // The answer means nothing without it (an image): who can not pass it on must say so.
  bool is_needed = false;
};
// A signature or encrypted text belongs to the reasoning before it and ends it.
struct ReasoningEvent {
  std::string text;
  std::string signature = {};
  std::string encrypted = {};
  std::string id = {};
  bool is_summary = false;  // the text is what a vendor tells of its model's thoughts, not they
  // As TextEvent's; where a dialect has no parts of reasoning, an empty line stands between them.
  bool begins_part = false;
};
// Text in which the model declines to answer.
struct RefusalEvent {
  std::string text;
};
struct ToolEvent {
  int index = 0;
  std::string id;         // on the first event of an index only
  std::string name;       // likewise
  std::string arguments;  // a fragment
  std::string signature = {};
};
// The vector of one input of an EmbedRequest: of length 1, if the model is on this machine. They
// come in any order, each once.
struct EmbeddingEvent {
  size_t index = 0;           // of the input
  std::vector<float> values;  // [dimensions]
  bool truncated = false;     // it is of the input's beginning only: the rest did not fit
};
struct UsageEvent {
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;       // of the prompt, read from a cache
  int64_t cache_write_tokens = 0;  // of the prompt, written to one
  int64_t completion_tokens = 0;
  int64_t reasoning_tokens = 0;
  // Guesses at the answer (see engine/speculation/): those that stand in it, those that do not.
  int64_t accepted_draft_tokens = 0;
  int64_t rejected_draft_tokens = 0;
  // Those of them that a draft model guessed.
  int64_t accepted_model_guesses = 0;
  int64_t rejected_model_guesses = 0;
  int64_t queued_us = 0;
  int64_t prefill_us = 0;
  int64_t decode_us = 0;
  // Of a remote model with a known price: see engine/price.h.
  std::optional<int64_t> cost_nano_usd = {};
  std::string prices_as_of = {};  // "2026-11-24"
};
enum class FinishReason { kStop, kLength, kToolCalls, kContentFilter, kRefusal, kCancelled };
struct FinishedEvent {
  FinishReason reason = FinishReason::kStop;
  std::string stop_sequence;       // the one of request.stop that ended it, or empty
  std::string native_reason = {};  // a remote model's own word for it
};
// What a vendor said when it failed.
struct UpstreamFault {
  std::string provider;
  int status = 0;  // HTTP; 0: there was none
  std::string type;
  std::string code;
  std::optional<int64_t> retry_after_ms;
};
struct FailedEvent {
  Error error;
  bool retryable = false;
  std::optional<UpstreamFault> upstream = {};
};
// Order: started, (text | citation | reasoning | refusal | tool | vendor)*, usage, finished; or
// failed at any point. Of embeddings: started, embedding*, usage, finished, or failed. Finished and
// failed are the last.
using Event =
    std::variant<StartedEvent, TextEvent, ReasoningEvent, RefusalEvent, ToolEvent, CitationEvent,
                 VendorEvent, EmbeddingEvent, UsageEvent, FinishedEvent, FailedEvent>;
bool is_last(const Event& event);

}  // namespace overtake
