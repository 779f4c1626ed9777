// EmbeddedFile: a file that was built into the program.
#pragma once

#include <string_view>

namespace overtake {

struct EmbeddedFile {
  std::string_view path;  // as a URL has it: "/assets/app.js"
  std::string_view content_type;
  std::string_view etag;  // quoted
  std::string_view bytes;
};

}  // namespace overtake
