#include "cli/checkup.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iterator>

#include "catalog/catalog.h"
#include "catalog/digest.h"
#include "catalog/store.h"
#include "cli/model_summary.h"
#include "cli/terminal.h"
#include "parallel/thread_pool.h"
#include "tensor/cpu/cpu_backend.h"

extern char** environ;

namespace overtake {
namespace {

using enum Finding::Level;

constexpr uint64_t kLowDiskBytes = 1'000'000'000;
constexpr uint16_t kDefaultPort = 8080;

Finding check_processor(const Machine& machine) {
  std::string features;
  for (const std::string& feature : machine.features) features += " " + feature;
  return {kOk, "machine", "processor",
          fmt::format("{};{}", machine.processor.empty() ? "unknown" : machine.processor,
                      features.empty() ? " no vector extension known here" : features),
          ""};
}

Finding check_kernels() {
  const Result<Isa> isa = choose_isa();
  if (!isa.ok()) {
    return {kFailure, "machine", "kernels", isa.error().message,
            "unset OVERTAKE_ISA, or set it to one of scalar, avx2, avxvnni, avx512, amx that this "
            "processor has"};
  }
  std::string text = fmt::format("{} chosen of", isa_name(*isa));
  for (const Isa each : supported_isas()) text += fmt::format(" {}", isa_name(each));
  if (*isa != Isa::kScalar) return {kOk, "machine", "kernels", text, ""};
  return {kWarning, "machine", "kernels", text,
          "expect low speed: this processor (or OVERTAKE_ISA) allows no AVX2"};
}

Finding check_cores(const Machine& machine) {
  const int n_threads = default_thread_count();
  std::string text = fmt::format("{} usable, {} threads", machine.n_cores, n_threads);
  if (!machine.core_quota) return {kOk, "machine", "cores", text, ""};
  text += fmt::format("; this container's quota is {:.1f}", *machine.core_quota);
  if (n_threads <= *machine.core_quota + 0.01) return {kOk, "machine", "cores", text, ""};
  const int fitting = std::max(1, static_cast<int>(*machine.core_quota));
  return {kWarning, "machine", "cores", text,
          fmt::format("threads beyond the quota wait for each other: set OVERTAKE_THREADS={}",
                      fitting)};
}

Finding check_memory(const Machine& machine) {
  std::string text = fmt::format("{} of {} available", human_bytes(machine.available_memory_bytes),
                                 human_bytes(machine.memory_bytes));
  if (machine.memory_limit_bytes) {
    text += fmt::format("; this container's limit is {}", human_bytes(*machine.memory_limit_bytes));
  }
  if (machine.available_memory_bytes >= 500'000'000 || machine.memory_bytes == 0) {
    return {kOk, "machine", "memory", text, ""};
  }
  return {kWarning, "machine", "memory", text,
          "the default model wants about 500 MB: close other programs, or raise the limit"};
}

Finding check_disk() {
  const std::string home = overtake_home();
  const std::optional<uint64_t> free = free_disk_bytes(home);
  if (!free) return {kWarning, "machine", "disk", fmt::format("unknown for {}", home), ""};
  const std::string text = fmt::format("{} free for {}", human_bytes(*free), home);
  if (*free >= kLowDiskBytes) return {kOk, "machine", "disk", text, ""};
  return {kWarning, "machine", "disk", text,
          "models need room: free some, or set OVERTAKE_HOME to another disk"};
}

Finding check_store() {
  const std::string folder = overtake_home() + "/models";
  std::error_code error;
  if (!std::filesystem::exists(folder, error)) {
    return {kWarning, "files", "store", fmt::format("{} does not exist yet", folder),
            "`overtake pull` makes it and fetches the default model"};
  }
  if (::access(folder.c_str(), R_OK | X_OK) != 0) {
    return {kFailure, "files", "store", fmt::format("{} can not be read", folder),
            fmt::format("give this user access to it: chmod u+rx {}", folder)};
  }
  const size_t n_models = installed_models().size();
  return {kOk, "files", "store",
          fmt::format("{}, {} model{}", folder, n_models, n_models == 1 ? "" : "s"), ""};
}

Finding check_default_model() {
  const CatalogEntry& entry = *find_in_catalog(kDefaultModel);
  const std::string path = fmt::format("{}/models/{}/{}", overtake_home(), entry.name, entry.file);
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return {kFailure, "files", entry.name, fmt::format("{} is not there", path),
            "`overtake pull` fetches it (or `make run`)"};
  }
  const Result<std::string> digest = sha256_of_file(path);
  if (!digest.ok()) return {kFailure, "files", entry.name, digest.error().message, ""};
  if (*digest != entry.sha256) {
    return {kFailure, "files", entry.name, fmt::format("{} is damaged: its SHA-256 differs", path),
            "`overtake pull` fetches it anew"};
  }
  return {kOk, "files", entry.name,
          fmt::format("{}, SHA-256 as in the catalogue", human_bytes(entry.bytes)), ""};
}

Result<Finding> check_model(const Machine& machine, const std::string& name) {
  const ResolvedModel model = TRY(resolve_model(name));
  const std::unique_ptr<Checkpoint> checkpoint = TRY(open_checkpoint(model.path));
  const ModelInfo info = TRY(verify_model(*checkpoint));
  const uint64_t state = state_bytes(info, info.context_length);
  const std::string text = fmt::format("{}; {} of weights; {} for each user", model.path,
                                       human_bytes(info.weight_bytes), state_text(info));
  if (machine.memory_bytes == 0 || info.weight_bytes + state <= machine.available_memory_bytes) {
    return Finding{kOk, "files", printable(model.name), text, ""};
  }
  const bool weights_fit = info.weight_bytes <= machine.available_memory_bytes;
  return Finding{
      weights_fit ? kWarning : kFailure, "files", printable(model.name), text,
      fmt::format("{} of memory are available: {}", human_bytes(machine.available_memory_bytes),
                  weights_fit ? "long conversations may not fit"
                              : "take a smaller model or a smaller quantization")};
}

// Threads that OVERTAKE_THREADS may ask for.
bool is_thread_count(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= 1 && value <= 1024;
}

Finding check_setting(const std::string& name, const std::string& value) {
  const std::string text = fmt::format("{}={}", name, printable(value));
  if (name == "OVERTAKE_THREADS" && !is_thread_count(value)) {
    return {kFailure, "settings", name,
            fmt::format("\"{}\" is not a number of threads", printable(value)),
            "set it to a number from 1 to 1024, or unset it"};
  }
  if (name == "OVERTAKE_HOME" && !value.starts_with('/')) {
    return {kWarning, "settings", name,
            fmt::format("\"{}\" depends on the current folder", printable(value)),
            "set it to a path that begins with /"};
  }
  static constexpr std::string_view known[] = {"OVERTAKE_HOME", "OVERTAKE_ISA", "OVERTAKE_THREADS",
                                               "OVERTAKE_TEST_DATA"};
  const bool is_known = std::ranges::find(known, name) != std::end(known);
  if (is_known) return {kOk, "settings", name, text, ""};
  return {kWarning, "settings", name, "no such setting", "is it misspelt? See docs/cli.md"};
}

}  // namespace

std::string_view level_name(Finding::Level level) {
  static constexpr std::string_view names[] = {"ok", "warn", "fail"};
  return names[static_cast<int>(level)];
}

Environment read_environment() {
  Environment all;
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals == text.npos) continue;
    all.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return all;
}

std::vector<Finding> check_machine(const Machine& machine) {
  return {check_processor(machine), check_kernels(), check_cores(machine), check_memory(machine),
          check_disk()};
}

std::vector<Finding> check_files(const Machine& machine, const std::string& model) {
  std::vector<Finding> findings = {check_store()};
  // Whoever asks about a model of their own may have no other.
  if (model.empty()) findings.push_back(check_default_model());
  if (!model.empty() || findings.back().level == kOk) {
    const std::string name = model.empty() ? std::string(kDefaultModel) : model;
    Result<Finding> finding = check_model(machine, name);
    findings.push_back(finding.ok() ? *std::move(finding)
                                    : Finding{kFailure, "files", printable(name),
                                              printable(finding.error().message), ""});
  }
  return findings;
}

std::vector<Finding> check_settings(const Environment& environment) {
  std::vector<Finding> findings;
  for (const auto& [name, value] : environment) {
    // Keys of upstreams are secrets, never shown.
    const bool secret = name.ends_with("_API_KEY");
    if (name.starts_with("OVERTAKE_") && !secret) findings.push_back(check_setting(name, value));
  }
  if (findings.empty()) findings.push_back({kOk, "settings", "OVERTAKE_*", "none is set", ""});
  const bool free = port_is_free(kDefaultPort);
  findings.push_back({free ? kOk : kWarning, "settings", fmt::format("port {}", kDefaultPort),
                      free ? "free" : "taken by another program, perhaps by `overtake serve`",
                      free ? "" : "stop that program, or choose another: `overtake serve --port`"});
  return findings;
}

}  // namespace overtake
