// `overtake doctor`: what is wrong with this machine, these files, these settings, and the fix.
#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json.h"
#include "cli/checkup.h"
#include "cli/command.h"
#include "cli/fidelity.h"
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

// The receipt of one model, with progress for a person who waits.
std::vector<Finding> receipt_of(const std::string& name) {
  const auto failed = [&](const Error& error) {
    return std::vector<Finding>{
        {Finding::Level::kFailure, "model", printable(name), printable(error.message), ""}};
  };
  const Result<ResolvedModel> model = resolve_model(name);
  if (!model.ok()) return failed(model.error());
  const Result<FidelitySubject> subject = open_fidelity_subject(*model);
  if (!subject.ok()) return failed(subject.error());
  ThreadPool pool(default_thread_count());
  std::unique_ptr<ProgressBar> bar;
  std::string shown;
  return check_fidelity(*subject, pool,
                        [&](const std::string& what, uint64_t done, uint64_t total) {
                          if (what != std::exchange(shown, what)) {
                            bar = std::make_unique<ProgressBar>(stderr, printable(what), total);
                          }
                          bar->update(done);
                        });
}

Result<int> run_doctor(const std::string& model, bool as_json) {
  const Machine machine = read_machine();
  std::vector<Finding> findings = check_machine(machine);
  const auto add = [&](const std::vector<Finding>& more) {
    findings.insert(findings.end(), more.begin(), more.end());
  };
  add(check_files(machine, model));
  if (!model.empty()) add(receipt_of(model));
  add(check_settings(read_environment()));
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
  line.add("--model", options->model,
           "Examine this model as well, every weight of it: a name or a path");
  line.flag("--json", options->as_json, "Print JSON");
  return [options] { return run_doctor(options->model, options->as_json); };
}

}  // namespace

OVERTAKE_ENTRY(Command, command_doctor) = {"doctor", "What is wrong with this machine, and the fix",
                                           40, setup_doctor};

}  // namespace overtake
