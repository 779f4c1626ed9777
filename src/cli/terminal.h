// How commands look in a terminal: colours only where a person reads, aligned columns, sizes in
// words, a progress bar. What comes from files passes `printable` before it is shown.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace overtake {

// Whether `stream` is a terminal, and whether it should get colours (not with NO_COLOR or a dumb
// terminal).
bool is_terminal(std::FILE* stream);
bool wants_color(std::FILE* stream);
// Columns of the terminal; 80 where it is none.
int terminal_width(std::FILE* stream);

// Escape sequences of the colours that this program uses; all empty where colours are off.
struct Colors {
  std::string_view bold, dim, red, green, yellow, cyan, reset;
  static Colors for_stream(std::FILE* stream);
};

// `text` without what could act on a terminal (escape sequences, control characters, bidirectional
// overrides) and without broken UTF-8: each becomes U+FFFD. Newline and tab stay if `keep_lines`.
std::string printable(std::string_view text, bool keep_lines = false);
// Columns that valid UTF-8 takes on a terminal; escape sequences of Colors count as none.
int display_width(std::string_view text);
// The first characters of `text` that fit `columns`, ending in "…" where it was cut.
std::string shortened(std::string_view text, int columns);

std::string human_bytes(uint64_t bytes);     // "98.4 MB": decimal units
std::string human_count(uint64_t count);     // "134.5 M"
std::string human_duration(double seconds);  // "0.8 s", "2 min 5 s"
std::string with_commas(uint64_t number);    // "98,362,432"
std::string human_cost(int64_t nano_usd);    // "$0.00123": cents, or three digits of less

// Rows of cells, padded to the widest of each column. Cells may hold Colors.
class Table {
 public:
  enum class Align { kLeft, kRight };
  explicit Table(std::vector<Align> columns) : columns_(std::move(columns)) {}
  void add(std::vector<std::string> cells);  // at most one per column
  // Two spaces between columns, none at the end of a line; `indent` spaces before each line.
  std::string text(int indent = 0) const;

 private:
  std::vector<Align> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// One line that fills up, with bytes a second and the time left. Silent where `stream` is no
// terminal. One thread.
class ProgressBar {
 public:
  ProgressBar(std::FILE* stream, std::string label, uint64_t total_bytes);
  ~ProgressBar() { clear(); }
  ProgressBar(const ProgressBar&) = delete;
  void update(uint64_t done);
  void clear();  // removes the line

 private:
  using Clock = std::chrono::steady_clock;
  std::FILE* stream_;
  std::string label_;
  uint64_t total_;
  bool enabled_;
  bool drawn_ = false;
  Clock::time_point start_;
  Clock::time_point last_;
};

}  // namespace overtake
