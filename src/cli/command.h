// Command: one subcommand of `overtake`, one file in cli/command/. The only place that wires rooms
// together.
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "base/registry.h"
#include "base/result.h"
#include "cli/command_line.h"

namespace overtake {

// Exit codes of every command.
constexpr int kExitDone = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

// Of the option that commands which start models share.
constexpr const char* kKeepPackedHelp =
    "Keep weights on disk as they lie in memory (about the file's size), so that later starts map "
    "them";

struct Command {
  std::string_view name;     // "run"
  std::string_view summary;  // one line for the overview
  int order;                 // place in the overview
  // Adds options to `line` and returns what runs once they are parsed: kExitDone or kExitFailed, or
  // an Error, which is printed as `overtake: WHAT; WHERE; WHAT TO DO`.
  std::function<Result<int>()> (*setup)(CommandLine& line);
};

std::span<const Command* const> all_commands();

}  // namespace overtake
