#include "engine/price.h"

#include "base/checked.h"
#include "engine/event.h"

namespace overtake {

std::optional<int64_t> cost_nano_usd(const ModelPrices& prices, const UsageEvent& usage) {
  // An upstream that counts nothing says zeros: an answer has a prompt, and no answer is free.
  if (usage.prompt_tokens <= 0 || usage.cached_tokens < 0 || usage.cache_write_tokens < 0 ||
      usage.completion_tokens < 0) {
    return std::nullopt;
  }
  const auto from_cache = checked_add(usage.cached_tokens, usage.cache_write_tokens);
  if (!from_cache || *from_cache > usage.prompt_tokens) return std::nullopt;
  const bool is_long =
      prices.long_prompt_above > 0 && usage.prompt_tokens > prices.long_prompt_above;
  const TokenPrices& price = is_long ? prices.long_prompt : prices.tokens;
  struct Item {
    int64_t n_tokens;
    int64_t price;
  };
  int64_t sum = 0;
  for (const Item& item : {Item{usage.prompt_tokens - *from_cache, price.input},
                           Item{usage.cached_tokens, price.cached_input},
                           Item{usage.cache_write_tokens, price.cache_write},
                           Item{usage.completion_tokens, price.output}}) {
    const auto part = checked_mul(item.n_tokens, item.price);
    const auto total = part ? checked_add(sum, *part) : std::nullopt;
    if (!total) return std::nullopt;
    sum = *total;
  }
  return sum;
}

}  // namespace overtake
