// GrammarMasks: which tokens of a vocabulary a grammar allows, place by place. Everything that is
// found is kept for the next answer in the same form.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "token/grammar/grammar_automaton.h"
#include "token/grammar/vocabulary_trie.h"

namespace overtake {

// Bit `id` of the words is set where the token may come next.
using TokenMask = std::vector<uint64_t>;

// Thread-safe.
class GrammarMasks {
 public:
  using State = GrammarAutomaton::State;

  // kInvalidArgument where the grammar can not even begin within the limits.
  static Result<std::shared_ptr<GrammarMasks>> make(std::shared_ptr<const Grammar> grammar,
                                                    std::shared_ptr<const VocabularyTrie> trie,
                                                    const AutomatonLimits& limits = {});

  State start() const { return automaton_.start(); }
  const VocabularyTrie& trie() const { return *trie_; }

  // Sets `mask` to the tokens that may come after `state`, those that end the answer among them
  // where it may end. kInvalidArgument where a limit is passed; kUnsupported where nothing may come
  // because the vocabulary can not spell what has to.
  Status allowed(State state, TokenMask& mask);
  // The state after more bytes; GrammarAutomaton::kDead where they are not allowed.
  Result<State> after(State state, std::string_view bytes);
  bool accepts(State state);

  // Bytes that have to come next because nothing else may, at most `most`.
  struct Run {
    std::string bytes;
    State end;
  };
  Result<Run> forced_bytes(State state, size_t most);
  // Whether the text may go on with `byte`.
  bool allows(State state, uint8_t byte);

  size_t memory_bytes();

 private:
  GrammarMasks(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const VocabularyTrie> trie,
               const AutomatonLimits& limits);
  void walk(State state);
  Result<int32_t> find_mask(State state);

  std::shared_ptr<const Grammar> grammar_;
  std::shared_ptr<const VocabularyTrie> trie_;
  std::mutex mutex_;
  GrammarAutomaton automaton_;    // guarded, but for start()
  std::vector<TokenMask> masks_;  // guarded, like the rest
  std::vector<int32_t> mask_of_;  // of a state; -1: not known
  std::unordered_map<uint64_t, std::vector<int32_t>> masks_by_hash_;
  TokenMask found_;
};

}  // namespace overtake
