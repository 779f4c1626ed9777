# A registry folder: every FOLDER/x.cc defines `const TYPE PREFIX_x`, and this generates the table of them,
# `std::span<const TYPE* const> ACCESSOR()`, declared in HEADER. A file without its entry is a link error.
# usage: overtake_registry(SOURCES_VAR FOLDER TYPE PREFIX ACCESSOR HEADER)
function(overtake_registry sources folder type prefix accessor header)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${folder}/*.cc)
  list(FILTER files EXCLUDE REGEX "_test\\.cc$")
  list(SORT files)
  set(externs "")
  set(entries "")
  foreach(file IN LISTS files)
    get_filename_component(stem ${file} NAME_WE)
    string(APPEND externs "extern const ${type} ${prefix}_${stem};\n")
    string(APPEND entries "    &${prefix}_${stem},\n")
  endforeach()
  set(body "  static const ${type}* const table[] = {\n${entries}  };\n  return table;\n")
  if(NOT files)
    set(body "  return {};\n")
  endif()
  string(REPLACE "/" "_" stem ${folder})
  set(out ${CMAKE_BINARY_DIR}/generated/${stem}_table.cc)
  file(CONFIGURE OUTPUT ${out} CONTENT
"// Generated from the files of src/${folder}.
#include <span>

#include \"${header}\"

namespace overtake {
${externs}
std::span<const ${type}* const> ${accessor}() {
${body}}
}  // namespace overtake
")
  set(${sources} ${${sources}} ${out} PARENT_SCOPE)
endfunction()
