// The characters of regular expressions: classes, escapes, single ones.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "token/grammar/code_point_set.h"

namespace overtake {

// An expression while it is read.
class RegexReader {
 public:
  explicit RegexReader(std::string_view source) : source_(source) {}

  std::string_view source() const { return source_; }
  std::string_view rest() const { return source_.substr(at_); }
  size_t position() const { return at_; }
  bool done() const { return at_ == source_.size(); }
  char peek() const { return source_[at_]; }  // not done()
  void skip(size_t n) { at_ += n; }
  void rewind(size_t position) { at_ = position; }
  bool take(std::string_view text);
  std::optional<int64_t> number();
  // kInvalidArgument: what is wrong at this place, and what to do.
  Error error(std::string_view what, std::string_view remedy) const;

 private:
  std::string_view source_;
  size_t at_ = 0;
};

// Behind its [.
Result<CodePointSet> read_regex_class(RegexReader& reader);
// One character, or an escape that stands for one or several.
Result<CodePointSet> read_regex_char(RegexReader& reader);

}  // namespace overtake
