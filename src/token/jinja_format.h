// What both ways of formatting share: a placeholder's specification, and values printed by it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "token/jinja_print.h"
#include "token/jinja_value.h"

namespace overtake::jinja {

class Runtime;

struct FormatSpec {
  std::string fill = " ";
  char align = 0;  // < > ^ =, or 0 for the type's own
  char sign = '-';
  bool alternate = false;
  bool comma = false;
  int64_t width = 0;
  int64_t precision = -1;
  char type = 0;
};

// Reads the parts of a format from left to right.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool done() const { return at_ >= text_.size(); }
  char peek() const { return done() ? '\0' : text_[at_]; }
  char take() { return done() ? '\0' : text_[at_++]; }
  bool skip(char c) { return peek() == c && !done() ? (++at_, true) : false; }
  size_t at() const { return at_; }
  std::string_view until(char end) {
    const size_t found = std::min(text_.find(end, at_), text_.size());
    const std::string_view out = text_.substr(at_, found - at_);
    at_ = std::min(found + 1, text_.size());
    return out;
  }
  int64_t number() {
    int64_t n = 0;
    while (peek() >= '0' && peek() <= '9')
      n = std::min<int64_t>(n * 10 + (take() - '0'), INT32_MAX);
    return n;
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

Error bad_format(std::string_view what);
// Width and precision are bounded: a format must not be able to ask for gigabytes.
Status check_size(const FormatSpec& spec);
// `trusted` is that of the placeholder; the value's own bytes keep theirs.
Status add_number(Runtime& rt, TextBuilder& out, const Value& v, FormatSpec spec, bool trusted);
Status add_text(Runtime& rt, TextBuilder& out, Value text, FormatSpec spec, bool trusted);
Result<Value> repr_of(Runtime& rt, const Value& v);

}  // namespace overtake::jinja
