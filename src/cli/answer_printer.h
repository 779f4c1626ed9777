// AnswerPrinter: shows one streamed answer in the terminal and says how fast it came.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/generator.h"

namespace overtake {

struct PrintedAnswer {
  std::string model;  // the one that answered
  std::string text;
  FinishReason reason = FinishReason::kStop;
  UsageEvent usage;
  int64_t first_text_us = 0;  // from the request to the first character
};

// Prints `answer` to standard output as it comes, until it ends or Ctrl-C (see InterruptGuard)
// stops it. Control characters of the text do not reach a terminal. An error of the model is
// returned.
Result<PrintedAnswer> print_answer(Answer answer);

// "smollm2: 182 tokens, 96.3 tokens/s (40 guessed ahead); first after 0.02 s; prompt 31 tokens,
// 1450 tokens/s", and what it cost where that is known: "; $0.00123, prices of 2026-11-24".
std::string speed_line(const PrintedAnswer& answer);

// While one lives, Ctrl-C sets a flag and does not end the program.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  static bool interrupted();  // since clear() or the first guard
  static void clear();
};

}  // namespace overtake
