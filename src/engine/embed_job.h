// EmbedJob: one EmbedRequest while the model on this machine works on its inputs.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/generator.h"
#include "engine/local_model.h"

namespace overtake {

// An input as the model reads it.
struct EmbedTokens {
  std::vector<int32_t> ids;
  bool truncated = false;
};

// The scheduler thread's own once it is queued.
class EmbedJob {
 public:
  // `request` is checked (LocalGenerator). `context_length` bounds each input.
  EmbedJob(const LocalModel& model, EmbedRequest request, int64_t context_length);

  const std::shared_ptr<AnswerStream>& stream() const { return stream_; }
  int64_t n_inputs() const { return static_cast<int64_t>(request_.inputs.size()); }
  // Ids of input `index`. kContextLength where they are too many and must not be cut.
  Result<EmbedTokens> read(int64_t index) const;
  // About what read(index) costs, in bytes of text.
  int64_t size_of(int64_t index) const;

  // Takes what came of an input: `sum` of the last hidden states of its tokens, [width].
  void take(int64_t index, const EmbedTokens& tokens, std::span<const double> sum, int64_t now_us);
  void fail(Error error, bool retryable);
  // Ends the job if its reader left or its time is over.
  void check(int64_t now_us);
  // Whether the last event is out.
  bool over() const { return over_; }

  int64_t queued_at_us = 0, admitted_at_us = 0;

 private:
  Error too_long(int64_t index, const std::string& size) const;

  const LocalModel& model_;
  EmbedRequest request_;
  const int64_t context_length_;
  std::shared_ptr<AnswerStream> stream_;
  int64_t n_done_ = 0;
  int64_t n_tokens_ = 0;
  bool over_ = false;
};

// The mean of the rows that `sum` adds up, cut to its first `dimensions` values and made a vector
// of length 1: the number of rows does not matter to it. kInternal where it has no direction.
Result<std::vector<float>> unit_vector(std::span<const double> sum, int64_t dimensions);

}  // namespace overtake
