// A step: every punctuation character alone.
#include "token/char_class.h"
#include "token/pretokenizer.h"
#include "token/pretokenizer/scan.h"

namespace overtake {
namespace {

constexpr std::string_view kStructures[] = {"Punctuation isolated"};

size_t piece_end(std::string_view text, size_t begin) {
  const ClassedChar first = classify(text, begin);
  if (first.char_class == CharClass::kPunctuation) return begin + first.length;
  return run_end(text, begin, [](CharClass c) { return c != CharClass::kPunctuation; });
}
constexpr PieceEnd* kSteps[] = {piece_end};

}  // namespace

OVERTAKE_ENTRY(PreTokenizer, pretokenizer_punctuation_isolated){.structures = kStructures,
                                                                .steps = kSteps};

}  // namespace overtake
