#include "cli/fidelity.h"

#include <fmt/core.h>

#include <algorithm>

#include "cli/model_summary.h"
#include "cli/terminal.h"
#include "token/hf_tokenizer.h"

namespace overtake {
namespace {

void add(const FidelityRun& run, Finding::Level level, std::string_view name, std::string text,
         std::string fix) {
  run.findings.push_back(
      {level, "model", std::string(name), printable(text, false), printable(fix, false)});
}

const StoredTensor* first_of(const Checkpoint& checkpoint,
                             std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (const StoredTensor* tensor = checkpoint.find(name)) return tensor;
  }
  return nullptr;
}

void load_text(FidelitySubject& subject) {
  if (!subject.is_gguf()) {
    Result<Metadata> read = read_hf_tokenizer(subject.checkpoint->path());
    if (!read.ok()) {
      subject.text_problem = std::move(read).error();
      return;
    }
    subject.folder_text = *std::move(read);
  }
  auto tokenizer = Tokenizer::load(subject.text(), subject.checkpoint->path());
  if (tokenizer.ok()) {
    subject.tokenizer = *std::move(tokenizer);
  } else {
    subject.text_problem = std::move(tokenizer).error();
  }
}

}  // namespace

std::optional<int32_t> FidelitySubject::token_of_role(std::string_view role) const {
  const auto id = text().find_int(fmt::format("tokenizer.ggml.{}_token_id", role));
  if (!id.ok() || !*id || !tokenizer || **id < 0 || **id >= tokenizer->size()) return std::nullopt;
  return static_cast<int32_t>(**id);
}

std::string FidelitySubject::chat_template() const {
  const auto source = text().find_string("tokenizer.chat_template");
  return source.ok() ? source->value_or("") : "";
}

const StoredTensor* FidelitySubject::embedding() const {
  return first_of(*checkpoint,
                  {"token_embd.weight", "model.embed_tokens.weight",
                   "transformer.word_embeddings.weight", "backbone.embeddings.weight"});
}

const StoredTensor* FidelitySubject::head() const {
  return first_of(*checkpoint, {"output.weight", "lm_head.weight"});
}

Result<FidelitySubject> open_fidelity_subject(const ResolvedModel& model) {
  FidelitySubject subject{.model = model, .checkpoint = TRY(open_checkpoint(model.path))};
  subject.info = verify_model(*subject.checkpoint);
  load_text(subject);
  return subject;
}

void FidelityRun::ok(std::string_view name, std::string text) const {
  add(*this, Finding::Level::kOk, name, std::move(text), "");
}
void FidelityRun::warn(std::string_view name, std::string text, std::string fix) const {
  add(*this, Finding::Level::kWarning, name, std::move(text), std::move(fix));
}
void FidelityRun::fault(std::string_view name, std::string text, std::string fix) const {
  add(*this, Finding::Level::kFailure, name, std::move(text), std::move(fix));
}

std::vector<Finding> check_fidelity(
    const FidelitySubject& subject, ThreadPool& pool,
    std::function<void(const std::string&, uint64_t, uint64_t)> progress) {
  std::vector<Finding> findings;
  std::vector<const FidelityCheck*> checks(all_fidelity_checks().begin(),
                                           all_fidelity_checks().end());
  std::ranges::sort(checks, {}, [](const FidelityCheck* check) { return check->order; });
  const FidelityRun run{subject, pool, std::move(progress), findings};
  for (const FidelityCheck* check : checks) check->run(run);
  return findings;
}

}  // namespace overtake
