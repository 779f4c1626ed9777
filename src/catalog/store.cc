#include "catalog/store.h"

#include <fmt/core.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <system_error>

#include "catalog/catalog.h"

namespace overtake {
namespace {

namespace fs = std::filesystem;

// std::filesystem with error codes throws nothing but bad_alloc: every call here passes one.
bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> entries;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    entries.push_back(it->path());
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

std::string home_folder() {
  if (const char* home = std::getenv("HOME"); home && *home) return home;
  const passwd* user = ::getpwuid(::geteuid());
  return user && user->pw_dir ? user->pw_dir : "/";
}

// What open_checkpoint takes, for a folder: itself if it has a config.json, else its one GGUF file.
Result<std::string> model_in_folder(const fs::path& folder) {
  if (is_file(folder / "config.json")) return folder.string();
  std::vector<fs::path> files;
  for (const fs::path& entry : entries_of(folder)) {
    if (entry.extension() == ".gguf" && is_file(entry)) files.push_back(entry);
  }
  if (files.size() == 1) return files.front().string();
  if (files.empty()) {
    return Error{ErrorCode::kNotFound,
                 fmt::format("no model in this folder; {}; it must hold one .gguf file, or a "
                             "config.json with *.safetensors",
                             folder.string())};
  }
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("{} .gguf files in this folder; {}; give the path of one of them, such "
                           "as {}",
                           files.size(), folder.string(), files.front().string())};
}

std::string name_of_path(const fs::path& path) {
  std::error_code error;
  fs::path absolute = fs::absolute(path, error).lexically_normal();
  if (!absolute.has_filename()) absolute = absolute.parent_path();
  return absolute.extension() == ".gguf" ? absolute.stem().string() : absolute.filename().string();
}

// The model at a path, or nullopt if nothing is there.
std::optional<Result<ResolvedModel>> model_at_path(const fs::path& path) {
  if (is_folder(path)) {
    Result<std::string> inside = model_in_folder(path);
    if (!inside.ok()) return std::move(inside).error();
    return ResolvedModel{name_of_path(path), *inside};
  }
  std::error_code error;
  if (!fs::exists(path, error)) return std::nullopt;
  return ResolvedModel{name_of_path(path), path.string()};
}

Error absent(std::string_view model) {
  if (const CatalogEntry* entry = find_in_catalog(model)) {
    const std::string first = entry->quantizations.empty() ? "" : entry->quantizations[0];
    return {ErrorCode::kNotFound,
            fmt::format("model \"{}\" is not installed; {}/models; `overtake pull {}` fetches it "
                        "({}{:.1f} GB{}{})",
                        model, overtake_home(), model, entry->bytes > 0 ? "" : "about ",
                        static_cast<double>(entry->estimated_bytes(first)) / 1e9,
                        first.empty() ? "" : ", ", first)};
  }
  return {ErrorCode::kNotFound,
          fmt::format("no model \"{}\"; neither a path nor a name in {}/models; see `overtake "
                      "list --all`, or give the path of a GGUF file or of a safetensors folder",
                      model, overtake_home())};
}

}  // namespace

std::string overtake_home() {
  const char* set = std::getenv("OVERTAKE_HOME");
  std::string home = set && *set ? set : home_folder() + "/.local/share/overtake";
  while (home.size() > 1 && home.back() == '/') home.pop_back();
  return home;
}

bool is_model_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const auto allowed = [&](char c) { return letter(c) || c == '.' || c == '_' || c == '-'; };
  return !name.empty() && name.size() <= 128 && letter(name[0]) &&
         std::all_of(name.begin(), name.end(), allowed);
}

Result<ResolvedModel> resolve_model(std::string_view model) {
  if (model.empty()) model = kDefaultModel;
  if (model.find('\0') != model.npos) {
    return Error{ErrorCode::kInvalidArgument,
                 "a model's name or path has a zero byte; model name; leave it out"};
  }
  if (is_model_name(model)) {
    const fs::path folder = fs::path(overtake_home()) / "models" / model;
    if (is_folder(folder)) {
      return ResolvedModel{std::string(model), TRY(model_in_folder(folder))};
    }
  }
  std::optional<Result<ResolvedModel>> found = model_at_path(fs::path(model));
  return found ? *std::move(found) : absent(model);
}

std::vector<ResolvedModel> installed_models() {
  std::vector<ResolvedModel> models;
  for (const fs::path& folder : entries_of(fs::path(overtake_home()) / "models")) {
    const std::string name = folder.filename().string();
    if (!is_model_name(name) || !is_folder(folder)) continue;
    Result<std::string> path = model_in_folder(folder);
    if (path.ok()) models.push_back({name, *std::move(path)});
  }
  return models;
}

}  // namespace overtake
