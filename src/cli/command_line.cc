#include "cli/command_line.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>

namespace overtake {

Option Option::required() {
  option_->required();
  return *this;
}

Option Option::range(int64_t low, int64_t high) {
  option_->check(CLI::Range(low, high).description(fmt::format("{} to {}", low, high)));
  return *this;
}

Option Option::positive() {
  option_->check(CLI::PositiveNumber);
  return *this;
}

Option Option::excludes(Option other) {
  option_->excludes(other.option_);
  return *this;
}

Option Option::shows_default() {
  option_->capture_default_str();
  return *this;
}

Option Option::hidden() {
  option_->group("");
  return *this;
}

bool Option::given() const { return option_->count() > 0; }

template <typename T>
Option CommandLine::add(const char* name, T& into, const char* help) {
  CLI::Option* option = app_.add_option(name, into, help);
  // "--stop a b": b is not another --stop.
  if (name[0] == '-') option->allow_extra_args(false);
  return Option(option);
}

Option CommandLine::flag(const char* name, bool& into, const char* help) {
  return Option(app_.add_flag(name, into, help));
}

template Option CommandLine::add(const char*, std::string&, const char*);
template Option CommandLine::add(const char*, std::vector<std::string>&, const char*);
template Option CommandLine::add(const char*, int&, const char*);
template Option CommandLine::add(const char*, int64_t&, const char*);
template Option CommandLine::add(const char*, uint16_t&, const char*);
template Option CommandLine::add(const char*, double&, const char*);
template Option CommandLine::add(const char*, std::optional<int>&, const char*);
template Option CommandLine::add(const char*, std::optional<int64_t>&, const char*);
template Option CommandLine::add(const char*, std::optional<uint64_t>&, const char*);
template Option CommandLine::add(const char*, std::optional<double>&, const char*);

}  // namespace overtake
