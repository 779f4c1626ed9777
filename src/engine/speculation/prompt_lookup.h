// PromptLookup: guesses how a text goes on from where its last tokens stood before: in the prompt,
// in the answer so far, or in a text that the client expects (prompt lookup decoding, Saxena 2023).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace overtake {

// O(1) a token in time, 12 to 20 bytes a token in memory.
class PromptLookup {
 public:
  // `expected` is read before the text; where it is not empty, the first guess after begin() is
  // that the answer is that text.
  explicit PromptLookup(std::span<const int32_t> expected = {});
  // The text up to where guesses begin.
  void begin(std::span<const int32_t> prompt);

  // What the guess before a token was worth: how many tokens had agreed with its source, and
  // whether this one did.
  struct Outcome {
    int length;
    bool right;
  };
  // The text goes on with `id`; nullopt if there was no guess.
  std::optional<Outcome> push(int32_t id);

  // Tokens up to the text's end that agree with the source of the guess; 0: it is only where a
  // text goes on that has just parted from its source. Nullopt: no guess.
  std::optional<int> length() const;
  // At most `n` tokens that may come next are appended to `out`.
  void propose(size_t n, std::vector<int32_t>& out) const;

 private:
  static constexpr int64_t kNone = -1;
  void add(int32_t id);
  void grow();
  size_t slot(int64_t position) const;  // of the two tokens that end at `position`
  int agreement(int64_t position) const;
  void search();

  std::vector<int32_t> text_;
  // Positions with the same slot, newest first: heads by slot, then from each to the one before.
  std::vector<int32_t> heads_;
  std::vector<int32_t> earlier_;
  int64_t source_ = kNone;  // where the guess stands in the text
  int length_ = 0;
};

}  // namespace overtake
