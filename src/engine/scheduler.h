// Scheduler: one thread that runs a model over all requests at once, step by step. A step is one
// ragged batch: a row for every answer that is being written and a chunk of the prompts being read.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/embed_job.h"
#include "engine/local_model.h"
#include "engine/sequence.h"

namespace overtake {

struct SchedulerOptions {
  int64_t max_sequences = 64;       // that run at once; the rest waits in order of arrival
  int64_t max_queued = 1024;        // beyond, requests are refused
  int64_t prefill_rows = 512;       // of prompts in one step
  int64_t prefill_rows_busy = 128;  // ... while answers are being written: bounds their gap
  int64_t max_kept = 8;             // states of ended requests, for prompts that begin alike
  Speculation speculation = Speculation::kWhereFaster;
  const LocalModel* draft = nullptr;  // guesses ahead, see check_draft; must outlive the scheduler
};

// Thread-safe. Numbers never depend on what runs beside a request (see Ops).
class Scheduler {
 public:
  // `model` must outlive this. `kv_bytes` bounds the memory for attention and recurrent state, the
  // draft model's among it.
  Scheduler(const LocalModel& model, uint64_t kv_bytes, SchedulerOptions options = {});
  ~Scheduler();  // fails what has not ended

  // The longest sequence that the memory for attention state holds; recurrent state holds any.
  int64_t max_tokens() const;
  // kExhausted when too many wait.
  Status submit(std::unique_ptr<Sequence> sequence);
  // Embeddings are read beside prompts, with a share of each step's rows for them.
  Status submit(std::shared_ptr<EmbedJob> job);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace overtake
