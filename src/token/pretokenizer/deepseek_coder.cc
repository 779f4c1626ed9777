// DeepSeek Coder: line ends, words and punctuation each with one space before, Chinese and Korean
// runs, digits alone.
#include "token/pretokenizer.h"
#include "token/pretokenizer/deepseek_steps.h"

namespace overtake {
namespace {

constexpr std::string_view kNames[] = {"deepseek-coder"};
constexpr std::string_view kStructures[] = {
    "Split isolated regex [\r\n]\n"
    "Split isolated regex \\s?\\p{L}+\n"
    "Split isolated regex \\s?\\p{P}+\n"
    "Split isolated regex [一-龥ࠀ-一가-퟿]+\n"
    "Digits individual"};

size_t words(std::string_view text, size_t begin) {
  return isolate_spaced_runs(text, begin, [](KindChar c) { return is_letter(c.kind); });
}
size_t punctuation(std::string_view text, size_t begin) {
  return isolate_spaced_runs(text, begin,
                             [](KindChar c) { return c.kind == CharKind::kPunctuation; });
}
constexpr PieceEnd* kSteps[] = {deepseek::line_ends, words, punctuation, deepseek::wide_runs,
                                deepseek::single_numbers};

}  // namespace

OVERTAKE_ENTRY(PreTokenizer, pretokenizer_deepseek_coder){
    .names = kNames, .structures = kStructures, .steps = kSteps};

}  // namespace overtake
