// overtake.toml: the settings of `overtake serve`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace overtake {

struct ServeConfig {
  std::optional<std::string> host;
  std::optional<uint16_t> port;
  std::vector<std::string> models;  // as on the command line; the first is the default
};

// kInvalidArgument with the line for bad syntax, an unknown key or a value of the wrong type.
Result<ServeConfig> parse_serve_config(std::string_view text, const std::string& path);
Result<ServeConfig> read_serve_config(const std::string& path);

}  // namespace overtake
