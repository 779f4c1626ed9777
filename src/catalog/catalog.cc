#include "catalog/catalog.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/json.h"

namespace overtake {

extern const char kCatalogJson[];  // generated from catalog.json by cmake/facts.cmake

namespace {

CatalogEntry read_entry(const Json& model) {
  const Json& hub = model.at("hub");
  CatalogEntry entry{.name = model.at("name"),
                     .title = model.at("title"),
                     .family = model.at("family"),
                     .licence = model.at("licence"),
                     .original = model.at("original"),
                     .n_parameters = model.at("parameters"),
                     .context_length = model.at("context"),
                     .repo = hub.at("repo"),
                     .gated = hub.at("gated")};
  for (const Json& word : hub.at("quantizations")) entry.quantizations.push_back(word);
  if (model.contains("file")) {
    entry.file = model.at("file");
    entry.bytes = model.at("bytes");
    entry.sha256 = model.at("sha256");
  }
  return entry;
}

std::vector<CatalogEntry> read_catalog() {
  const Result<Json> document = parse_json(kCatalogJson, "catalog.json");
  OVERTAKE_CHECK(document.ok());  // it is part of the program
  std::vector<CatalogEntry> entries;
  for (const Json& model : document->at("models")) entries.push_back(read_entry(model));
  return entries;
}

// Bits a weight of the usual mixtures: blocks of the type that gives its name, and larger ones for
// some tensors.
struct BitsPerWeight {
  std::string_view quantization;
  double bits;
};
constexpr std::array kBits = {BitsPerWeight{"Q4_K_M", 4.9}, BitsPerWeight{"Q5_K_M", 5.7},
                              BitsPerWeight{"Q6_K", 6.6},   BitsPerWeight{"Q8_0", 8.5},
                              BitsPerWeight{"Q4_1", 5.0},   BitsPerWeight{"", 16.0}};

}  // namespace

uint64_t CatalogEntry::estimated_bytes(std::string_view quantization) const {
  if (bytes > 0) return bytes;
  const auto found = std::ranges::find(kBits, quantization, &BitsPerWeight::quantization);
  const double bits = found == kBits.end() ? 16.0 : found->bits;
  return static_cast<uint64_t>(static_cast<double>(n_parameters) * bits / 8);
}

std::span<const CatalogEntry> catalog() {
  static const std::vector<CatalogEntry> entries = read_catalog();
  return entries;
}

const CatalogEntry* find_in_catalog(std::string_view name) {
  const std::span<const CatalogEntry> entries = catalog();
  const auto found = std::ranges::find(entries, name, &CatalogEntry::name);
  return found == entries.end() ? nullptr : &*found;
}

}  // namespace overtake
