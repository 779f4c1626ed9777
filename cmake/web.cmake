# Builds every file under web/dist into the program: their bytes by the assembler (.incbin), and a
# table of path, content type, ETag and size. A file that comes, goes or changes builds it anew.
set(web_dist ${CMAKE_SOURCE_DIR}/web/dist)
file(GLOB_RECURSE web_files CONFIGURE_DEPENDS RELATIVE ${web_dist} ${web_dist}/*)
if(NOT "index.html" IN_LIST web_files)
  message(FATAL_ERROR "the pages are missing; ${web_dist}/index.html; restore the folder with "
                      "`git checkout web/dist`, or build it with `make pages`")
endif()

set(web_type_html "text/html; charset=utf-8")
set(web_type_js "text/javascript; charset=utf-8")
set(web_type_css "text/css; charset=utf-8")
set(web_type_svg "image/svg+xml")
set(web_type_png "image/png")
set(web_type_ico "image/x-icon")
set(web_type_json "application/json")
set(web_type_webmanifest "application/manifest+json")
set(web_type_woff2 "font/woff2")
set(web_type_txt "text/plain; charset=utf-8")

set(web_assembly "# Generated from web/dist.\n.section .rodata\n")
set(web_externs "")
set(web_entries "")
set(web_depends "")
set(web_index 0)
foreach(file IN LISTS web_files)
  set(path ${web_dist}/${file})
  list(APPEND web_depends ${path})
  string(REGEX REPLACE "^.*\\." "" extension ${file})
  if(NOT DEFINED web_type_${extension})
    message(FATAL_ERROR "no content type is known for .${extension}; ${path}; add it to "
                        "cmake/web.cmake")
  endif()
  file(SHA256 ${path} digest)
  string(SUBSTRING ${digest} 0 32 digest)
  set(symbol overtake_web_${web_index})
  string(APPEND web_assembly ".global ${symbol}, ${symbol}_end\n${symbol}:\n"
                             ".incbin \"${path}\"\n${symbol}_end:\n.byte 0\n")
  string(APPEND web_externs "extern const char ${symbol}[], ${symbol}_end[];\n")
  string(APPEND web_entries
         "      {\"/${file}\", \"${web_type_${extension}}\", \"\\\"${digest}\\\"\", "
         "{${symbol}, size(${symbol}, ${symbol}_end)}},\n")
  math(EXPR web_index "${web_index} + 1")
endforeach()
# An executable stack is what the linker assumes of assembly that does not say otherwise.
string(APPEND web_assembly ".section .note.GNU-stack,\"\",%progbits\n")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${web_depends})

set(web_assembly_file ${CMAKE_BINARY_DIR}/generated/web_files.s)
file(CONFIGURE OUTPUT ${web_assembly_file} CONTENT "${web_assembly}" @ONLY)
set_source_files_properties(${web_assembly_file} PROPERTIES OBJECT_DEPENDS "${web_depends}")
set(web_table_file ${CMAKE_BINARY_DIR}/generated/web_table.cc)
file(CONFIGURE OUTPUT ${web_table_file} @ONLY CONTENT
"// Generated from the files of web/dist.
#include \"web/pages.h\"

extern \"C\" {
@web_externs@}

namespace overtake {

std::span<const EmbeddedFile> web_pages() {
  const auto size = [](const char* begin, const char* end) {
    return static_cast<size_t>(end - begin);
  };
  static const EmbeddedFile table[] = {
@web_entries@  };
  return table;
}

}  // namespace overtake
")
list(APPEND core_sources ${web_assembly_file} ${web_table_file})
