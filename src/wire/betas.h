// Betas: the unfinished features of a vendor's API that a client counts on, by their names, as its
// headers list them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/call_error.h"

namespace overtake::wire {

constexpr size_t kMaxBetas = 32;
constexpr size_t kMaxBetaBytes = 128;

// Adds the names in `list`, the value of one header `header`: "a, b". What is no name is an error:
// these go into a header of another request.
std::optional<CallError> read_betas(std::string_view header, std::string_view list,
                                    std::vector<std::string>* out);

}  // namespace overtake::wire
