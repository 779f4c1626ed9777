#include "token/utf8.h"

#include "token/tokenizer.h"

namespace overtake {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// The range of the second byte that makes a sequence neither overlong, a surrogate nor past
// U+10FFFF (RFC 3629, section 4).
struct ByteRange {
  unsigned char low = 0x80;
  unsigned char high = 0xbf;
};

ByteRange second_byte_range(unsigned char lead) {
  switch (lead) {
    case 0xe0:
      return {0xa0, 0xbf};
    case 0xed:
      return {0x80, 0x9f};
    case 0xf0:
      return {0x90, 0xbf};
    case 0xf4:
      return {0x80, 0x8f};
    default:
      return {};
  }
}

}  // namespace

Utf8Char decode_utf8(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {Utf8Char::Kind::kValid, 1, lead};
  if (lead < 0xc2 || lead > 0xf4) return {Utf8Char::Kind::kInvalid, 1, 0};
  const uint8_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  char32_t code = lead & (0x7f >> length);
  ByteRange range = second_byte_range(lead);
  for (uint8_t i = 1; i < length; ++i) {
    if (i == text.size()) return {Utf8Char::Kind::kIncomplete, i, 0};
    if (byte(i) < range.low || byte(i) > range.high) return {Utf8Char::Kind::kInvalid, i, 0};
    code = code << 6 | (byte(i) & 0x3f);
    range = {};
  }
  return {Utf8Char::Kind::kValid, length, code};
}

std::string Utf8Stream::push(std::string_view bytes) {
  pending_ += bytes;
  std::string_view rest = pending_;
  std::string out;
  while (!rest.empty()) {
    const Utf8Char c = decode_utf8(rest);
    if (c.kind == Utf8Char::Kind::kIncomplete) break;
    out += c.kind == Utf8Char::Kind::kValid ? rest.substr(0, c.length) : kReplacement;
    rest.remove_prefix(c.length);
  }
  pending_.erase(0, pending_.size() - rest.size());
  return out;
}

std::string Utf8Stream::finish() {
  std::string out(pending_.empty() ? std::string_view() : kReplacement);
  pending_.clear();
  return out;
}

}  // namespace overtake
