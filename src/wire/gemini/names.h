// Members of Gemini's requests, which may be spelled two ways (protobuf's JSON mapping): camelCase,
// as documented, and snake_case.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "wire/fields.h"

namespace overtake::gemini {

// The spelling of `camel` that the object uses; `camel` if it has neither.
std::string spelled(const wire::Fields& fields, std::string_view camel);
// As wire::Fields::extra, for members in either spelling.
std::string extra_of(const wire::Fields& fields, std::initializer_list<std::string_view> known);

}  // namespace overtake::gemini
