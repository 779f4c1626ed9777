// The vocabularies of published models, by digest: what a file's tokens are compared with.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "format/checkpoint.h"

namespace overtake {

constexpr int kVocabularyParts = 16;

// The first 64 bits of the SHA-256 of each sixteenth of a vocabulary's first `n_tokens` tokens
// (each token as its length in four bytes, little endian, and its bytes).
using VocabularyDigest = std::array<uint64_t, kVocabularyParts>;
VocabularyDigest vocabulary_digest(std::span<const std::string> tokens, size_t n_tokens);
// Of all merges as they are listed, each behind its length; 0 for none.
uint64_t merges_digest(const std::vector<std::string>* merges);

struct KnownVocabulary {
  std::string_view name;
  size_t n_tokens;  // that all models of it share: fine-tuned ones add more
  VocabularyDigest digest;
  uint64_t merges;           // 0: it has none
  std::string_view bos;      // "": none
  std::string_view ends[3];  // what eos may be
  // Of models of the architecture llama: their rope bases, and for each the context beyond which
  // positions must be scaled (0: none). Base 0: there is no such entry.
  struct Rope {
    double theta = 0;
    int64_t plain_context = 0;
  };
  std::array<Rope, 2> ropes;
};
std::span<const KnownVocabulary> known_vocabularies();

struct VocabularyMatch {
  const KnownVocabulary* known = nullptr;
  int n_equal_parts = 0;
  int first_different_part = -1;  // -1: none
};
// The known vocabulary that `tokens` begin with or nearly do (at least half its parts are equal);
// known is null if there is none.
VocabularyMatch match_vocabulary(std::span<const std::string> tokens);

}  // namespace overtake
