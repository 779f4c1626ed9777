// The catalogue: models that have a short name, with what is known of each before it is fetched.
// Its data stand in catalog.json, which is built into the program.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace overtake {

constexpr std::string_view kDefaultModel = "smollm2";

struct CatalogEntry {
  std::string name;            // "smollm2": [a-z0-9._-]+
  std::string title;           // for people
  std::string family;          // "llama"
  std::string licence;         // SPDX id, or LicenseRef-... for licences that SPDX does not list
  std::string original;        // the makers' repository on the hub
  uint64_t n_parameters = 0;   // to three digits
  int64_t context_length = 0;  // 0: no bound
  // Where pull finds it: a repository on the hub, and the quantizations in it that are good, the
  // first being the default; none: a folder of safetensors.
  std::string repo;
  std::vector<std::string> quantizations;
  bool gated = false;  // the hub wants a licence accepted first
  // Of the one file in the store, where that is known beforehand; else the hub publishes them.
  std::string file;
  uint64_t bytes = 0;
  std::string sha256;  // lower-case hexadecimal

  // The bytes to fetch, where they are known, else what parameters and quantization make.
  uint64_t estimated_bytes(std::string_view quantization) const;
};

std::span<const CatalogEntry> catalog();
const CatalogEntry* find_in_catalog(std::string_view name);  // null if unknown

}  // namespace overtake
