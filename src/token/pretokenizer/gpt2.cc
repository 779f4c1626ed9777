// GPT-2's own pattern.
#include "token/pretokenizer.h"
#include "token/pretokenizer/scan.h"

namespace overtake {
namespace {

constexpr std::string_view kNames[] = {"gpt-2"};

size_t piece_end(std::string_view text, size_t begin) {
  return gpt2_piece_end(text, begin, [](CharClass) { return false; });
}

}  // namespace

OVERTAKE_ENTRY(PreTokenizer, pretokenizer_gpt2){.names = kNames, .piece_end = piece_end};

}  // namespace overtake
