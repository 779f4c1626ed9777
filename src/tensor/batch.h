// Batch: one step of the model over any number of sequences of any length. Batch 1 is a case of it.
#pragma once

#include <cstdint>
#include <span>

#include "tensor/sequence_state.h"

namespace overtake {

// Which arithmetic a segment's layers use. A device may read prompts by faster means than it
// decodes by (AMX: bf16 products), so the choice is the request's and never the number of rows:
// prompts are kPrefill whatever their chunks; new tokens, and drafts that are verified, kDecode.
enum class Phase { kDecode, kPrefill };

// The rows of one sequence in a batch: its next `n_rows` tokens after those in `state`.
struct Segment {
  SequenceState* state;  // with n_rows reserved
  int64_t first_row;     // in the batch
  int64_t n_rows;
  // The length that length-dependent rope scaling assumes: at least the last position + 1. Giving
  // a prompt's whole length makes its chunks agree with one pass over it.
  int64_t rope_span;
  Phase phase = Phase::kDecode;
  // Where the sum of these rows' last hidden states goes, [width], for embeddings; null: none.
  double* pooled = nullptr;
};

struct Batch {
  std::span<const int32_t> ids;         // [n_tokens]
  std::span<const int64_t> positions;   // [n_tokens]: of each row in its sequence
  std::span<const Segment> segments;    // cover all rows, in order
  std::span<const int32_t> logit_rows;  // rows whose logits are wanted, ascending

  int64_t n_tokens() const { return static_cast<int64_t>(ids.size()); }
};

}  // namespace overtake
