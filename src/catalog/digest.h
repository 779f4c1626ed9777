// The digest by which a file of the catalogue is known.
#pragma once

#include <string>

#include "base/result.h"

namespace overtake {

// SHA-256 (FIPS 180-4) of a file's bytes, lower-case hexadecimal.
Result<std::string> sha256_of_file(const std::string& path);

}  // namespace overtake
