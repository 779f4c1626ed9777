// CommandLine: what a command takes from the command line. Only command_line.cc knows the parser,
// whose headers cost seconds in every file that includes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace overtake {

// One option, to say more about it. Copies mean the same option.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}
  Option required();
  Option range(int64_t low, int64_t high);
  Option positive();
  Option excludes(Option other);
  Option shows_default();  // in the help, as the variable has it now
  Option hidden();         // not in the help
  bool given() const;      // after parsing

 private:
  CLI::Option* option_;
};

// The options of one command, for its setup(). Variables must live until the command has run.
class CommandLine {
 public:
  explicit CommandLine(CLI::App& app) : app_(app) {}
  // "--name" or, for an argument by place, "NAME". What is absent leaves `into` as it is. A list
  // by name takes one value each time it is given, a list by place all that are left. T is one
  // of std::string, std::vector<std::string>, int, int64_t, uint16_t, double, and std::optional of
  // a number.
  template <typename T>
  Option add(const char* name, T& into, const char* help);
  Option flag(const char* name, bool& into, const char* help);

 private:
  CLI::App& app_;
};

}  // namespace overtake
