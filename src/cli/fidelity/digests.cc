// Whether the files are, bit for bit, those that were published.
#include <fmt/core.h>

#include <filesystem>

#include "catalog/catalog.h"
#include "catalog/digest.h"
#include "catalog/pull_record.h"
#include "cli/fidelity.h"

namespace overtake {
namespace {

constexpr const char* kName = "digests";

std::string fetch_again(const FidelityRun& run) {
  return fmt::format("get the file again: overtake rm {0}, then overtake pull {0}",
                     run.subject.model.name);
}

// Compares every file of the record; returns whether all are as they were.
void compare_with_record(const FidelityRun& run, const PullRecord& record) {
  const std::filesystem::path path(run.subject.model.path);
  const auto folder = std::filesystem::is_directory(path) ? path : path.parent_path();
  uint64_t total = 0, done = 0;
  bool all_published = true, whole = true;
  for (const PulledFile& file : record.files) total += file.bytes;
  for (const PulledFile& file : record.files) {
    run.progress("digest of " + file.name, done, total);
    const Result<std::string> digest = sha256_of_file((folder / file.name).string());
    if (!digest.ok() || *digest != file.sha256) {
      run.fault(kName,
                digest.ok()
                    ? fmt::format("{} is not what was pulled: its SHA-256 differs", file.name)
                    : digest.error().message,
                fetch_again(run));
      whole = false;
    }
    all_published = all_published && file.published;
    done += file.bytes;
  }
  if (!whole) return;
  const std::string files = fmt::format("{} file{} as pulled from {}", record.files.size(),
                                        record.files.size() == 1 ? "" : "s", record.source);
  run.ok(kName, files + (all_published ? ", which published these digests"
                                       : "; that source publishes no digest"));
}

void check(const FidelityRun& run) {
  const FidelitySubject& subject = run.subject;
  const Result<std::optional<PullRecord>> record = read_pull_record(subject.model.path);
  if (!record.ok()) return run.fault(kName, record.error().message, fetch_again(run));
  if (*record) return compare_with_record(run, **record);
  if (!subject.is_gguf()) {
    return run.ok(kName, "not pulled by Overtake, so there is nothing to compare with");
  }
  run.progress("digest", 0, 1);
  const Result<std::string> digest = sha256_of_file(subject.model.path);
  if (!digest.ok()) return run.fault(kName, digest.error().message, "");
  const std::string file = std::filesystem::path(subject.model.path).filename().string();
  for (const CatalogEntry& entry : catalog()) {
    if (!entry.sha256.empty() && entry.sha256 == *digest) {
      return run.ok(kName, fmt::format("SHA-256 as in the catalogue ({})", entry.name));
    }
    if (!entry.file.empty() && entry.file == file && entry.name == subject.model.name) {
      return run.fault(kName, "its SHA-256 is not that of the catalogue", fetch_again(run));
    }
  }
  run.ok(kName, fmt::format("nothing to compare with; SHA-256 {}", *digest));
}

}  // namespace

OVERTAKE_ENTRY(FidelityCheck, fidelity_digests) = {"digests", 10, check};

}  // namespace overtake
