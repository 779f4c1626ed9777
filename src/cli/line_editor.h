// LineEditor: reads what a person types, with history, editing keys and pasted paragraphs.
#pragma once

#include <memory>
#include <optional>
#include <string>

namespace overtake {

class LineEditor {
 public:
  // History is kept in `history_path` (made private to the user), if that is not empty.
  explicit LineEditor(std::string history_path);
  ~LineEditor();

  enum class End { kText, kInterrupted, kClosed };
  struct Input {
    End end = End::kText;
    std::string text;  // without the last newline
  };
  // One message: a line; lines that end in a backslash and go on; everything between two lines of
  // """; or a pasted paragraph, whose lines arrive together.
  Input read(const std::string& prompt, const std::string& continuation);

 private:
  struct Impl;
  Input read_line();
  std::unique_ptr<Impl> impl_;
};

}  // namespace overtake
