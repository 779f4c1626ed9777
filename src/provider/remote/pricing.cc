#include "provider/remote/pricing.h"

#include <algorithm>
#include <string>
#include <type_traits>
#include <variant>

namespace overtake {
namespace {

// Anthropic's cache of an hour ("ttl": "1h") costs more than the usual one.
bool wants_longer_cache(const ExtraFields& extra) { return extra.find("\"1h\"") != extra.npos; }

// Anthropic's betas that change the price of no token. The others may: a longer context does.
bool is_free(std::string_view beta) {
  constexpr std::string_view kFree[] = {
      "claude-code-",          "computer-use-",       "context-management-",
      "extended-cache-ttl-",   "files-api-",          "fine-grained-tool-streaming-",
      "interleaved-think",     "output-128k-",        "pdfs-",
      "prompt-caching-",       "structured-outputs-", "token-counting-",
      "token-efficient-tools-"};
  return std::ranges::any_of(kFree, [&](std::string_view each) { return beta.starts_with(each); });
}

}  // namespace

const ModelPrices* find_prices(const Upstream& upstream, const PriceTable& own,
                               std::string_view model, std::string_view answering) {
  const std::string prefix = upstream.name + "/";
  const std::string asked = prefix + std::string(model);
  const std::string named = answering.empty() ? asked : prefix + std::string(answering);
  if (const ModelPrices* found = own.find(named)) return found;
  if (const ModelPrices* found = own.find(asked)) return found;
  return upstream.is_vendor ? PriceTable::built_in().find(named) : nullptr;
}

bool costs_tokens_only(const GenerateRequest& request) {
  for (const char* member : {"\"service_tier\"", "\"speed\"", "\"inference_geo\"", "\"modalities\"",
                             "\"web_search_options\"", "\"mcp_servers\""}) {
    if (request.extra.find(member) != std::string::npos) return false;
  }
  if (wants_longer_cache(request.extra)) return false;
  if (!std::ranges::all_of(request.betas, is_free)) return false;
  const auto* chat = std::get_if<ChatPrompt>(&request.prompt);
  if (!chat) return true;
  const auto is_other_part = [](const ContentPart& part) {
    const auto is_other = [](const auto& each) {
      using Part = std::decay_t<decltype(each)>;
      if constexpr (std::is_same_v<Part, AudioPart>) return true;
      if constexpr (requires { each.extra; }) return wants_longer_cache(each.extra);
      return false;
    };
    return std::visit(is_other, part);
  };
  return std::ranges::none_of(chat->messages,
                              [&](const Message& message) {
                                return wants_longer_cache(message.extra) ||
                                       std::ranges::any_of(message.content, is_other_part);
                              }) &&
         std::ranges::none_of(chat->tools, [](const ToolSpec& tool) {
           return tool.name.empty() || wants_longer_cache(tool.extra);
         });
}

}  // namespace overtake
