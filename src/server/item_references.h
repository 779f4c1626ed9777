// Items that a Responses request only names: they are looked up among what is kept.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "server/endpoint.h"
#include "wire/call_error.h"

namespace overtake {

// Puts them in their places in the request's input; a name that is not known stays, and is refused
// by the parser.
std::optional<wire::CallError> resolve_references(const ServerContext& context,
                                                  const std::string& tenant, Json* body);

}  // namespace overtake
