#include "catalog/pull_record.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/json.h"
#include "catalog/file_name.h"
#include "catalog/hub.h"

namespace overtake {
namespace {

constexpr uint64_t kMaxRecordBytes = 4 << 20;

Error damaged(std::string_view path) {
  return {
      ErrorCode::kDamaged,
      fmt::format("the record of this download is damaged; {}; remove it and pull again", path)};
}

}  // namespace

const PulledFile* PullRecord::find(std::string_view name) const {
  const auto found = std::ranges::find(files, name, &PulledFile::name);
  return found == files.end() ? nullptr : &*found;
}

std::string write_pull_record(const PullRecord& record) {
  Json json = {{"format", 1},
               {"source", record.source},
               {"revision", record.revision},
               {"licence", record.licence},
               {"time_us", record.time_us},
               {"files", Json::array()}};
  for (const PulledFile& file : record.files) {
    json["files"].push_back({{"name", file.name},
                             {"bytes", file.bytes},
                             {"sha256", file.sha256},
                             {"published", file.published}});
  }
  return dump_json(json, 2) + "\n";
}

Result<PullRecord> parse_pull_record(std::string_view text, std::string_view path) {
  const Result<Json> json = parse_json(text, "pull record");
  if (!json.ok() || !json->is_object()) return damaged(path);
  PullRecord record;
  const auto read_text = [](const Json& object, const char* key, std::string* into) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_string()) return false;
    *into = found->get<std::string>();
    return true;
  };
  const auto files = json->find("files");
  if (!read_text(*json, "source", &record.source) ||
      !read_text(*json, "revision", &record.revision) ||
      !read_text(*json, "licence", &record.licence) || files == json->end() || !files->is_array()) {
    return damaged(path);
  }
  const auto time = json->find("time_us");
  if (time != json->end() && time->is_number_integer()) record.time_us = time->get<int64_t>();
  for (const Json& each : *files) {
    PulledFile file;
    if (!each.is_object() || !read_text(each, "name", &file.name) ||
        !read_text(each, "sha256", &file.sha256) || !is_sha256(file.sha256) ||
        !check_file_name(file.name).ok() || !each.contains("bytes") ||
        !each["bytes"].is_number_unsigned()) {
      return damaged(path);
    }
    file.bytes = each["bytes"].get<uint64_t>();
    file.published = each.contains("published") && each["published"] == true;
    record.files.push_back(std::move(file));
  }
  return record;
}

Result<std::optional<PullRecord>> read_pull_record(const std::string& model_path) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  fs::path folder(model_path);
  if (!fs::is_directory(folder, ignored)) folder = folder.parent_path();
  const std::string path = (folder / kPullRecordName).string();
  if (!fs::is_regular_file(path, ignored)) return std::optional<PullRecord>();
  return std::optional(TRY(parse_pull_record(TRY(read_file(path, kMaxRecordBytes)), path)));
}

}  // namespace overtake
