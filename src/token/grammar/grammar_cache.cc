#include "token/grammar/grammar_cache.h"

#include <algorithm>

#include "token/grammar/gbnf.h"
#include "token/grammar/json_schema.h"
#include "token/grammar/regex.h"

namespace overtake {
namespace {

constexpr size_t kMostEntries = 64;
// One that has grown beyond this is made anew for the next who asks: what an answer in progress has
// of it stays as long as the answer.
constexpr size_t kMostKeptBytes = size_t{24} << 20;

}  // namespace

Result<std::shared_ptr<const Grammar>> compile_grammar(const GrammarSource& source,
                                                       const GrammarLimits& limits) {
  GrammarBuilder builder(limits);
  using Kind = GrammarSource::Kind;
  switch (source.kind) {
    case Kind::kJsonSchema:
      return Grammar::make(builder,
                           TRY(add_json_schema(builder, source.text, {source.ignores_unheld})));
    case Kind::kRegex: {
      const RuleId rule = builder.new_rule("regular expression");
      builder.define(rule, TRY(add_regex(builder, source.text)));
      return Grammar::make(builder, rule);
    }
    case Kind::kGbnf:
      return Grammar::make(builder, TRY(add_gbnf(builder, source.text)));
    case Kind::kChoices:
      return Grammar::make(builder, TRY(add_choices(builder, source.choices)));
    case Kind::kJsonObject:
      break;
  }
  return Grammar::make(builder, add_json_object(builder));
}

GrammarCache::GrammarCache(const Tokenizer& tokenizer, std::vector<int32_t> ends, int64_t n_ids,
                           size_t max_bytes)
    : tokenizer_(tokenizer), ends_(std::move(ends)), n_ids_(n_ids), max_bytes_(max_bytes) {}

std::shared_ptr<const VocabularyTrie> GrammarCache::trie() {
  std::call_once(trie_made_, [this] {
    trie_ = std::make_shared<const VocabularyTrie>(tokenizer_, ends_, n_ids_);
  });
  return trie_;
}

Result<std::shared_ptr<GrammarMasks>> GrammarCache::get(const GrammarSource& source) {
  {
    const std::lock_guard lock(mutex_);
    const auto known = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const Entry& entry) { return entry.source == source; });
    if (known != entries_.end()) {
      if (known->masks->memory_bytes() <= kMostKeptBytes) {
        entries_.splice(entries_.begin(), entries_, known);
        return entries_.front().masks;
      }
      entries_.erase(known);
    }
  }
  auto grammar = TRY(compile_grammar(source));
  auto masks = TRY(GrammarMasks::make(std::move(grammar), trie()));
  const std::lock_guard lock(mutex_);
  entries_.push_front({source, masks});
  make_room();
  return masks;
}

void GrammarCache::make_room() {
  size_t bytes = 0, n = 0;
  for (auto at = entries_.begin(); at != entries_.end();) {
    bytes += at->masks->memory_bytes() + at->source.text.size();
    const bool fits = ++n <= kMostEntries && (n == 1 || bytes <= max_bytes_);
    at = fits ? std::next(at) : entries_.erase(at);
  }
}

}  // namespace overtake
