#include "token/charsmap.h"

#include <fmt/core.h>

#include <cstring>

#include "token/unicode_form.h"
#include "token/utf8.h"

namespace overtake {
namespace {

bool has_leaf(uint32_t unit) { return (unit >> 8 & 1) == 1; }
uint32_t label(uint32_t unit) { return unit & (uint32_t{1} << 31 | 0xff); }
uint32_t offset(uint32_t unit) { return (unit >> 10) << ((unit & uint32_t{1} << 9) >> 6); }
uint32_t value(uint32_t unit) { return unit & ~(uint32_t{1} << 31); }

}  // namespace

Result<Charsmap> Charsmap::parse(std::string_view bytes, std::string_view path) {
  const auto damaged = [&](std::string_view what) {
    return Error{ErrorCode::kDamaged,
                 fmt::format("the map of characters (precompiled_charsmap): {}; {}; the file is "
                             "damaged: get it again",
                             what, path)};
  };
  uint32_t trie_bytes = 0;
  if (bytes.size() < sizeof trie_bytes) return damaged("it ends within its size");
  std::memcpy(&trie_bytes, bytes.data(), sizeof trie_bytes);
  bytes.remove_prefix(sizeof trie_bytes);
  if (trie_bytes > bytes.size() || trie_bytes % 4 != 0 || trie_bytes == 0) {
    return damaged(fmt::format("a trie of {} bytes in {}", trie_bytes, bytes.size()));
  }
  Charsmap out;
  out.units_.resize(trie_bytes / 4);
  std::memcpy(out.units_.data(), bytes.data(), trie_bytes);
  out.replacements_ = bytes.substr(trie_bytes);
  return out;
}

std::string_view Charsmap::find(std::string_view text) const {
  size_t at = offset(units_[0]);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    at ^= byte;
    if (byte == 0 || at >= units_.size() || label(units_[at]) != byte) return {};
    const uint32_t unit = units_[at];
    at ^= offset(unit);
    if (!has_leaf(unit)) continue;
    if (at >= units_.size() || value(units_[at]) >= replacements_.size()) return {};
    const std::string_view rest = std::string_view(replacements_).substr(value(units_[at]));
    return rest.substr(0, rest.find('\0'));
  }
  return {};
}

bool Charsmap::rewrite(std::string_view text, std::string& out) const {
  constexpr size_t kMaxGraphemeBytes = 5;  // longer ones go character by character
  const size_t old_size = out.size();
  bool changed = false;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = grapheme_end(text, begin);
    const std::string_view grapheme = text.substr(begin, end - begin);
    begin = end;
    if (grapheme.size() <= kMaxGraphemeBytes) {
      if (const std::string_view found = find(grapheme); found.data()) {
        out += found;
        changed = true;
        continue;
      }
    }
    for (size_t at = 0; at < grapheme.size();) {
      const Utf8Char c = decode_utf8(grapheme.substr(at, 4));
      const size_t length = c.kind == Utf8Char::Kind::kValid ? c.length : 1;
      const std::string_view found = find(grapheme.substr(at, length));
      out += found.data() ? found : grapheme.substr(at, length);
      changed = changed || found.data();
      at += length;
    }
  }
  if (!changed) out.resize(old_size);
  return changed;
}

}  // namespace overtake
