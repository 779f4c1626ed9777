// The command line as a whole: finds the command, parses, runs, reports errors.
#pragma once

namespace overtake {

int run_command_line(int argc, char** argv);

}  // namespace overtake
