// The names of activation functions in a checkpoint's settings.
#pragma once

#include <string_view>

#include "base/result.h"
#include "format/checkpoint.h"
#include "tensor/weight.h"

namespace overtake {

// GGUF has no key for it, as each of its architectures has one activation; this is where files of
// this program name another.
inline constexpr std::string_view kActivationKey = "overtake.activation";

// What `key` names, `otherwise` if it is absent; kUnsupported for a name that is not known.
Result<Activation> read_activation(const Metadata& metadata, std::string_view key,
                                   Activation otherwise);
std::string_view activation_name(Activation activation);

}  // namespace overtake
