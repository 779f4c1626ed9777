// Whether the matrix that makes logits is the one that the configuration means: tied or its own.
#include <fmt/core.h>

#include <algorithm>

#include "cli/fidelity.h"

namespace overtake {
namespace {

void check(const FidelityRun& run) {
  const FidelitySubject& subject = run.subject;
  const StoredTensor* embedding = subject.embedding();
  const StoredTensor* head = subject.head();
  if (!embedding) return;
  if (!head) return run.ok("head", "tied: the embedding makes the logits");
  const bool equal = head->type == embedding->type && head->shape == embedding->shape &&
                     std::ranges::equal(head->data, embedding->data);
  const auto tied = subject.checkpoint->metadata().find_bool("tie_word_embeddings");
  if (!subject.is_gguf() && tied.ok() && tied->value_or(false) && !equal) {
    return run.warn(
        "head",
        fmt::format("config.json says it is tied, but {} differs from the embedding", head->name),
        "programs differ in which of the two they use: ask the model's makers");
  }
  run.ok("head", equal ? "a copy of the embedding" : "a matrix of its own");
}

}  // namespace

OVERTAKE_ENTRY(FidelityCheck, fidelity_head) = {"head", 40, check};

}  // namespace overtake
