// What pull writes beside a model: where each file came from and its digest, for later checks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace overtake {

constexpr const char* kPullRecordName = "overtake-pull.json";

struct PulledFile {
  std::string name;
  uint64_t bytes = 0;
  std::string sha256;      // of what was written
  bool published = false;  // whether the source had published that digest
};

struct PullRecord {
  std::string source;    // "hf:OWNER/REPO", or a URL
  std::string revision;  // of the repository; "" for a URL
  std::string licence;
  int64_t time_us = 0;
  std::vector<PulledFile> files;

  const PulledFile* find(std::string_view name) const;  // null if absent
};

std::string write_pull_record(const PullRecord& record);
Result<PullRecord> parse_pull_record(std::string_view text, std::string_view path);
// The record of a model's folder (or of the folder that a model's file lies in); nullopt if there
// is none.
Result<std::optional<PullRecord>> read_pull_record(const std::string& model_path);

}  // namespace overtake
