#include "wire/gemini/names.h"

#include <vector>

namespace overtake::gemini {
namespace {

std::string snake_case(std::string_view camel) {
  std::string out;
  for (const char c : camel) {
    if (c >= 'A' && c <= 'Z') {
      out += '_';
      out += static_cast<char>(c - 'A' + 'a');
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string spelled(const wire::Fields& fields, std::string_view camel) {
  if (fields.find(camel)) return std::string(camel);
  std::string snake = snake_case(camel);
  return fields.find(snake) ? snake : std::string(camel);
}

std::string extra_of(const wire::Fields& fields, std::initializer_list<std::string_view> known) {
  std::vector<std::string> snake;
  for (const std::string_view name : known) snake.push_back(snake_case(name));
  std::vector<std::string_view> all(known);
  all.insert(all.end(), snake.begin(), snake.end());
  return fields.extra(all);
}

}  // namespace overtake::gemini
