// Price: what a model's tokens cost the operator, and an answer's cost by it. Money is int64
// nano-USD: a dollar per million tokens is 1000 a token.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace overtake {

struct UsageEvent;

// Nano-USD a token.
struct TokenPrices {
  int64_t input = 0;
  int64_t cached_input = 0;  // read from a cache
  int64_t cache_write = 0;   // written to one
  int64_t output = 0;
};

struct ModelPrices {
  TokenPrices tokens;
  // Of requests whose prompt has more than this; 0: all have the same prices.
  int64_t long_prompt_above = 0;
  TokenPrices long_prompt;
  std::string as_of;  // the day that the prices were read: "2026-11-24"
};

// What `usage` costs; nothing where it counts no prompt, contradicts itself or is beyond int64.
std::optional<int64_t> cost_nano_usd(const ModelPrices& prices, const UsageEvent& usage);

}  // namespace overtake
