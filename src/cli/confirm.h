// A question that a person answers with yes or no.
#pragma once

#include <string>

namespace overtake {

// Asks on the terminal; anything but "y" or "yes" is no. False without asking where nobody can
// answer (no terminal).
bool confirm(const std::string& question);

}  // namespace overtake
