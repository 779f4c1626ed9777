// Falcon 7B, 40B, 180B and 2-11B: runs of punctuation stand alone, GPT-2's pattern cuts what is
// between, then digits part from the rest and go in threes from the left (Hugging Face:
// Punctuation(contiguous), ByteLevel(use_regex), Digits, Split [0-9][0-9][0-9]). The Digits step
// sees bytes as characters and so also cuts beside bytes that look like superscripts and fractions;
// no token of Falcon's vocabulary spans such a border, so that changes nothing and is left out.
#include <algorithm>

#include "token/pretokenizer.h"
#include "token/pretokenizer/scan.h"

namespace overtake {
namespace {

constexpr std::string_view kNames[] = {"falcon"};
constexpr std::string_view kStructures[] = {
    "Punctuation contiguous\nByteLevel\nDigits contiguous\nSplit isolated regex [0-9][0-9][0-9]"};

bool is_punctuation(CharClass c) { return c == CharClass::kPunctuation; }
bool is_number(CharClass c) { return c == CharClass::kNumber; }
bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }

// Up to three digits, or the number characters outside ASCII up to the next digit.
size_t number_end(std::string_view text, size_t at) {
  if (!is_ascii_digit(text[at])) {
    while (at < text.size() && !is_ascii_digit(text[at])) {
      const ClassedChar c = classify(text, at);
      if (!is_number(c.char_class)) break;
      at += c.length;
    }
    return at;
  }
  const size_t limit = std::min(text.size(), at + 3);
  while (at < limit && is_ascii_digit(text[at])) ++at;
  return at;
}

size_t piece_end(std::string_view text, size_t begin) {
  const CharClass first = classify(text, begin).char_class;
  if (is_punctuation(first)) return run_end(text, begin, is_punctuation);
  if (is_number(first)) return number_end(text, begin);
  if (text[begin] == ' ' && begin + 1 < text.size() &&
      is_number(classify(text, begin + 1).char_class)) {
    return is_ascii_digit(text[begin + 1]) ? begin + 1 : number_end(text, begin + 1);
  }
  return gpt2_piece_end(text, begin, is_punctuation);
}

constexpr PieceEnd* kSteps[] = {piece_end};

}  // namespace

OVERTAKE_ENTRY(PreTokenizer, pretokenizer_falcon){
    .names = kNames, .structures = kStructures, .steps = kSteps};

}  // namespace overtake
