// What a JSON schema says, as a list of parts that all hold: $ref and allOf resolved.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace overtake {

enum JsonType : uint8_t {
  kJsonNull = 1,
  kJsonBoolean = 2,
  kJsonInteger = 4,
  kJsonNumber = 8,  // with integers
  kJsonString = 16,
  kJsonArray = 32,
  kJsonObject = 64,
};
constexpr uint8_t kAnyJsonType = 127;

// An error at a place of a schema ("#/properties/a").
Error schema_error(ErrorCode code, std::string_view what, std::string_view path,
                   std::string_view remedy);

// Every part is an object without $ref and allOf. An empty list allows everything.
using SchemaParts = std::vector<Json>;

class SchemaReader {
 public:
  explicit SchemaReader(const Json& root) : root_(root) {}

  const Json& root() const { return root_; }
  // The schema that a $ref names.
  Result<const Json*> resolve(const std::string& ref, std::string_view path) const;
  // nullopt: nothing is valid.
  Result<std::optional<SchemaParts>> expand(const std::vector<Json>& schemas,
                                            std::string_view path) const;
  // The types that all parts allow; where none names them, those that their keywords are about;
  // where there are none, all.
  static Result<uint8_t> types_of(const SchemaParts& parts, std::string_view path);

 private:
  const Json& root_;
};

// Of a value as a schema's type has it.
uint8_t type_of(const Json& value);
// Whether the schema says no more than what can be seen in a $ref: its other members are notes.
bool is_plain_ref(const Json& schema);

}  // namespace overtake
