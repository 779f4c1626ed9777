// The pages of web/dist as they were built into the program (see cmake/web.cmake).
#pragma once

#include <span>

#include "base/embedded_file.h"

namespace overtake {

// "/index.html", "/assets/index-cMYvn-tU.js" ... in the order of their paths.
std::span<const EmbeddedFile> web_pages();

}  // namespace overtake
