// Charsmap: SentencePiece's "precompiled_charsmap", a double-array trie (Aoe 1989) from characters
// to what they are replaced by, applied as Hugging Face's tokenizers apply it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace overtake {

class Charsmap {
 public:
  // kDamaged for bytes that are no such map.
  static Result<Charsmap> parse(std::string_view bytes, std::string_view path);

  // Appends the rewritten text; false, with nothing appended, where no character changes.
  bool rewrite(std::string_view text, std::string& out) const;

 private:
  // What the shortest key that begins `text` is replaced by; null data if there is none.
  std::string_view find(std::string_view text) const;

  std::vector<uint32_t> units_;
  std::string replacements_;  // each ends in a zero byte
};

}  // namespace overtake
