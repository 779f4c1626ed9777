#include "cli/serve_config.h"

#include <fmt/core.h>
#include <toml++/toml.h>

#include <sstream>

#include "base/file.h"

namespace overtake {
namespace {

constexpr uint64_t kMaxConfigBytes = 1 << 20;

Error config_error(const std::string& path, const toml::source_region& where,
                   std::string_view what) {
  return {ErrorCode::kInvalidArgument,
          fmt::format("{}; {} line {}; correct it", what, path, where.begin.line)};
}

}  // namespace

Result<ServeConfig> parse_serve_config(std::string_view text, const std::string& path) {
  ServeConfig config;
  try {
    const toml::table table = toml::parse(text);
    for (const auto& entry : table) {
      // Not a structured binding: clang 14, which builds the fuzzers, can not capture those.
      const toml::key& key = entry.first;
      const toml::node& value = entry.second;
      const auto wrong = [&](std::string_view expected) {
        return config_error(path, value.source(),
                            fmt::format("{}: expected {}", key.str(), expected));
      };
      if (key == "host") {
        config.host = value.value_exact<std::string>();
        if (!config.host) return wrong("a string");
      } else if (key == "port") {
        const auto port = value.value_exact<int64_t>();
        if (!port || *port < 0 || *port > 65535) return wrong("an integer from 0 to 65535");
        config.port = static_cast<uint16_t>(*port);
      } else if (key == "models") {
        if (!value.is_array()) return wrong("an array of strings");
        for (const auto& model : *value.as_array()) {
          const auto name = model.value_exact<std::string>();
          if (!name) return wrong("an array of strings");
          config.models.push_back(*name);
        }
      } else {
        return config_error(
            path, key.source(),
            fmt::format("unknown setting \"{}\" (known: host, port, models)", key.str()));
      }
    }
  } catch (const toml::parse_error& error) {
    return config_error(path, error.source(), error.description());
  }
  return config;
}

Result<ServeConfig> read_serve_config(const std::string& path) {
  const std::string text = TRY(read_file(path, kMaxConfigBytes));
  return parse_serve_config(text, path);
}

}  // namespace overtake
