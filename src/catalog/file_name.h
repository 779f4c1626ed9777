// Names of files as servers give them: what may become a file in a model's folder.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace overtake {

// kPermissionDenied, with what is wrong, for a name that is not a plain file name everywhere:
// separators, "..", hidden, control characters, broken UTF-8, reserved by Windows, ends in a dot or
// blank, characters that shells or file systems treat specially, longer than 200 bytes, or ours.
Status check_file_name(std::string_view name);

// The name in lower case: two files of one folder may not share it (file systems that ignore case).
std::string folded_file_name(std::string_view name);

// What holds pickles, or code: never fetched, never read.
bool is_pickle_name(std::string_view name);

// A store's name (see is_model_name) made from any text: lower case, other characters as "-".
std::string model_name_from(std::string_view text);

}  // namespace overtake
