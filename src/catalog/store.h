// The store: from what a person calls a model to the file or folder that holds it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace overtake {

// $OVERTAKE_HOME, or ~/.local/share/overtake. Never ends in a slash; may not exist.
std::string overtake_home();

struct ResolvedModel {
  std::string name;  // as the API calls it: the store's name, or the file's without its ending
  std::string path;  // a file, or a folder with config.json, for open_checkpoint
};

// Whether a model of the store may be called so: [a-z0-9._-]+, beginning with a letter or a digit.
bool is_model_name(std::string_view name);

// MODEL of the command line: a name in the store ("" is the default model), or the path of a file
// or folder. A name wins over a path of the same spelling; write ./NAME for the path. kNotFound
// says how to get the model.
Result<ResolvedModel> resolve_model(std::string_view model);

// Every model in the store, by name; folders that hold none are left out.
std::vector<ResolvedModel> installed_models();

}  // namespace overtake
