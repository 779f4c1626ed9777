// Whether the tokenizer can be read at all, and whose it is.
#include <fmt/core.h>

#include "cli/fidelity.h"
#include "cli/known_vocabularies.h"

namespace overtake {
namespace {

constexpr const char* kName = "tokenizer";

bool lacks_pretokenizer(const Metadata& text) {
  const auto model = text.find_string("tokenizer.ggml.model");
  const auto pre = text.find_string("tokenizer.ggml.pre");
  return model.ok() && model->value_or("") == "gpt2" && pre.ok() && !pre->has_value();
}

// What to add to known_vocabularies_table.cc to make it known.
std::string digest_text(const std::vector<std::string>& tokens) {
  uint64_t mixed = 0;
  for (const uint64_t part : vocabulary_digest(tokens, tokens.size())) mixed = mixed * 31 + part;
  return fmt::format("{:016x}", mixed);
}

void compare(const FidelityRun& run, const std::vector<std::string>& tokens) {
  const VocabularyMatch match = match_vocabulary(tokens);
  if (!match.known) {
    return run.ok(kName, fmt::format("{} tokens, none of the vocabularies known here (digest {})",
                                     tokens.size(), digest_text(tokens)));
  }
  const KnownVocabulary& known = *match.known;
  if (match.first_different_part >= 0) {
    const size_t first =
        static_cast<size_t>(match.first_different_part) * known.n_tokens / kVocabularyParts;
    return run.warn(kName,
                    fmt::format("nearly that of {}: {} of 16 parts are equal, the first difference "
                                "is at token {} or soon after",
                                known.name, match.n_equal_parts, first),
                    "fine if its makers renamed tokens; else the conversion has damaged it");
  }
  const auto merges = run.subject.text().find_strings("tokenizer.ggml.merges");
  if (known.merges != 0 && merges.ok() && merges_digest(*merges) != known.merges) {
    return run.fault(kName,
                     fmt::format("the tokens of {}, but other merges: it cuts text otherwise than "
                                 "the model was trained on",
                                 known.name),
                     "get a file that was converted from the original tokenizer");
  }
  const size_t n_more = tokens.size() - known.n_tokens;
  run.ok(kName, fmt::format("that of {}{}", known.name,
                            n_more == 0 ? "" : fmt::format(", and {} tokens more", n_more)));
}

void check(const FidelityRun& run) {
  const FidelitySubject& subject = run.subject;
  if (lacks_pretokenizer(subject.text())) {
    run.fault(
        kName,
        "the file does not say how text is cut before merging (no tokenizer.ggml.pre): it was "
        "converted by an old program, and others guess",
        "get a newer conversion, or the original folder of safetensors");
  } else if (subject.text_problem && subject.text_problem->code == ErrorCode::kNotFound) {
    run.warn(kName, "none: the model takes token ids only",
             "to chat, get a file with a tokenizer (or the folder's tokenizer.json)");
  } else if (subject.text_problem) {
    run.fault(kName, subject.text_problem->message, "get the file again, or a newer conversion");
  }
  const auto tokens = subject.text().find_strings("tokenizer.ggml.tokens");
  if (subject.tokenizer && tokens.ok() && *tokens) compare(run, **tokens);
}

}  // namespace

OVERTAKE_ENTRY(FidelityCheck, fidelity_vocabulary) = {"vocabulary", 50, check};

}  // namespace overtake
