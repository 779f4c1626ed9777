#include "cli/pull_screen.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <deque>

#include "cli/signal_watch.h"
#include "cli/terminal.h"

namespace overtake {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kRateWindow = std::chrono::seconds(8);
constexpr auto kLineEvery = std::chrono::seconds(5);

// Bytes a second over the last seconds: what is resumed does not count, and a stall shows.
class Rate {
 public:
  PullSpeed add(const PullProgress& progress) {
    const Clock::time_point now = Clock::now();
    samples_.push_back({now, progress.done_bytes});
    while (now - samples_.front().time > kRateWindow && samples_.size() > 2) samples_.pop_front();
    const double seconds = std::chrono::duration<double>(now - samples_.front().time).count();
    PullSpeed speed;
    if (seconds < 0.5 || progress.done_bytes < samples_.front().bytes) return speed;
    speed.bytes_per_s = static_cast<double>(progress.done_bytes - samples_.front().bytes) / seconds;
    if (speed.bytes_per_s > 0 && progress.total_bytes > progress.done_bytes) {
      speed.seconds_left =
          static_cast<double>(progress.total_bytes - progress.done_bytes) / speed.bytes_per_s;
    }
    return speed;
  }

 private:
  struct Sample {
    Clock::time_point time;
    uint64_t bytes;
  };
  std::deque<Sample> samples_;
};

class Screen {
 public:
  explicit Screen(bool quiet) : quiet_(quiet), terminal_(is_terminal(stderr)) {}
  ~Screen() { clear(); }

  void show(const PullProgress& progress) {
    const PullSpeed speed = rate_.add(progress);
    if (quiet_) return;
    const Clock::time_point now = Clock::now();
    if (terminal_) {
      if (drawn_ && now - last_ < std::chrono::milliseconds(100)) return;
      fmt::print(stderr, "\r\x1b[K{}", pull_line(progress, speed, terminal_width(stderr) - 1));
      std::fflush(stderr);
      drawn_ = true;
    } else {
      if (now - last_ < kLineEvery && progress.total_bytes > 0) return;
      if (progress.total_bytes == 0 && progress.what == last_what_) return;
      fmt::print(stderr, "{}\n", pull_line(progress, speed, 200));
    }
    last_ = now;
    last_what_ = progress.what;
  }
  void note(const std::string& line) {
    if (quiet_) return;
    clear();
    fmt::print(stderr, "{}\n", printable(line));
  }
  void clear() {
    if (drawn_) std::fputs("\r\x1b[K", stderr);
    drawn_ = false;
  }

 private:
  bool quiet_, terminal_, drawn_ = false;
  Rate rate_;
  Clock::time_point last_{};
  std::string last_what_;
};

}  // namespace

std::string pull_line(const PullProgress& progress, const PullSpeed& speed, int columns) {
  std::string tail;
  if (progress.total_bytes > 0) {
    const uint64_t done = std::min(progress.done_bytes, progress.total_bytes);
    tail = fmt::format("  {:3d} %  {} of {}", done / ((progress.total_bytes + 99) / 100),
                       human_bytes(done), human_bytes(progress.total_bytes));
  } else if (progress.done_bytes > 0) {
    tail = fmt::format("  {}", human_bytes(progress.done_bytes));
  }
  if (speed.bytes_per_s > 0) {
    tail += fmt::format("  {}/s", human_bytes(static_cast<uint64_t>(speed.bytes_per_s)));
  }
  if (speed.seconds_left > 0) tail += fmt::format("  {} left", human_duration(speed.seconds_left));
  // Room for the longest tail, so that the bar does not jump when rate and time come.
  const int width = std::max(columns - std::max(display_width(tail), 48), 8);
  std::string out = shortened(printable(progress.what), std::min(width, 60));
  const int bar = std::min(30, width - display_width(out) - 2);
  if (progress.total_bytes > 0 && bar >= 10) {
    const double share =
        static_cast<double>(progress.done_bytes) / static_cast<double>(progress.total_bytes);
    out += "  ";
    for (int i = 0; i < bar; ++i) out += i < share * bar ? "█" : "░";
  }
  return out + tail;
}

Result<PulledModel> pull_with_screen(const PullRequest& request) {
  PullOptions options;
  options.hub = TRY(read_hub_settings());
  const PullSource source = TRY(parse_pull_source(request.model, request.name, options.hub));
  std::atomic<bool> cancel = false;
  SignalWatch signals;
  signals.start([&] { cancel = true; });
  Screen screen(request.quiet);
  options.progress = [&](const PullProgress& progress) { screen.show(progress); };
  options.note = [&](const std::string& line) { screen.note(line); };
  return pull_model(source, options, cancel);
}

}  // namespace overtake
