// The fidelity receipt of `overtake doctor --model`: whether a model's file holds what its makers
// published, and whether any of the field's silent faults is in it. One check a file in
// cli/fidelity/.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/registry.h"
#include "base/result.h"
#include "catalog/store.h"
#include "cli/checkup.h"
#include "format/checkpoint.h"
#include "model/arch.h"
#include "parallel/thread_pool.h"
#include "token/tokenizer.h"

namespace overtake {

// A model, opened for examination: what could be read of it, and why the rest could not.
struct FidelitySubject {
  ResolvedModel model;
  std::unique_ptr<Checkpoint> checkpoint;
  std::optional<Result<ModelInfo>> info;  // of its loader; always set
  std::optional<Metadata> folder_text;    // see read_hf_tokenizer
  std::optional<Error> text_problem;      // why there is no tokenizer
  std::unique_ptr<Tokenizer> tokenizer;   // may be null

  // Where tokenizer.ggml.* stand.
  const Metadata& text() const { return folder_text ? *folder_text : checkpoint->metadata(); }
  bool is_gguf() const { return checkpoint->format() == CheckpointFormat::kGguf; }
  // The token that tokenizer.ggml.ROLE_token_id names, if it is one.
  std::optional<int32_t> token_of_role(std::string_view role) const;
  std::string chat_template() const;      // "" if there is none
  const StoredTensor* embedding() const;  // null if the architecture's name for it is not known
  const StoredTensor* head() const;       // likewise, or where it is tied
};

Result<FidelitySubject> open_fidelity_subject(const ResolvedModel& model);

struct FidelityRun {
  const FidelitySubject& subject;
  ThreadPool& pool;
  std::function<void(const std::string& what, uint64_t done, uint64_t total)> progress;
  std::vector<Finding>& findings;

  // Adds a finding under `name`; texts from files pass printable() on the way.
  void ok(std::string_view name, std::string text) const;
  void warn(std::string_view name, std::string text, std::string fix) const;
  void fault(std::string_view name, std::string text, std::string fix) const;
};

struct FidelityCheck {
  std::string_view name;
  int order;  // of the receipt's lines
  void (*run)(const FidelityRun& run);
};

std::span<const FidelityCheck* const> all_fidelity_checks();

// All checks on one model.
std::vector<Finding> check_fidelity(
    const FidelitySubject& subject, ThreadPool& pool,
    std::function<void(const std::string&, uint64_t, uint64_t)> progress);

}  // namespace overtake
