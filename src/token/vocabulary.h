// Vocabulary: a model's tokens as its GGUF file lists them, verified.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "format/checkpoint.h"
#include "token/string_table.h"

namespace overtake {

// tokenizer.ggml.token_type, as the GGUF specification numbers it.
enum class TokenType : uint8_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

class Vocabulary {
 public:
  // Reads tokenizer.ggml.tokens and .token_type: kNotFound without tokens, kDamaged if the lists
  // disagree, a name stands twice or a type is none of the above.
  static Result<Vocabulary> read(const Metadata& metadata, std::string_view path);

  int32_t size() const { return names_.size(); }
  std::string_view name(int32_t id) const { return names_[id]; }
  int32_t find(std::string_view name) const { return names_.find(name); }  // -1: none
  TokenType type(int32_t id) const { return types_[id]; }
  // Whether a text may never turn into it unless it is trusted.
  bool is_control(int32_t id) const {
    return types_[id] == TokenType::kControl || types_[id] == TokenType::kUnknown;
  }

 private:
  StringTable names_;
  std::vector<TokenType> types_;
};

// The token that `key` names: -1 if the file has no such key, kDamaged if it is out of range.
Result<int32_t> read_token_id(const Metadata& metadata, std::string_view key, int32_t size,
                              std::string_view path);

}  // namespace overtake
