// A folder as Hugging Face publishes a model: config.json, generation_config.json and the tensors
// in model.safetensors, or in shards that model.safetensors.index.json lists.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "format/checkpoint.h"

namespace overtake {

struct HfFolder {
  std::vector<MappedFile> files;  // which the tensors' bytes lie in
  ParsedTensors parsed;
};

// generation_config.json's keys come under "generation_config.".
Result<HfFolder> read_hf_folder(const std::string& path);

// Adds a JSON object's values to `metadata`, their keys joined with dots behind `prefix`. An array
// of values of one kind stays an array; the elements of others get their number as key. kDamaged
// for a document that is no object, or two values that would get the same key.
Status flatten_config(std::string_view text, std::string_view file, const std::string& prefix,
                      Metadata* metadata);

}  // namespace overtake
