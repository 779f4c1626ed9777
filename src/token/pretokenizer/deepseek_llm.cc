// DeepSeek LLM: line ends, words of cased scripts and punctuation each with one space before,
// white space at the end, Chinese and Korean runs, numbers.
#include "token/pretokenizer.h"
#include "token/pretokenizer/char_set.h"
#include "token/pretokenizer/deepseek_steps.h"

namespace overtake {
namespace {

// clang-format off
#define OVERTAKE_LETTERS \
  "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽ"                          \
  "ᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ί"                            \
  "ῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇ"                          \
  "Ꞌ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃"                                               
#define OVERTAKE_PUNCTUATION "!-/:-~！-／：-～‘-‟　-。"
// clang-format on

constexpr std::string_view kNames[] = {"deepseek-llm"};
#define OVERTAKE_STRUCTURE(digits)                  \
  "Split isolated regex [\r\n]\n"                   \
  "Split isolated regex \\s?[" OVERTAKE_LETTERS     \
  "]+\n"                                            \
  "Split isolated regex \\s?[" OVERTAKE_PUNCTUATION \
  "]+\n"                                            \
  "Split isolated regex \\s+$\n"                    \
  "Split isolated regex [一-龥ࠀ-一가-퟿]+\n" digits
constexpr std::string_view kStructures[] = {OVERTAKE_STRUCTURE("Digits contiguous"),
                                            OVERTAKE_STRUCTURE("Split isolated regex \\p{N}+")};

size_t words(std::string_view text, size_t begin) {
  static const CharSet set(OVERTAKE_LETTERS);
  return isolate_spaced_runs(text, begin, [](KindChar c) { return set.contains(c.code); });
}
size_t punctuation(std::string_view text, size_t begin) {
  static const CharSet set(OVERTAKE_PUNCTUATION);
  return isolate_spaced_runs(text, begin, [](KindChar c) { return set.contains(c.code); });
}
// "\s+$"; line ends stand alone by now.
size_t closing_space(std::string_view text, size_t begin) {
  size_t at = begin;
  size_t space = begin;  // where the white space that reaches to `at` begins
  while (at < text.size()) {
    const KindChar c = kind_of(text, at);
    at += c.length;
    if (c.kind != CharKind::kSpace) space = at;
  }
  return space > begin ? space : text.size();
}
constexpr PieceEnd* kSteps[] = {deepseek::line_ends, words,
                                punctuation,         closing_space,
                                deepseek::wide_runs, deepseek::number_runs};

}  // namespace

OVERTAKE_ENTRY(PreTokenizer, pretokenizer_deepseek_llm){
    .names = kNames, .structures = kStructures, .steps = kSteps};

}  // namespace overtake
