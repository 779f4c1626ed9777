// EmbedReads: the scheduler's work on embeddings. Their inputs are read like prompts, in the same
// batches, but a few at a time: a long list of them holds nobody up.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/result.h"
#include "engine/embed_job.h"
#include "tensor/batch.h"
#include "tensor/sequence_state.h"

namespace overtake {

// A batch while it is put together.
struct BatchRows {
  std::vector<int32_t>& ids;
  std::vector<int64_t>& positions;
  std::vector<Segment>& segments;
};

// submit(): any thread; all else is the scheduler's thread's.
class EmbedReads {
 public:
  EmbedReads(int64_t width, int64_t max_queued) : width_(width), max_queued_(max_queued) {}

  // kExhausted when too many jobs wait.
  Status submit(std::shared_ptr<EmbedJob> job);
  bool any() const;  // whether there is work

  // ---- once a step, in this order
  // Drops what has ended otherwise, and grants the step its share of reading texts.
  void begin_step(int64_t now_us);
  // When the job came whose input is next; makes tokens of that input. Nothing where none waits or
  // enough are being read.
  std::optional<int64_t> next_arrival();
  // Of the next input, after next_arrival() said there is one.
  int64_t next_length() const { return static_cast<int64_t>(next_->tokens.ids.size()); }
  void begin_next(SequenceState state, int64_t now_us);
  int64_t n_active() const { return static_cast<int64_t>(active_.size()); }
  // Of attention's state, that what is being read may come to hold.
  int64_t pages_promised() const;
  // At most `budget` rows, in order of arrival.
  void add_rows(int64_t budget, BatchRows rows);
  // After the forward pass: what was read is read.
  void take_results(int64_t now_us);

  // Ends everything.
  void fail_all(const Error& error);

 private:
  struct Read {
    std::shared_ptr<EmbedJob> job;
    int64_t index = 0;
    EmbedTokens tokens;
    std::optional<SequenceState> state;
    std::vector<double> sum;   // of the last hidden states so far, [width]
    int64_t rows_in_step = 0;  // of the batch under way
  };

  const int64_t width_;
  const int64_t max_queued_;
  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<EmbedJob>> queue_;  // guarded; the first may be begun

  std::list<Read> active_;  // a list: the batch points into its sums
  std::optional<Read> next_;
  int64_t n_begun_ = 0;      // inputs of the first job that are begun, next_ among them
  int64_t text_budget_ = 0;  // bytes to make tokens of in this step
};

}  // namespace overtake
