#include "wire/betas.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"

namespace overtake::wire {
namespace {

// A token of RFC 9110, section 5.6.2.
bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kOthers.find(c) != kOthers.npos;
  });
}

}  // namespace

std::optional<CallError> read_betas(std::string_view header, std::string_view list,
                                    std::vector<std::string>* out) {
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
    const std::string name(trim(list.substr(0, end)));
    list.remove_prefix(std::min(end + 1, list.size()));
    if (name.empty() || std::ranges::find(*out, name) != out->end()) continue;
    if (!is_token(name) || name.size() > kMaxBetaBytes || out->size() == kMaxBetas) {
      return invalid_field(std::string(header),
                           fmt::format("{}: expected at most {} names, each of at most {} letters, "
                                       "digits and signs such as -",
                                       header, kMaxBetas, kMaxBetaBytes));
    }
    out->push_back(name);
  }
  return std::nullopt;
}

}  // namespace overtake::wire
