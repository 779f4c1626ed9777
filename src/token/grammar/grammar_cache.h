// GrammarCache: the forms of answers that a model was asked for, ready for the next one who asks
// for the same.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "token/grammar/grammar_masks.h"

namespace overtake {

// What an answer has to be like, as it was asked for.
struct GrammarSource {
  enum class Kind { kJsonObject, kJsonSchema, kRegex, kGbnf, kChoices };
  Kind kind = Kind::kJsonObject;
  std::string text = {};                  // but of kChoices
  std::vector<std::string> choices = {};  // of kChoices
  bool ignores_unheld = false;            // of kJsonSchema: see JsonSchemaOptions
  friend bool operator==(const GrammarSource&, const GrammarSource&) = default;
};

// Errors as the front ends have them (json_schema.h, regex.h, gbnf.h) and Grammar::make.
Result<std::shared_ptr<const Grammar>> compile_grammar(const GrammarSource& source,
                                                       const GrammarLimits& limits = {});

// Thread-safe.
class GrammarCache {
 public:
  // `tokenizer` outlives it. `ends` end an answer; the model has logits of `n_ids` tokens.
  GrammarCache(const Tokenizer& tokenizer, std::vector<int32_t> ends, int64_t n_ids,
               size_t max_bytes = size_t{128} << 20);

  // What was asked for before is at hand; errors are found anew.
  Result<std::shared_ptr<GrammarMasks>> get(const GrammarSource& source);

 private:
  struct Entry {
    GrammarSource source;
    std::shared_ptr<GrammarMasks> masks;
  };
  std::shared_ptr<const VocabularyTrie> trie();
  void make_room();

  const Tokenizer& tokenizer_;
  const std::vector<int32_t> ends_;
  const int64_t n_ids_;
  const size_t max_bytes_;
  std::once_flag trie_made_;
  std::shared_ptr<const VocabularyTrie> trie_;  // made when it is first needed
  std::mutex mutex_;
  std::list<Entry> entries_;  // the latest first
};

}  // namespace overtake
