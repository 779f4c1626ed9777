// Log lines for operators, on standard error. Never put prompts, answers or secrets in one.
#pragma once

#include <string_view>

namespace overtake {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// Lines below `level` are dropped. Default kWarning; `serve` sets kInfo. Any thread.
void set_log_level(LogLevel level);
void log(LogLevel level, std::string_view message);

}  // namespace overtake
