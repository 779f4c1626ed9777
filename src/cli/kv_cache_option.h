// --kv-cache-type: the same option of every command that runs a model, or tells what one takes.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "cli/command_line.h"
#include "tensor/sequence_state.h"

namespace overtake {

void add_kv_cache_option(CommandLine& line, std::string& name);

// Nothing where the option was not given; kInvalidArgument for a type that there is not.
Result<std::optional<KvType>> read_kv_cache_type(const std::string& name);

}  // namespace overtake
