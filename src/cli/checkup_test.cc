#include "cli/checkup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace overtake {
namespace {

using enum Finding::Level;

Finding named(const std::vector<Finding>& findings, std::string_view name) {
  const auto found = std::ranges::find(findings, name, &Finding::name);
  return found == findings.end() ? Finding{kFailure, "", "no such finding", "", ""} : *found;
}

TEST(Checkup, QuotaBelowTheThreadsIsAWarningWithItsFix) {
  Machine machine{.n_cores = 4, .core_quota = 0.5, .memory_bytes = 1};
  const Finding cores = named(check_machine(machine), "cores");
  EXPECT_EQ(cores.level, kWarning);
  EXPECT_THAT(cores.fix, testing::HasSubstr("OVERTAKE_THREADS=1"));
  machine.core_quota = 1024;
  EXPECT_EQ(named(check_machine(machine), "cores").level, kOk);
}

TEST(Checkup, LittleMemoryIsAWarning) {
  const Machine poor{.memory_bytes = 8'000'000'000, .available_memory_bytes = 100'000'000};
  EXPECT_EQ(named(check_machine(poor), "memory").level, kWarning);
  const Machine rich{.memory_bytes = 8'000'000'000, .available_memory_bytes = 4'000'000'000};
  EXPECT_EQ(named(check_machine(rich), "memory").level, kOk);
}

TEST(Checkup, WrongSettingsAreNamed) {
  const std::vector<Finding> findings =
      check_settings({{"OVERTAKE_THREADS", "four"}, {"OVERTAKE_THREDS", "4"}, {"PATH", "/bin"}});
  EXPECT_EQ(named(findings, "OVERTAKE_THREADS").level, kFailure);
  EXPECT_EQ(named(findings, "OVERTAKE_THREDS").level, kWarning);
  EXPECT_EQ(named(findings, "PATH").name, "no such finding");
  EXPECT_EQ(named(check_settings({{"OVERTAKE_THREADS", "4"}}), "OVERTAKE_THREADS").level, kOk);
}

TEST(Checkup, SecretsAreNeverShown) {
  for (const Finding& finding : check_settings({{"OVERTAKE_UPSTREAM_X_API_KEY", "sk-secret"}})) {
    EXPECT_THAT(finding.text, testing::Not(testing::HasSubstr("sk-secret")));
  }
}

TEST(Checkup, DamagedDefaultModelFailsWithItsFix) {
  const std::string home = testing::TempDir() + "/overtake_checkup_" + std::to_string(::getpid());
  ::setenv("OVERTAKE_HOME", home.c_str(), 1);
  EXPECT_EQ(named(check_files({}, ""), "store").level, kWarning);
  EXPECT_EQ(named(check_files({}, ""), "smollm2").level, kFailure);

  std::filesystem::create_directories(home + "/models/smollm2");
  std::ofstream(home + "/models/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf") << "not a model";
  const Finding damaged = named(check_files({}, ""), "smollm2");
  EXPECT_EQ(damaged.level, kFailure);
  EXPECT_THAT(damaged.text, testing::HasSubstr("SHA-256"));
  EXPECT_THAT(damaged.fix, testing::HasSubstr("overtake pull"));
  std::filesystem::remove_all(home);
  ::unsetenv("OVERTAKE_HOME");
}

}  // namespace
}  // namespace overtake
