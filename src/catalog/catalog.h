// The catalogue: models that have a short name, with what is known of each before it is fetched.
// Its data stand in catalog.json, which is built into the program.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace overtake {

constexpr std::string_view kDefaultModel = "smollm2";

struct CatalogEntry {
  std::string name;     // "smollm2": [a-z0-9._-]+
  std::string title;    // for people
  std::string family;   // "llama"
  std::string licence;  // SPDX id
  std::string file;     // its name in the store
  uint64_t bytes = 0;   // of that file
  std::string sha256;   // of that file, lower-case hexadecimal
};

std::span<const CatalogEntry> catalog();
const CatalogEntry* find_in_catalog(std::string_view name);  // null if unknown

}  // namespace overtake
