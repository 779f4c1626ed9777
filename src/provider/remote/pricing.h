// Pricing: which prices hold for an answer of a remote model, if any are known.
#pragma once

#include <string_view>

#include "engine/generate_request.h"
#include "provider/remote/price_table.h"
#include "provider/remote/provider.h"

namespace overtake {

// The prices of `model` when `answering` says it answers (empty: it says nothing). The operator's
// rows go first and are for any upstream; the built-in ones are the vendors' own, and what answers
// under another name than the one that was asked is not taken for it.
const ModelPrices* find_prices(const Upstream& upstream, const PriceTable& own,
                               std::string_view model, std::string_view answering);

// Whether tokens and their usual prices are all that it costs. Vendors charge sound and the tools
// that they run themselves by other measures, and a tier of service at other prices.
bool costs_tokens_only(const GenerateRequest& request);

}  // namespace overtake
