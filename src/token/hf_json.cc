#include "token/hf_json.h"

#include <fmt/core.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>

#include "base/file.h"
#include "base/text.h"

namespace overtake::hf {
namespace {

// Gemma 3's tokenizer.json has 33 MB and about 4 million values.
constexpr uint64_t kMaxFileBytes = 128 << 20;
constexpr JsonLimits kLimits = {.max_depth = 32, .max_values = 12'000'000};

Error of_type(std::string_view name, std::string_view type, std::string_view file) {
  return damaged(fmt::format("\"{}\" is not a {}", name, type), file);
}

}  // namespace

Result<std::optional<Json>> read_json_file(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return std::optional<Json>();
  const std::string text = TRY(read_file(path, kMaxFileBytes));
  if (is_lfs_pointer(std::as_bytes(std::span(text)))) return lfs_pointer(path);
  Result<Json> json = parse_json(text, path, kLimits);
  if (!json.ok()) return Error{ErrorCode::kDamaged, json.error().message};
  if (!json->is_object()) return damaged("not a JSON object", path);
  return std::optional<Json>(std::move(json).value());
}

const Json* field(const Json& object, std::string_view name) {
  if (!object.is_object()) return nullptr;
  const auto at = object.find(name);
  return at == object.end() || at->is_null() ? nullptr : &*at;
}

Result<std::optional<bool>> find_bool(const Json& object, std::string_view name,
                                      std::string_view file) {
  const Json* value = field(object, name);
  if (!value) return std::optional<bool>();
  if (!value->is_boolean()) return of_type(name, "boolean", file);
  return std::optional<bool>(value->get<bool>());
}

Result<std::optional<std::string>> find_string(const Json& object, std::string_view name,
                                               std::string_view file) {
  const Json* value = field(object, name);
  if (!value) return std::optional<std::string>();
  if (!value->is_string()) return of_type(name, "string", file);
  return std::optional<std::string>(value->get<std::string>());
}

Result<bool> bool_or(const Json& object, std::string_view name, bool otherwise,
                     std::string_view file) {
  return TRY(find_bool(object, name, file)).value_or(otherwise);
}

Result<int64_t> token_id(const Json& value, std::string_view what, std::string_view file) {
  if (value.is_number_integer()) {
    const bool fits = value.is_number_unsigned() ? value.get<uint64_t>() <= kMaxTokenId
                                                 : value.get<int64_t>() >= 0;
    if (fits && value.get<int64_t>() <= kMaxTokenId) return value.get<int64_t>();
  }
  return damaged(fmt::format("{} is not a token id from 0 to {}", escaped(what), kMaxTokenId),
                 file);
}

Error unsupported(std::string_view what, std::string_view file) {
  return {ErrorCode::kUnsupported,
          fmt::format("{}; {}; this tokenizer is not known yet: use a GGUF file of the model, or "
                      "token ids",
                      what, file)};
}

}  // namespace overtake::hf
