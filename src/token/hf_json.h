// Reading the JSON files beside a Hugging Face tokenizer: fields with their types held against what
// is expected, and errors that name the file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "format/message.h"

namespace overtake::hf {

// The file at `path` as JSON; nullopt if there is none.
Result<std::optional<Json>> read_json_file(const std::string& path);

// Null where the object has no such field or it is null.
const Json* field(const Json& object, std::string_view name);

// nullopt for an absent field; kDamaged for one of another type.
Result<std::optional<bool>> find_bool(const Json& object, std::string_view name,
                                      std::string_view file);
Result<std::optional<std::string>> find_string(const Json& object, std::string_view name,
                                               std::string_view file);
// As above, or `otherwise`.
Result<bool> bool_or(const Json& object, std::string_view name, bool otherwise,
                     std::string_view file);

// A token id: kDamaged where it is no integer from 0 to kMaxTokenId.
constexpr int64_t kMaxTokenId = (1 << 24) - 1;
Result<int64_t> token_id(const Json& value, std::string_view what, std::string_view file);

Error unsupported(std::string_view what, std::string_view file);

}  // namespace overtake::hf
