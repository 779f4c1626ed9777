// Defines one entry of a registry folder (see cmake/registry.cmake): external linkage, constant.
#pragma once

#define OVERTAKE_ENTRY(Type, name) \
  extern const Type name;          \
  const Type name
