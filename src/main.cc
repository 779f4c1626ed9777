// The program `overtake`: everything it does is a command in cli/command/.
#include "cli/cli.h"

int main(int argc, char** argv) { return overtake::run_command_line(argc, argv); }
