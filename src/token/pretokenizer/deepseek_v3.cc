// DeepSeek V3 and R1: numbers in threes, Chinese and Japanese runs, then words with their marks and
// punctuation.
#include "token/pretokenizer.h"
#include "token/pretokenizer/llama3_pattern.h"
#include "token/pretokenizer/steps.h"

namespace overtake {
namespace {

constexpr std::string_view kNames[] = {"deepseek-v3"};
constexpr std::string_view kStructures[] = {
    "Split isolated regex \\p{N}{1,3}\n"
    "Split isolated regex [一-龥぀-ゟ゠-ヿ]+\n"
    "Split isolated regex [!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|"
    "[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|"
    "\\s+(?!\\S)|\\s+"};

bool in_word(CharKind kind) { return is_letter(kind) || kind == CharKind::kMark; }
bool is_sign(CharKind kind) { return kind == CharKind::kPunctuation || kind == CharKind::kSymbol; }
bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

template <typename Belongs>
size_t kind_run_end(std::string_view text, size_t at, Belongs belongs) {
  while (at < text.size()) {
    const KindChar c = kind_of(text, at);
    if (!belongs(c.kind)) break;
    at += c.length;
  }
  return at;
}

size_t numbers(std::string_view text, size_t begin) {
  if (kind_of(text, begin).kind == CharKind::kNumber) return number_end(text, begin, 3);
  return isolate_runs(text, begin, [](KindChar c) { return c.kind == CharKind::kNumber; });
}

size_t wide_runs(std::string_view text, size_t begin) {
  return isolate_runs(text, begin, [](KindChar c) {
    return (c.code >= 0x4e00 && c.code <= 0x9fa5) || (c.code >= 0x3040 && c.code <= 0x30ff);
  });
}

// The third regex at text[at]; 0: it matches nothing there.
size_t word_end(std::string_view text, size_t at) {
  const KindChar first = kind_of(text, at);
  const size_t next = at + first.length;
  const bool has_next = next < text.size();
  if (first.code < 128 && is_sign(first.kind) && has_next && is_ascii_letter(text[next])) {
    size_t end = next;
    while (end < text.size() && is_ascii_letter(text[end])) ++end;
    return end;
  }
  if (in_word(first.kind)) return kind_run_end(text, at, in_word);
  if (!is_sign(first.kind) && !is_line_end(text[at]) && has_next &&
      in_word(kind_of(text, next).kind)) {
    return kind_run_end(text, next, in_word);
  }
  const size_t sign = text[at] == ' ' ? next : at;
  if (sign < text.size() && is_sign(kind_of(text, sign).kind)) {
    size_t end = kind_run_end(text, sign, is_sign);
    while (end < text.size() && is_line_end(text[end])) ++end;
    return end;
  }
  return first.kind == CharKind::kSpace ? white_space_end(text, at) : 0;
}

// What it does not match: numbers, control characters and what no version of Unicode knows.
size_t words(std::string_view text, size_t begin) {
  if (const size_t end = word_end(text, begin)) return end;
  size_t at = begin;
  while (at < text.size()) {
    const KindChar c = kind_of(text, at);
    if (c.kind != CharKind::kOther && c.kind != CharKind::kNumber) break;
    const size_t next = at + c.length;
    // The last of them goes with the word behind it.
    if (next < text.size() && in_word(kind_of(text, next).kind)) break;
    at = next;
  }
  return at > begin ? at : begin + kind_of(text, begin).length;
}

constexpr PieceEnd* kSteps[] = {numbers, wide_runs, words};

}  // namespace

OVERTAKE_ENTRY(PreTokenizer, pretokenizer_deepseek_v3){
    .names = kNames, .structures = kStructures, .steps = kSteps};

}  // namespace overtake
