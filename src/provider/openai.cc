// OpenAI: models named openai/MODEL. Chat completions answer where they can say what is asked, as
// every server behind OPENAI_BASE_URL knows them; Responses answer for the rest.
#include <algorithm>

#include "provider/remote/provider.h"
#include "wire/openai/client.h"

namespace overtake {
namespace {

// Families that are served at /responses alone, by a word of their names (those that the Python
// package openai 3.54.0 lists for Responses and not for chat).
constexpr std::string_view kFamilies[] = {"pro",   "codex",    "deep-research", "computer-use",
                                          "cyber", "daybreak", "rosalind",      "law"};
constexpr std::string_view kOpenAiNames[] = {"gpt-", "o1-",    "o3-",
                                             "o4-",  "codex-", "computer-use-"};

// "pro" is a word of "o3-pro-2025-06-10", and none of "gpt-prof".
bool has_word(std::string_view name, std::string_view word) {
  for (size_t at = name.find(word); at != name.npos; at = name.find(word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || name[at - 1] == '-') && (end == name.size() || name[end] == '-')) return true;
  }
  return false;
}

bool is_for_responses_alone(std::string_view model) {
  return std::ranges::any_of(kOpenAiNames, [&](auto begin) { return model.starts_with(begin); }) &&
         std::ranges::any_of(kFamilies, [&](auto family) { return has_word(model, family); });
}

const wire::ClientDialect* dialect_for(const GenerateRequest& request) {
  const bool responses = is_for_responses_alone(request.model) || openai::needs_responses(request);
  return responses ? &openai::responses_client_dialect : &openai::client_dialect;
}

Result<std::vector<Upstream>> upstreams(const Environment& environment) {
  return vendor_upstream({.name = "openai",
                          .key_variable = "OPENAI_API_KEY",
                          .url_variable = "OPENAI_BASE_URL",
                          .default_url = "https://api.openai.com/v1"},
                         environment);
}

}  // namespace

OVERTAKE_ENTRY(Provider, provider_openai) = {&openai::client_dialect, bearer_header, upstreams,
                                             dialect_for};

}  // namespace overtake
