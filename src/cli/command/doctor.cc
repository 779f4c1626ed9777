// `overtake doctor`: what is wrong with this machine, these files, these settings, and the fix.
#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "cli/checkup.h"
#include "cli/command.h"
#include "cli/terminal.h"

namespace overtake {
namespace {

void print_json(const std::vector<Finding>& findings, bool healthy) {
  Json out = {{"healthy", healthy}, {"findings", Json::array()}};
  for (const Finding& finding : findings) {
    out["findings"].push_back({{"level", level_name(finding.level)},
                               {"area", finding.area},
                               {"name", finding.name},
                               {"text", finding.text},
                               {"fix", finding.fix}});
  }
  fmt::print("{}\n", dump_json(out, 2));
}

void print_text(const std::vector<Finding>& findings) {
  using enum Table::Align;
  const Colors colors = Colors::for_stream(stdout);
  const std::string_view paint[] = {colors.green, colors.yellow, colors.red};
  Table table({kLeft, kLeft, kLeft});
  std::string area;
  for (const Finding& finding : findings) {
    if (finding.area != area) {
      area = finding.area;
      table.add({fmt::format("{}{}{}", colors.bold, area, colors.reset)});
    }
    const std::string level = fmt::format("  {}{}{}", paint[static_cast<int>(finding.level)],
                                          level_name(finding.level), colors.reset);
    table.add({level, finding.name, finding.text});
    if (!finding.fix.empty()) table.add({"", "", "-> " + finding.fix});
  }
  fmt::print("{}", table.text());
}

Result<int> run_doctor(const std::string& model, bool as_json) {
  const Machine machine = read_machine();
  std::vector<Finding> findings = check_machine(machine);
  for (std::vector<Finding> more :
       {check_files(machine, model), check_settings(read_environment())}) {
    findings.insert(findings.end(), more.begin(), more.end());
  }
  const auto count = [&](Finding::Level level) {
    return std::ranges::count(findings, level, &Finding::level);
  };
  const auto n_failures = count(Finding::Level::kFailure);
  if (as_json) {
    print_json(findings, n_failures == 0);
  } else {
    print_text(findings);
    fmt::print("\n{} failures, {} warnings\n", n_failures, count(Finding::Level::kWarning));
  }
  return n_failures == 0 ? kExitDone : kExitFailed;
}

std::function<Result<int>()> setup_doctor(CommandLine& line) {
  struct Options {
    std::string model;
    bool as_json = false;
  };
  auto options = std::make_shared<Options>();
  line.add("--model", options->model, "Check this model as well: a name or a path");
  line.flag("--json", options->as_json, "Print JSON");
  return [options] { return run_doctor(options->model, options->as_json); };
}

}  // namespace

OVERTAKE_ENTRY(Command, command_doctor) = {"doctor", "What is wrong with this machine, and the fix",
                                           40, setup_doctor};

}  // namespace overtake
