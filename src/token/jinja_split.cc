// str.split, rsplit, splitlines, partition and rpartition.
#include <algorithm>

#include "token/jinja_runtime.h"
#include "token/jinja_text.h"
#include "token/jinja_unicode.h"

namespace overtake::jinja {
namespace {

Result<Value> list_of(Runtime& rt, const Value& text, const std::vector<Value>& items) {
  Value out = TRY(make_sequence(rt.heap(), SequenceKind::kList, items));
  out.sequence->trusted = text.trust == nullptr && text.trusted;
  return out;
}

size_t space_end(std::string_view text, size_t at, bool spaces) {
  while (at < text.size()) {
    const Char c = char_at(text, at);
    if (is_space(c.code) != spaces) break;
    at += c.size;
  }
  return at;
}

size_t space_begin(std::string_view text, size_t end, bool spaces) {
  while (end > 0) {
    const Char c = char_before(text, end);
    if (is_space(c.code) != spaces) break;
    end -= c.size;
  }
  return end;
}

// Pieces in order of the text; from the right they are found in reverse.
Result<std::vector<Value>> split_at_spaces(Runtime& rt, const Value& text, int64_t limit,
                                           bool from_right) {
  const std::string_view all = text.text();
  std::vector<Value> pieces;
  size_t begin = space_end(all, 0, true);
  size_t end = space_begin(all, all.size(), true);
  if (!from_right) end = all.size();
  if (from_right) begin = 0;
  while (begin < end) {
    if (!rt.budget().spend(1)) return rt.budget().error();
    if (limit-- == 0) {  // the rest is one piece, spaces within and all
      pieces.push_back(from_right ? text.part(0, end) : text.part(begin, end));
      break;
    }
    if (from_right) {
      const size_t word = space_begin(all, end, false);
      pieces.push_back(text.part(word, end));
      end = space_begin(all, word, true);
    } else {
      const size_t word_end = space_end(all, begin, false);
      pieces.push_back(text.part(begin, word_end));
      begin = space_end(all, word_end, true);
    }
  }
  return pieces;
}

Result<std::vector<Value>> split_at_text(Runtime& rt, const Value& text, const Value& separator,
                                         int64_t limit) {
  const std::string_view all = text.text();
  std::vector<Value> pieces;
  size_t begin = 0;
  for (; limit != 0; --limit) {
    if (!rt.budget().spend(1)) return rt.budget().error();
    const size_t at = find_text(all, separator.text(), begin);
    if (at == all.npos) break;
    pieces.push_back(text.part(begin, at));
    begin = at + separator.size;
  }
  pieces.push_back(text.part(begin, all.size()));
  return pieces;
}

Result<std::vector<Value>> split_at_text_from_right(Runtime& rt, const Value& text,
                                                    const Value& separator, int64_t limit) {
  const std::string_view all = text.text();
  std::vector<Value> pieces;
  size_t end = all.size();
  for (; limit != 0; --limit) {
    if (end < separator.size) break;
    // Each step looks backwards over bytes that no later step sees again, but a match is tried at
    // each of them: separators are short, and the work is paid.
    size_t at = end - separator.size;
    while (at > 0 && all.compare(at, separator.size, separator.text()) != 0) {
      --at;
      if (!rt.budget().spend(separator.size >> 6)) return rt.budget().error();
    }
    if (all.compare(at, separator.size, separator.text()) != 0) break;
    if (!rt.budget().spend(1)) return rt.budget().error();
    pieces.push_back(text.part(at + separator.size, end));
    end = at;
  }
  pieces.push_back(text.part(0, end));
  return pieces;
}

}  // namespace

Result<Value> split(Runtime& rt, const Value& text, const Value* separator, int64_t limit,
                    bool from_right) {
  if (!rt.budget().spend_bytes(text.size)) return rt.budget().error();
  if (separator != nullptr && separator->size == 0) return type_error("empty separator");
  std::vector<Value> pieces;
  if (separator == nullptr) {
    pieces = TRY(split_at_spaces(rt, text, limit, from_right));
  } else if (from_right) {
    pieces = TRY(split_at_text_from_right(rt, text, *separator, limit));
  } else {
    pieces = TRY(split_at_text(rt, text, *separator, limit));
  }
  if (from_right) std::reverse(pieces.begin(), pieces.end());
  return list_of(rt, text, pieces);
}

Result<Value> split_lines(Runtime& rt, const Value& text, bool keep_ends) {
  const std::string_view all = text.text();
  if (!rt.budget().spend(all.size() >> 4)) return rt.budget().error();
  std::vector<Value> lines;
  size_t begin = 0;
  for (size_t at = 0; at < all.size();) {
    const Char c = char_at(all, at);
    size_t next = at + c.size;
    if (is_line_break(c.code)) {
      if (c.code == '\r' && next < all.size() && all[next] == '\n') ++next;
      if (!rt.budget().spend(1)) return rt.budget().error();
      lines.push_back(text.part(begin, keep_ends ? next : at));
      begin = next;
    }
    at = next;
  }
  if (begin < all.size()) lines.push_back(text.part(begin, all.size()));
  return list_of(rt, text, lines);
}

Result<Value> partition(Runtime& rt, const Value& text, const Value& separator, bool from_right) {
  const Value pieces = TRY(split(rt, text, &separator, 1, from_right));
  Value out = TRY(make_sequence(rt.heap(), SequenceKind::kTuple, 3));
  const std::span<Value> found = pieces.sequence->all();
  Value* parts = out.sequence->items;
  if (found.size() == 2) {
    parts[0] = found[0];
    parts[1] = text.part(found[0].size, found[0].size + separator.size);
    parts[2] = found[1];
  } else {
    parts[from_right ? 2 : 0] = text;
    parts[1] = parts[from_right ? 0 : 2] = string_value({}, true);
  }
  return out;
}

}  // namespace overtake::jinja
