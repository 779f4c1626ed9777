# Builds src/catalog/catalog.json into the program as one string.
set(catalog_json ${CMAKE_SOURCE_DIR}/src/catalog/catalog.json)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${catalog_json})
file(READ ${catalog_json} catalog_text)
set(catalog_source ${CMAKE_BINARY_DIR}/generated/catalog_json.cc)
file(CONFIGURE OUTPUT ${catalog_source} @ONLY CONTENT
"// Generated from src/catalog/catalog.json.
namespace overtake {
extern const char kCatalogJson[];
const char kCatalogJson[] = R\"catalog(@catalog_text@)catalog\";
}  // namespace overtake
")
list(APPEND core_sources ${catalog_source})
