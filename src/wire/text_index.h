// TextIndex: the text of an answer as it grows, where places in it are counted in characters by one
// vendor and in bytes by another.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace overtake::wire {

// Code points of a UTF-8 text.
int64_t count_characters(std::string_view text);

// Places beyond the text are its end, those before it its beginning.
class TextIndex {
 public:
  void add(std::string_view text);
  int64_t n_characters() const { return n_characters_; }
  int64_t character_at(int64_t byte) const;
  int64_t byte_at(int64_t character) const;
  std::string_view between(int64_t begin_byte, int64_t end_byte) const;

 private:
  std::string text_;
  int64_t n_characters_ = 0;
  std::vector<size_t> marks_;  // where every 256th character begins
};

}  // namespace overtake::wire
