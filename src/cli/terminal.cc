#include "cli/terminal.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <span>

namespace overtake {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// The character at the front of `text` and its bytes; -1 and 1 for a byte that begins none.
struct Character {
  int32_t code;
  size_t bytes;
};

Character first_character(std::string_view text) {
  utf8proc_int32_t code = -1;
  const utf8proc_ssize_t n =
      utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                       static_cast<utf8proc_ssize_t>(text.size()), &code);
  return n > 0 ? Character{code, static_cast<size_t>(n)} : Character{-1, 1};
}

// Control characters steer the terminal; bidirectional controls reorder what a person reads
// (Boucher and Anderson 2021, "Trojan Source").
bool is_active(int32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x200E && code <= 0x200F) ||
         (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

// Bytes of an escape sequence of Colors ("\x1b[...m") at the front of `text`; 0 if there is none.
size_t escape_bytes(std::string_view text) {
  if (!text.starts_with("\x1b[")) return 0;
  const size_t end = text.find('m');
  return end == text.npos ? 0 : end + 1;
}

std::string scaled(double value, double unit, std::span<const char* const> names) {
  size_t i = 0;
  while (value >= unit * 0.9995 && i + 1 < names.size()) value /= unit, ++i;
  return i == 0 ? fmt::format("{:.0f}{}", value, names[0])
                : fmt::format("{:.{}f}{}", value, value < 99.95 ? 1 : 0, names[i]);
}

}  // namespace

bool is_terminal(std::FILE* stream) { return ::isatty(::fileno(stream)) == 1; }

bool wants_color(std::FILE* stream) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return is_terminal(stream) && !(no_color && *no_color) && term &&
         std::string_view(term) != "dumb";
}

int terminal_width(std::FILE* stream) {
  winsize size{};
  const bool known = ::ioctl(::fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

Colors Colors::for_stream(std::FILE* stream) {
  if (!wants_color(stream)) return {};
  return {"\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m", "\x1b[0m"};
}

std::string printable(std::string_view text, bool keep_lines) {
  std::string out;
  while (!text.empty()) {
    const Character c = first_character(text);
    const bool kept = keep_lines && (c.code == '\n' || c.code == '\t');
    out += kept || !is_active(c.code) ? text.substr(0, c.bytes) : kReplacement;
    text.remove_prefix(c.bytes);
  }
  return out;
}

int display_width(std::string_view text) {
  int width = 0;
  while (!text.empty()) {
    if (const size_t escape = escape_bytes(text)) {
      text.remove_prefix(escape);
      continue;
    }
    const Character c = first_character(text);
    width += c.code < 0 ? 1 : utf8proc_charwidth(c.code);
    text.remove_prefix(c.bytes);
  }
  return width;
}

std::string shortened(std::string_view text, int columns) {
  if (display_width(text) <= columns) return std::string(text);
  std::string out;
  int width = 0;
  while (!text.empty()) {
    const Character c = first_character(text);
    width += display_width(text.substr(0, c.bytes));
    if (width > columns - 1) break;
    out += text.substr(0, c.bytes);
    text.remove_prefix(c.bytes);
  }
  return out + "…";
}

std::string human_bytes(uint64_t bytes) {
  static constexpr std::array names{" B", " kB", " MB", " GB", " TB", " PB", " EB"};
  return scaled(static_cast<double>(bytes), 1000, names);
}

std::string human_count(uint64_t count) {
  static constexpr std::array names{"", " k", " M", " B", " T"};
  return scaled(static_cast<double>(count), 1000, names);
}

std::string human_duration(double seconds) {
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  const int64_t whole = std::llround(seconds);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string human_cost(int64_t nano_usd) {
  if (nano_usd <= 0) return "$0";
  const double usd = static_cast<double>(nano_usd) / 1e9;
  const int decimals = std::clamp(2 - static_cast<int>(std::floor(std::log10(usd))), 2, 9);
  return fmt::format("${:.{}f}", usd, decimals);
}

std::string with_commas(uint64_t number) {
  std::string digits = std::to_string(number);
  for (int64_t i = static_cast<int64_t>(digits.size()) - 3; i > 0; i -= 3) {
    digits.insert(static_cast<size_t>(i), ",");
  }
  return digits;
}

void Table::add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::text(int indent) const {
  std::vector<int> widths(columns_.size(), 0);
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i]));
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line(static_cast<size_t>(indent), ' ');
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string padding(static_cast<size_t>(widths[i] - display_width(row[i])), ' ');
      if (i > 0) line += "  ";
      line += columns_[i] == Align::kLeft ? row[i] + padding : padding + row[i];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

ProgressBar::ProgressBar(std::FILE* stream, std::string label, uint64_t total_bytes)
    : stream_(stream),
      label_(std::move(label)),
      total_(std::max<uint64_t>(total_bytes, 1)),
      enabled_(is_terminal(stream)),
      start_(Clock::now()) {}

void ProgressBar::update(uint64_t done) {
  const Clock::time_point now = Clock::now();
  if (!enabled_ || (drawn_ && now - last_ < std::chrono::milliseconds(100))) return;
  last_ = now;
  drawn_ = true;
  const double share = static_cast<double>(std::min(done, total_)) / static_cast<double>(total_);
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const int width = std::clamp(terminal_width(stream_) - display_width(label_) - 42, 10, 40);
  const int filled = static_cast<int>(share * width);
  std::string bar;
  for (int i = 0; i < width; ++i) bar += i < filled ? "█" : "░";
  const std::string speed =
      share > 0.01
          ? fmt::format(
                "{}/s  {} left",
                human_bytes(static_cast<uint64_t>(share * static_cast<double>(total_) / seconds)),
                human_duration(seconds * (1 - share) / share))
          : "";
  fmt::print(stream_, "\r\x1b[K{} {} {:3.0f} %  {}", label_, bar, share * 100, speed);
  std::fflush(stream_);
}

void ProgressBar::clear() {
  if (!drawn_) return;
  drawn_ = false;
  std::fputs("\r\x1b[K", stream_);
  std::fflush(stream_);
}

}  // namespace overtake
