#include "catalog/header_check.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "format/checkpoint.h"
#include "format/message.h"
#include "format/safetensors.h"

namespace overtake {
namespace {

constexpr uint64_t kMaxJsonBytes = 256 << 20;
constexpr JsonLimits kLimits = {.max_depth = 64, .max_values = 64 << 20};

bool looks_like_a_page(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                              std::min<size_t>(bytes.size(), 256));
  const std::string_view start = trim(text);
  return start.starts_with("<!DOCTYPE") || start.starts_with("<!doctype") ||
         start.starts_with("<html");
}

}  // namespace

Status check_header(const std::string& path, std::string_view name) {
  const MappedFile file = TRY(MappedFile::open(path));
  if (is_lfs_pointer(file.bytes())) return lfs_pointer(name);
  if (looks_like_a_page(file.bytes())) {
    return Error{ErrorCode::kDamaged,
                 fmt::format("a web page came instead of a model; {}; is the address that of the "
                             "file itself, and does a login stand before it?",
                             escaped(name))};
  }
  if (name.ends_with(".gguf")) {
    TRY(parse_gguf(file.bytes(), name));
  } else if (name.ends_with(".safetensors")) {
    TRY(read_safetensors_table(file.bytes(), name));
  } else if (name.ends_with(".json")) {
    const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()),
                                file.bytes().size());
    if (text.size() > kMaxJsonBytes) {
      return Error{ErrorCode::kDamaged, fmt::format("{} bytes of JSON; {}; do not trust this "
                                                    "source",
                                                    text.size(), escaped(name))};
    }
    if (const auto json = parse_json(text, name, kLimits); !json.ok()) {
      return Error{ErrorCode::kDamaged, json.error().message};
    }
  }
  return {};
}

}  // namespace overtake
