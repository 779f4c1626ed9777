#include "net/chunked_body.h"

#include <algorithm>
#include <charconv>

namespace overtake {
namespace {

// Every size below 2^64 fits; more digits could only be leading zeros, or an attack.
constexpr size_t kMaxSizeDigits = 16;

bool is_control(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }

}  // namespace

void ChunkedBody::fail(int status) {
  state_ = State::kFailed;
  error_status_ = status;
}

bool ChunkedBody::take_line(std::string_view input, std::string_view* line) {
  const size_t end = input.find('\n');
  if (std::min(end, input.size()) > max_line_bytes_) return fail(400), false;
  if (end == input.npos) return false;
  if (end == 0 || input[end - 1] != '\r') return fail(400), false;
  *line = input.substr(0, end - 1);
  if (std::any_of(line->begin(), line->end(), is_control)) return fail(400), false;
  return true;
}

void ChunkedBody::read_size(std::string_view line, size_t body_bytes) {
  const size_t digits = line.find_first_not_of("0123456789abcdefABCDEF");
  const size_t n = std::min(digits, line.size());
  if (n == 0 || n > kMaxSizeDigits || (n < line.size() && line[n] != ';')) return fail(400);
  left_ = 0;
  std::from_chars(line.data(), line.data() + n, left_, 16);
  if (left_ > max_body_bytes_ - body_bytes) return fail(413);
  state_ = left_ == 0 ? State::kTrailers : State::kData;
}

size_t ChunkedBody::feed(std::string_view input, std::string& body) {
  size_t used = 0;
  while (state_ != State::kDone && state_ != State::kFailed && used < input.size()) {
    const std::string_view rest = input.substr(used);
    std::string_view line;
    switch (state_) {
      case State::kSize:
        if (!take_line(rest, &line)) return used;
        used += line.size() + 2;
        read_size(line, body.size());
        break;
      case State::kData: {
        const size_t n = std::min<uint64_t>(rest.size(), left_);
        body.append(rest.substr(0, n));
        used += n;
        left_ -= n;
        if (left_ == 0) state_ = State::kDataEnd;
        break;
      }
      case State::kDataEnd:
        if (rest[0] != '\r' || (rest.size() > 1 && rest[1] != '\n')) {
          fail(400);
        } else if (rest.size() == 1) {
          return used;
        } else {
          used += 2;
          state_ = State::kSize;
        }
        break;
      case State::kTrailers:
        if (!take_line(rest, &line)) return used;
        used += line.size() + 2;
        trailer_bytes_ += line.size() + 2;
        if (trailer_bytes_ > max_line_bytes_) fail(400);
        if (line.empty()) state_ = State::kDone;
        break;
      case State::kDone:
      case State::kFailed:
        break;
    }
  }
  return used;
}

}  // namespace overtake
