# Builds JSON files of facts into the program, each as one string.
function(overtake_json_text sources file constant)
  set(json ${CMAKE_SOURCE_DIR}/src/${file})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${json})
  file(READ ${json} text)
  string(MAKE_C_IDENTIFIER ${file} name)
  set(source ${CMAKE_BINARY_DIR}/generated/${name}.cc)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT
"// Generated from src/@file@.
namespace overtake {
extern const char @constant@[];
const char @constant@[] = R\"json(@text@)json\";
}  // namespace overtake
")
  set(${sources} ${${sources}} ${source} PARENT_SCOPE)
endfunction()

overtake_json_text(core_sources catalog/catalog.json kCatalogJson)
overtake_json_text(core_sources provider/prices.json kPricesJson)
