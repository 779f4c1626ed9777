// The checks of `overtake doctor`: what is wrong with this machine, these files, these settings,
// and the fix for each.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/machine.h"

namespace overtake {

struct Finding {
  enum class Level { kOk, kWarning, kFailure };
  Level level = Level::kOk;
  std::string area;  // "machine", "files", "settings"
  std::string name;  // "memory"
  std::string text;  // what was found
  std::string fix;   // what to do; empty if nothing
};

std::string_view level_name(Finding::Level level);  // "ok", "warn", "fail"

using Environment = std::vector<std::pair<std::string, std::string>>;
Environment read_environment();

std::vector<Finding> check_machine(const Machine& machine);
// `model` as resolve_model takes it, which is checked; "": the default one.
std::vector<Finding> check_files(const Machine& machine, const std::string& model);
std::vector<Finding> check_settings(const Environment& environment);

}  // namespace overtake
