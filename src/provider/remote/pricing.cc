#include "provider/remote/pricing.h"

#include <algorithm>
#include <string>
#include <type_traits>
#include <variant>

namespace overtake {
namespace {

// Anthropic's cache of an hour ("ttl": "1h") costs more than the usual one.
bool wants_longer_cache(const ExtraFields& extra) { return extra.find("\"1h\"") != extra.npos; }

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
