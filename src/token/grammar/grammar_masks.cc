#include "token/grammar/grammar_masks.h"

#include <algorithm>
#include <array>

namespace overtake {
namespace {

// Of masks that are kept; beyond, they are found anew.
constexpr size_t kMostMaskBytes = size_t{16} << 20;

}  // namespace

GrammarMasks::GrammarMasks(std::shared_ptr<const Grammar> grammar,
                           std::shared_ptr<const VocabularyTrie> trie,
                           const AutomatonLimits& limits)
    : grammar_(std::move(grammar)), trie_(std::move(trie)), automaton_(grammar_, limits) {}

Result<std::shared_ptr<GrammarMasks>> GrammarMasks::make(std::shared_ptr<const Grammar> grammar,
                                                         std::shared_ptr<const VocabularyTrie> trie,
                                                         const AutomatonLimits& limits) {
  std::shared_ptr<GrammarMasks> out(new GrammarMasks(std::move(grammar), std::move(trie), limits));
  TRY(out->automaton_.check());
  TokenMask mask;
  TRY(out->allowed(out->start(), mask));
  return out;
}

// Over all tokens in order, past those that begin with what is not allowed.
void GrammarMasks::walk(State state) {
  found_.assign(trie_->n_words(), 0);
  const auto nodes = trie_->nodes();
  std::array<State, 256> path;
  path[0] = state;
  for (uint32_t at = 0; at < nodes.size();) {
    const VocabularyTrie::Node& node = nodes[at];
    const State next = automaton_.next(path[node.depth - 1], node.byte);
    if (next == GrammarAutomaton::kDead) {
      at = node.behind;
      continue;
    }
    path[node.depth] = next;
    for (const int32_t id : trie_->ids_at(at)) {
      found_[static_cast<size_t>(id) / 64] |= uint64_t{1} << (id % 64);
    }
    ++at;
  }
  if (!automaton_.accepts(state)) return;
  for (const int32_t id : trie_->ends()) {
    found_[static_cast<size_t>(id) / 64] |= uint64_t{1} << (id % 64);
  }
}

Result<int32_t> GrammarMasks::find_mask(State state) {
  const auto place = static_cast<size_t>(state);
  if (place < mask_of_.size() && mask_of_[place] >= 0) return mask_of_[place];
  automaton_.begin_work();
  walk(state);
  TRY(automaton_.check());
  if (mask_of_.size() <= place) mask_of_.resize(place + 1, -1);
  uint64_t hash = 0;
  for (const uint64_t word : found_) hash = (hash ^ word) * 0x9e3779b97f4a7c15ull + (hash >> 31);
  std::vector<int32_t>& same = masks_by_hash_[hash];
  for (const int32_t known : same) {
    if (masks_[static_cast<size_t>(known)] == found_) return mask_of_[place] = known;
  }
  const bool any = std::any_of(found_.begin(), found_.end(), [](uint64_t word) { return word; });
  if (!any && !automaton_.accepts(state)) {
    return Error{ErrorCode::kUnsupported,
                 "the model's vocabulary has no token for what the form of the answer needs next; "
                 "the grammar of the answer; allow other characters"};
  }
  if (masks_.size() * found_.size() * sizeof(uint64_t) > kMostMaskBytes) {
    masks_.clear();
    masks_by_hash_.clear();
    mask_of_.assign(place + 1, -1);
  }
  masks_.push_back(found_);
  const int32_t mask = static_cast<int32_t>(masks_.size()) - 1;
  masks_by_hash_[hash].push_back(mask);
  return mask_of_[place] = mask;
}

Status GrammarMasks::allowed(State state, TokenMask& mask) {
  const std::lock_guard lock(mutex_);
  mask = masks_[static_cast<size_t>(TRY(find_mask(state)))];
  return {};
}

Result<GrammarMasks::State> GrammarMasks::after(State state, std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  automaton_.begin_work();
  for (const char c : bytes) state = automaton_.next(state, static_cast<uint8_t>(c));
  TRY(automaton_.check());
  return state;
}

bool GrammarMasks::accepts(State state) {
  const std::lock_guard lock(mutex_);
  return automaton_.accepts(state);
}

bool GrammarMasks::allows(State state, uint8_t byte) {
  const std::lock_guard lock(mutex_);
  return automaton_.allows(state, byte);
}

Result<GrammarMasks::Run> GrammarMasks::forced_bytes(State state, size_t most) {
  const std::lock_guard lock(mutex_);
  automaton_.begin_work();
  Run out{{}, state};
  for (int byte; out.bytes.size() < most && (byte = automaton_.only_byte(out.end)) >= 0;) {
    out.end = automaton_.next(out.end, static_cast<uint8_t>(byte));
    out.bytes += static_cast<char>(byte);
  }
  TRY(automaton_.check());
  return out;
}

size_t GrammarMasks::memory_bytes() {
  const std::lock_guard lock(mutex_);
  return automaton_.memory_bytes() + grammar_->memory_bytes() +
         masks_.size() * (trie_->n_words() * sizeof(uint64_t) + 64) +
         mask_of_.capacity() * sizeof(int32_t);
}

}  // namespace overtake
