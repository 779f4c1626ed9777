#include "catalog/catalog.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/json.h"

namespace overtake {

extern const char kCatalogJson[];  // generated from catalog.json by cmake/catalog.cmake

namespace {

std::vector<CatalogEntry> read_catalog() {
  const Result<Json> document = parse_json(kCatalogJson, "catalog.json");
  OVERTAKE_CHECK(document.ok());  // it is part of the program
  std::vector<CatalogEntry> entries;
  for (const Json& model : document->at("models")) {
    entries.push_back({.name = model.at("name"),
                       .title = model.at("title"),
                       .family = model.at("family"),
                       .licence = model.at("licence"),
                       .file = model.at("file"),
                       .bytes = model.at("bytes"),
                       .sha256 = model.at("sha256")});
  }
  return entries;
}

}  // namespace

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
