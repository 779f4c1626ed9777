// SmolLM, SmolLM2 and StarCoder: every number character stands alone, then GPT-2's pattern on what
// is between (Hugging Face: Digits(individual_digits), ByteLevel(use_regex)).
#include "token/pretokenizer.h"
#include "token/pretokenizer/scan.h"

namespace overtake {
namespace {

constexpr std::string_view kNames[] = {"smollm", "starcoder", "refact", "codeshell"};
constexpr std::string_view kStructures[] = {"Digits individual\nByteLevel"};

bool is_number(CharClass c) { return c == CharClass::kNumber; }

size_t piece_end(std::string_view text, size_t begin) {
  const ClassedChar first = classify(text, begin);
  if (is_number(first.char_class)) return begin + first.length;
  return gpt2_piece_end(text, begin, is_number);
}

constexpr PieceEnd* kSteps[] = {piece_end};

}  // namespace

OVERTAKE_ENTRY(PreTokenizer, pretokenizer_smollm){
    .names = kNames, .structures = kStructures, .steps = kSteps};

}  // namespace overtake
