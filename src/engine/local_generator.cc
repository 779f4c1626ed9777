#include "engine/local_generator.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "engine/output_grammar.h"
#include "engine/scheduler.h"
#include "engine/speculation/draft_model.h"

namespace overtake {
namespace {

// Bytes that the system could give now without swapping; 1 GiB where it does not say.
uint64_t available_memory() {
  std::ifstream file("/proc/meminfo");
  std::string key;
  uint64_t kib = 0;
  while (file >> key >> kib) {
    if (key == "MemAvailable:") return kib * 1024;
    file.ignore(64, '\n');
  }
  return 1ull << 30;
}

// For attention state, where nobody said how much. Mapped weights seem free, and must not be driven
// out of memory by what grows beside them.
uint64_t memory_for_state(const LocalModel& model, const LocalModel* draft) {
  const uint64_t available = available_memory();
  const uint64_t mapped = model.mapped_bytes() + (draft ? draft->mapped_bytes() : 0);
  return std::max(available / 8, (available - std::min(available, mapped)) / 2);
}

class LocalGenerator : public Generator {
 public:
  LocalGenerator(std::unique_ptr<LocalModel> model, std::unique_ptr<LocalModel> draft,
                 const LocalModelOptions& options)
      : model_(std::move(model)),
        draft_(std::move(draft)),
        scheduler_(*model_,
                   options.kv_bytes ? *options.kv_bytes : memory_for_state(*model_, draft_.get()),
                   {.speculation = options.speculation, .draft = draft_.get()}) {
    if (const Tokenizer* tokenizer = model_->tokenizer()) {
      const auto ends = model_->end_tokens();
      grammars_.emplace(*tokenizer, std::vector<int32_t>(ends.begin(), ends.end()),
                        model_->model().info().vocab_size);
    }
    info_.name = options.name;
    info_.owned_by = "overtake";
    info_.features = kLocalFeatures;
    const ModelInfo& facts = model_->model().info();
    info_.context_length = std::min(facts.context_length, scheduler_.max_tokens());
    info_.architecture = facts.arch;
    info_.n_parameters = facts.n_parameters;
    info_.size_bytes = static_cast<int64_t>(facts.weight_bytes);
    speculates_ = options.speculation != Speculation::kNone && verifies_guesses(facts);
    struct stat file;
    if (::stat(model_->checkpoint().path().c_str(), &file) == 0) info_.created_s = file.st_mtime;
  }

  const GeneratorInfo& info() const override { return info_; }

  Result<Answer> generate(GenerateRequest request) override {
    TRY(check_sampling(request.sampling));
    for (const auto& [id, bias] : request.sampling.logit_bias) {
      if (id < 0 || id >= model_->model().info().vocab_size) {
        return Error{ErrorCode::kInvalidArgument,
                     fmt::format("token id {} is outside the vocabulary; logit_bias; use ids of "
                                 "this model's tokenizer",
                                 id)};
      }
    }
    TRY(check_length(request.prompt));
    std::vector<int32_t> prompt = TRY(model_->tokens_of(request.prompt));
    if (prompt.empty()) {
      return Error{ErrorCode::kInvalidArgument,
                   "the prompt is empty; prompt; give it at least one token"};
    }
    const int64_t room = info_.context_length - static_cast<int64_t>(prompt.size());
    if (room < 0 || (room == 0 && request.max_tokens.value_or(1) > 0)) {
      return too_long(fmt::format("{} tokens", prompt.size()));
    }
    const int64_t max_new = std::min(request.max_tokens.value_or(room), room);
    auto grammar = TRY(begin_grammar(request.format));
    request.sampling = model_->with_defaults(std::move(request.sampling));
    request.model = info_.name;
    const auto expected = expected_ids(request.expected_text);
    auto sequence =
        std::make_unique<Sequence>(*model_, std::move(request), std::move(prompt), max_new);
    if (grammar) sequence->hold_to(std::move(*grammar));
    if (speculates_ && max_new > 1) sequence->draft_from(expected, draft_ != nullptr);
    Answer answer(sequence->stream());
    TRY(scheduler_.submit(std::move(sequence)));
    return answer;
  }

  Result<Answer> embed(EmbedRequest request) override {
    TRY(check_embedding(request));
    request.model = info_.name;
    auto job = std::make_shared<EmbedJob>(*model_, std::move(request), info_.context_length);
    Answer answer(job->stream());
    TRY(scheduler_.submit(std::move(job)));
    return answer;
  }

  Result<Answer> count_tokens(GenerateRequest request) override {
    TRY(check_length(request.prompt));
    return counted(static_cast<int64_t>(TRY(model_->tokens_of(request.prompt)).size()));
  }

 private:
  // All but the lengths, which EmbedJob finds out when it comes to read an input.
  Status check_embedding(const EmbedRequest& request) const {
    const int64_t width = model_->model().info().width;
    if (request.dimensions && (*request.dimensions < 1 || *request.dimensions > width)) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("{} dimensions are wanted, this model's embeddings have {}; "
                               "dimensions; ask for 1 to {}",
                               *request.dimensions, width, width)};
    }
    for (size_t i = 0; i < request.inputs.size(); ++i) {
      const auto& content = request.inputs[i].content;
      const auto* ids = std::get_if<TokenPrompt>(&content);
      // Text gets its tokens later: whether the model has any for it is known now.
      if (ids) TRY(model_->tokens_of(*ids));
      if (!ids) TRY(model_->tokens_of(TextPrompt{}));
      if (ids ? ids->ids.empty() : std::get<TextPrompt>(content).text.empty()) {
        return Error{ErrorCode::kInvalidArgument,
                     fmt::format("input {} is empty; input; give it at least one token", i)};
      }
    }
    return {};
  }

  // Where the answer's form begins; nullopt for plain text.
  Result<std::optional<GrammarCursor>> begin_grammar(const OutputFormat& format) {
    const auto source = grammar_of(format);
    if (!source) return std::optional<GrammarCursor>();
    if (!grammars_) {
      return Error{ErrorCode::kUnsupported,
                   "the model has no vocabulary; the form of the answer; ask for plain text"};
    }
    auto masks = TRY(grammars_->get(*source));
    return std::optional(TRY(GrammarCursor::begin(std::move(masks), *model_->tokenizer())));
  }

  Error too_long(const std::string& size) const {
    return {ErrorCode::kContextLength,
            fmt::format("This model's maximum context length is {} tokens. However, your prompt "
                        "has {}. Please reduce the length of the prompt.",
                        info_.context_length, size)};
  }

  // Refuses what cannot fit before any work is spent on it.
  Status check_length(const Prompt& prompt) const {
    int64_t bytes = 0;
    if (const auto* text = std::get_if<TextPrompt>(&prompt)) {
      bytes = static_cast<int64_t>(text->text.size());
    } else if (const auto* chat = std::get_if<ChatPrompt>(&prompt)) {
      for (const Message& message : chat->messages) {
        bytes += static_cast<int64_t>(message.text().size());
      }
    }
    if (model_->tokenizer() && bytes > model_->max_prompt_bytes()) {
      return too_long(fmt::format("{} bytes, more than that many tokens can hold", bytes));
    }
    return {};
  }

  std::vector<int32_t> expected_ids(const std::string& text) const {
    const bool fits = static_cast<int64_t>(text.size()) <= model_->max_prompt_bytes();
    if (!speculates_ || !model_->tokenizer() || !fits) return {};
    return model_->tokenizer()->encode_user(text);
  }

  std::unique_ptr<LocalModel> model_;
  std::unique_ptr<LocalModel> draft_;     // null: none
  std::optional<GrammarCache> grammars_;  // none without a vocabulary
  Scheduler scheduler_;
  GeneratorInfo info_;
  bool speculates_ = false;
};

}  // namespace

Result<std::shared_ptr<Generator>> make_local_generator(const LocalModelOptions& options) {
  return make_local_generator(TRY(LocalModel::load(options)), options);
}

Result<std::shared_ptr<Generator>> make_local_generator(std::unique_ptr<LocalModel> model,
                                                        const LocalModelOptions& options) {
  std::unique_ptr<LocalModel> draft;
  if (!options.draft_path.empty() && options.speculation != Speculation::kNone) {
    draft = TRY(LocalModel::load({.path = options.draft_path,
                                  .deterministic = options.deterministic,
                                  .pool = model->shared_pool(),
                                  .kv_type = options.kv_type,
                                  .packed = options.packed}));
    TRY(check_draft(*model, *draft));
  }
  return std::shared_ptr<Generator>(
      std::make_shared<LocalGenerator>(std::move(model), std::move(draft), options));
}

}  // namespace overtake
