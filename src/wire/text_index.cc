#include "wire/text_index.h"

#include <algorithm>

namespace overtake::wire {
namespace {

constexpr int64_t kCharactersAMark = 256;

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

}  // namespace

int64_t count_characters(std::string_view text) {
  return std::ranges::count_if(text, begins_character);
}

void TextIndex::add(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (!begins_character(text[i])) continue;
    if (n_characters_++ % kCharactersAMark == 0) marks_.push_back(text_.size() + i);
  }
  text_ += text;
}

int64_t TextIndex::character_at(int64_t byte) const {
  const auto end = static_cast<size_t>(std::clamp<int64_t>(byte, 0, std::ssize(text_)));
  const auto after = std::ranges::upper_bound(marks_, end);
  if (after == marks_.begin()) return 0;
  const int64_t n_marks = after - marks_.begin() - 1;
  const size_t mark = marks_[static_cast<size_t>(n_marks)];
  return n_marks * kCharactersAMark +
         count_characters(std::string_view(text_).substr(mark, end - mark));
}

int64_t TextIndex::byte_at(int64_t character) const {
  if (character <= 0) return 0;
  if (character >= n_characters_) return std::ssize(text_);
  size_t at = marks_[static_cast<size_t>(character / kCharactersAMark)];
  for (int64_t left = character % kCharactersAMark; left > 0; --left) {
    do {
      ++at;
    } while (!begins_character(text_[at]));
  }
  return static_cast<int64_t>(at);
}

std::string_view TextIndex::between(int64_t begin_byte, int64_t end_byte) const {
  const int64_t end = std::clamp<int64_t>(end_byte, 0, std::ssize(text_));
  const int64_t begin = std::clamp<int64_t>(begin_byte, 0, end);
  return std::string_view(text_).substr(static_cast<size_t>(begin),
                                        static_cast<size_t>(end - begin));
}

}  // namespace overtake::wire
