// JSON from outside, parsed within bounds, and the accessors that turn a wrong type into an error.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace overtake {

// Keys keep their order of arrival: requests pass through unchanged, answers read as documented.
using Json = nlohmann::ordered_json;

struct JsonLimits {
  int max_depth = 64;
  size_t max_values = 1 << 20;  // objects, arrays, numbers, strings ... in one document
};

// `text` as JSON (RFC 8259): kInvalidArgument with byte position for bad syntax, bad UTF-8, a
// duplicate key, a number that is not finite, or a document beyond `limits`. `what` names the
// document in the message ("request body", "config.json").
Result<Json> parse_json(std::string_view text, std::string_view what, JsonLimits limits = {});

// Text of a value; invalid UTF-8 in strings becomes U+FFFD, so that it never throws.
std::string dump_json(const Json& value, int indent = -1);

}  // namespace overtake
