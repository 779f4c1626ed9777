#include "cli/known_vocabularies.h"

#include <charconv>

#include "catalog/digest.h"

namespace overtake {
namespace {

uint64_t first_64_bits(Digest& digest) {
  const std::string hex = digest.finish();
  uint64_t value = 0;
  std::from_chars(hex.data(), hex.data() + 16, value, 16);
  return value;
}

void add(Digest& digest, std::string_view word) {
  const auto n = static_cast<uint32_t>(word.size());
  char size[4];
  for (int i = 0; i < 4; ++i) size[i] = static_cast<char>(n >> (8 * i));
  digest.update({size, 4});
  digest.update(word);
}

}  // namespace

VocabularyDigest vocabulary_digest(std::span<const std::string> tokens, size_t n_tokens) {
  VocabularyDigest out{};
  n_tokens = std::min(n_tokens, tokens.size());
  for (size_t part = 0; part < kVocabularyParts; ++part) {
    Digest digest(Digest::Kind::kSha256);
    const size_t begin = part * n_tokens / kVocabularyParts;
    const size_t end = (part + 1) * n_tokens / kVocabularyParts;
    for (size_t i = begin; i < end; ++i) add(digest, tokens[i]);
    out[part] = first_64_bits(digest);
  }
  return out;
}

uint64_t merges_digest(const std::vector<std::string>* merges) {
  if (!merges || merges->empty()) return 0;
  Digest digest(Digest::Kind::kSha256);
  for (const std::string& merge : *merges) add(digest, merge);
  return first_64_bits(digest);
}

VocabularyMatch match_vocabulary(std::span<const std::string> tokens) {
  VocabularyMatch best;
  for (const KnownVocabulary& known : known_vocabularies()) {
    if (tokens.size() < known.n_tokens) continue;
    const VocabularyDigest digest = vocabulary_digest(tokens, known.n_tokens);
    VocabularyMatch match{&known};
    for (int part = 0; part < kVocabularyParts; ++part) {
      if (digest[part] == known.digest[part]) {
        ++match.n_equal_parts;
      } else if (match.first_different_part < 0) {
        match.first_different_part = part;
      }
    }
    if (match.n_equal_parts >= kVocabularyParts / 2 && match.n_equal_parts > best.n_equal_parts) {
      best = match;
    }
  }
  return best;
}

}  // namespace overtake
