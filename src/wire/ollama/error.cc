#include "wire/ollama/error.h"

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace overtake::ollama {

std::string error_json(const wire::CallError& error) {
  return dump_json(Json{{"error", error.message}});
}

std::string stream_error(const wire::CallError& error) { return error_json(error) + "\n"; }

}  // namespace overtake::ollama
