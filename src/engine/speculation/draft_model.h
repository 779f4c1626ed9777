// DraftModel: a small model that guesses how a larger one's answers go on (speculative decoding,
// Leviathan et al. 2022), with the memory for what it has read of each.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/local_model.h"
#include "tensor/sequence_state.h"
#include "tensor/tensor.h"

namespace overtake {

// Nothing where the ids of both vocabularies mean the same tokens, else the first that does not, in
// words. One may have more entries that only pad it.
std::optional<std::string> vocabulary_difference(const Tokenizer& target, const Tokenizer& draft);

// kInvalidArgument, naming what differs, unless the ids of both models mean the same tokens.
// kUnsupported where `draft` can not take back what it has read, or `target` not verify guesses.
Status check_draft(const LocalModel& target, const LocalModel& draft);

// Whether several tokens after the last one can be verified at once: a recurrent state can not be
// cut back to before a guess that was wrong; a rope that depends on the length would turn their
// rows otherwise.
bool verifies_guesses(const ModelInfo& info);

// One thread's.
class DraftModel {
 public:
  // `model` must outlive this. Memory for at most `max_pages` pages.
  DraftModel(const LocalModel& model, int64_t max_pages);

  const ModelInfo& info() const { return model_.model().info(); }
  StatePool& pool() { return pool_; }
  // The longest text that it can read.
  int64_t max_tokens() const { return max_tokens_; }

  // Tokens that a state has not read, and of how many of them, the last ones, logits are wanted.
  struct Part {
    SequenceState* state;  // with room reserved
    std::span<const int32_t> ids;
    int64_t n_logits;
  };
  // Reads all parts in one pass; logits [sum of n_logits, vocab], good until the next call.
  Tensor read(std::span<const Part> parts, Phase phase);

 private:
  const LocalModel& model_;
  int64_t max_tokens_;
  StatePool pool_;
  std::unique_ptr<Ops> ops_;
  std::vector<int32_t> ids_;
  std::vector<int64_t> positions_;
  std::vector<int32_t> logit_rows_;
  std::vector<Segment> segments_;
};

}  // namespace overtake
