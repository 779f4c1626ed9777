#include "cli/answer_printer.h"

#include <fmt/core.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

#include "base/time.h"
#include "cli/terminal.h"

namespace overtake {
namespace {

volatile std::sig_atomic_t interrupt_flag = 0;
struct sigaction action_before;

void on_interrupt(int) { interrupt_flag = 1; }

constexpr int64_t kPollUs = 50'000;  // how soon Ctrl-C is seen while no text comes

// " (30 guessed ahead, 20 of them by the draft model, of 24)"; empty where nothing was guessed.
std::string guesses_text(const UsageEvent& usage) {
  const int64_t by_model = usage.accepted_model_guesses;
  const int64_t tried = by_model + usage.rejected_model_guesses;
  if (usage.accepted_draft_tokens == 0 && tried == 0) return "";
  std::string out = fmt::format(" ({} guessed ahead", usage.accepted_draft_tokens);
  if (tried > 0) out += fmt::format(", {} of them by the draft model, of {}", by_model, tried);
  return out + ")";
}

}  // namespace

InterruptGuard::InterruptGuard() {
  clear();
  struct sigaction action = {};
  action.sa_handler = on_interrupt;  // without SA_RESTART: a waiting read returns
  ::sigaction(SIGINT, &action, &action_before);
}

InterruptGuard::~InterruptGuard() { ::sigaction(SIGINT, &action_before, nullptr); }

bool InterruptGuard::interrupted() { return interrupt_flag != 0; }

void InterruptGuard::clear() { interrupt_flag = 0; }

Result<PrintedAnswer> print_answer(Answer answer) {
  const bool terminal = is_terminal(stdout);
  PrintedAnswer out;
  const int64_t begin = now_us();
  for (;;) {
    if (InterruptGuard::interrupted()) answer->cancel();
    std::optional<Event> event = answer->next_for(kPollUs);
    if (!event) continue;
    if (const auto* started = std::get_if<StartedEvent>(&*event)) {
      out.model = started->model;
    } else if (const auto* text = std::get_if<TextEvent>(&*event)) {
      if (out.first_text_us == 0) out.first_text_us = now_us() - begin;
      out.text += text->text;
      const std::string shown = terminal ? printable(text->text, true) : text->text;
      std::fwrite(shown.data(), 1, shown.size(), stdout);
      std::fflush(stdout);
    } else if (const auto* usage = std::get_if<UsageEvent>(&*event)) {
      out.usage = *usage;
    } else if (auto* failed = std::get_if<FailedEvent>(&*event)) {
      return std::move(failed->error);
    } else if (const auto* finished = std::get_if<FinishedEvent>(&*event)) {
      out.reason = finished->reason;
      break;
    }
  }
  if (!out.text.ends_with('\n')) std::fputc('\n', stdout);
  std::fflush(stdout);
  return out;
}

std::string speed_line(const PrintedAnswer& answer) {
  const UsageEvent& usage = answer.usage;
  const auto rate = [](int64_t n, int64_t us) {
    return static_cast<double>(n) * 1e6 / static_cast<double>(std::max<int64_t>(us, 1));
  };
  // The first token comes out of reading the prompt; the time of the others is decode_us.
  const int64_t n_decoded = std::max<int64_t>(usage.completion_tokens - 1, 0);
  std::string line = answer.model.empty() ? "" : printable(answer.model) + ": ";
  line += fmt::format("{} tokens", usage.completion_tokens);
  if (n_decoded > 0) line += fmt::format(", {:.1f} tokens/s", rate(n_decoded, usage.decode_us));
  line += guesses_text(usage);
  const int64_t n_read = usage.prompt_tokens - usage.cached_tokens;
  line += fmt::format("; first after {:.2f} s; prompt {} tokens", answer.first_text_us / 1e6,
                      usage.prompt_tokens);
  if (usage.cached_tokens > 0) line += fmt::format(" ({} known already)", usage.cached_tokens);
  line += fmt::format(", {:.0f} tokens/s", rate(n_read, usage.prefill_us));
  if (usage.cost_nano_usd) {
    line += fmt::format("; {}, prices of {}", human_cost(*usage.cost_nano_usd), usage.prices_as_of);
  }
  if (answer.reason == FinishReason::kLength) line += "; cut at the length limit";
  if (answer.reason == FinishReason::kCancelled) line += "; stopped";
  return line;
}

}  // namespace overtake
