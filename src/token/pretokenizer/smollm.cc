// SmolLM and SmolLM2: every number character stands alone, then GPT-2's pattern on what is between
// (Hugging Face: Digits(individual_digits), ByteLevel(use_regex)).
#include "token/pretokenizer.h"
#include "token/pretokenizer/scan.h"

namespace overtake {
namespace {

constexpr std::string_view kNames[] = {"smollm"};

bool is_number(CharClass c) { return c == CharClass::kNumber; }

size_t piece_end(std::string_view text, size_t begin) {
  const ClassedChar first = classify(text, begin);
  if (is_number(first.char_class)) return begin + first.length;
  return gpt2_piece_end(text, begin, is_number);
}

}  // namespace

OVERTAKE_ENTRY(PreTokenizer, pretokenizer_smollm){.names = kNames, .piece_end = piece_end};

}  // namespace overtake
