#include "engine/speculation/prompt_lookup.h"

#include <algorithm>

namespace overtake {
namespace {

// No token: nothing agrees with it, and no guess goes past it.
constexpr int32_t kBorder = -1;
constexpr int kMaxCandidates = 32;
constexpr int kMaxAgreement = 32;
// A text that has followed its source this far and parts from it probably has another word there:
// the guess is that it goes on behind that word.
constexpr int kWorthResuming = 3;
constexpr size_t kFirstSlots = 1024;

}  // namespace

PromptLookup::PromptLookup(std::span<const int32_t> expected) : heads_(kFirstSlots, kNone) {
  if (expected.empty()) return;
  for (const int32_t id : expected) add(id);
  add(kBorder);
  source_ = 0;
}

void PromptLookup::begin(std::span<const int32_t> prompt) {
  text_.reserve(text_.size() + prompt.size());
  earlier_.reserve(text_.capacity());
  for (const int32_t id : prompt) add(id);
  if (source_ == kNone) search();
}

size_t PromptLookup::slot(int64_t position) const {
  const uint64_t pair = static_cast<uint64_t>(static_cast<uint32_t>(text_[position - 1])) << 32 |
                        static_cast<uint32_t>(text_[position]);
  return static_cast<size_t>((pair * 0x9e3779b97f4a7c15ull) >> 32) & (heads_.size() - 1);
}

void PromptLookup::grow() {
  heads_.assign(heads_.size() * 2, kNone);
  for (int64_t i = 1; i < static_cast<int64_t>(text_.size()); ++i) {
    int32_t& head = heads_[slot(i)];
    earlier_[i] = head;
    head = static_cast<int32_t>(i);
  }
}

void PromptLookup::add(int32_t id) {
  text_.push_back(id);
  earlier_.push_back(kNone);
  if (text_.size() > heads_.size()) return grow();
  if (text_.size() < 2) return;
  const int64_t position = static_cast<int64_t>(text_.size()) - 1;
  int32_t& head = heads_[slot(position)];
  earlier_[position] = head;
  head = static_cast<int32_t>(position);
}

// How many tokens up to `position` are the text's last ones.
int PromptLookup::agreement(int64_t position) const {
  const int64_t last = static_cast<int64_t>(text_.size()) - 1;
  const int64_t most = std::min<int64_t>(kMaxAgreement, position + 1);
  int n = 0;
  while (n < most && text_[position - n] == text_[last - n] && text_[position - n] != kBorder) ++n;
  return n;
}

// The place whose tokens agree longest with the text's end, of equal ones the newest.
void PromptLookup::search() {
  source_ = kNone;
  length_ = 1;  // two have to agree
  if (text_.size() < 2) return;
  int64_t position = earlier_.back();
  for (int i = 0; i < kMaxCandidates && position != kNone; ++i, position = earlier_[position]) {
    const int n = agreement(position);
    if (n <= length_) continue;
    length_ = n;
    source_ = position + 1;
    if (n == kMaxAgreement) break;
  }
}

std::optional<PromptLookup::Outcome> PromptLookup::push(int32_t id) {
  if (source_ == kNone) {
    add(id);
    search();
    return std::nullopt;
  }
  const Outcome out = {length_, text_[source_] == id};
  const int64_t behind = source_ + 1;
  add(id);
  if (out.right) {
    ++length_;
    source_ = behind;
  } else {
    search();
    if (source_ == kNone && out.length >= kWorthResuming) {
      source_ = behind;
      length_ = 0;
    }
  }
  if (source_ != kNone && text_[source_] == kBorder) source_ = kNone;
  return out;
}

std::optional<int> PromptLookup::length() const {
  return source_ == kNone ? std::nullopt : std::optional(length_);
}

void PromptLookup::propose(size_t n, std::vector<int32_t>& out) const {
  if (source_ == kNone) return;
  const size_t first = out.size();
  for (size_t i = 0; i < n; ++i) {
    // A source that reaches the text's end goes on in what was just proposed: a repetition.
    const size_t at = static_cast<size_t>(source_) + i;
    const int32_t id = at < text_.size() ? text_[at] : out[first + at - text_.size()];
    if (id == kBorder) return;
    out.push_back(id);
  }
}

}  // namespace overtake
