// Whether every tensor is there in the shape that the metadata ask for, and the vocabulary fits it.
#include <fmt/core.h>

#include "cli/fidelity.h"

namespace overtake {
namespace {

void check_embedding(const FidelityRun& run) {
  const FidelitySubject& subject = run.subject;
  const StoredTensor* table = subject.embedding();
  if (!subject.tokenizer || !table) return;
  const int64_t rows = table->n_rows();
  const int64_t tokens = subject.tokenizer->size();
  if (rows < tokens) {
    return run.fault("embedding",
                     fmt::format("{} tokens, but only {} rows of embedding", tokens, rows),
                     "vocabulary and weights are of two models: get both from one source");
  }
  run.ok("embedding", rows == tokens ? fmt::format("a row for each of {} tokens", tokens)
                                     : fmt::format("{} tokens, {} rows: {} are padding", tokens,
                                                   rows, rows - tokens));
}

void check(const FidelityRun& run) {
  const FidelitySubject& subject = run.subject;
  if (subject.checkpoint->tensors().empty()) {
    return run.warn("shapes", "no tensors: a vocabulary alone", "to run a model, get its weights");
  }
  if (subject.info->ok()) {
    const ModelInfo& info = **subject.info;
    run.ok("shapes", fmt::format("{} tensors fit the metadata: {} layers, {} wide",
                                 subject.checkpoint->tensors().size(), info.n_layers, info.width));
  } else {
    run.fault("shapes", subject.info->error().message,
              "get the file again; if it stays so, its conversion was faulty");
  }
  check_embedding(run);
}

}  // namespace

OVERTAKE_ENTRY(FidelityCheck, fidelity_shapes) = {"shapes", 20, check};

}  // namespace overtake
