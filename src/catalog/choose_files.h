// From the list of a repository's files to those that make one model.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/hub.h"

namespace overtake {

// What was asked for: nothing (the best that is there), a quantization ("Q4_K_M"), or the path of
// one file of the repository.
//   a GGUF file                where the wish names one, or there is no folder of safetensors
//   a folder of safetensors    weights, index, configuration and tokenizer of the root
// Pickles (.bin, .pth) are never chosen. Every chosen name is a safe one (see file_name.h), no two
// are the same in lower case, and the sizes add up to a number. kNotFound lists what is there.
Result<std::vector<RemoteFile>> choose_files(const std::vector<RemoteFile>& all,
                                             std::string_view wish, std::string_view repo);

// The quantizations of the GGUF files: "Q4_K_M", "Q8_0".
std::vector<std::string> quantizations_of(const std::vector<RemoteFile>& all);

}  // namespace overtake
