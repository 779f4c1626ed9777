#include "tensor/quant_type.h"

namespace overtake {

const QuantType* find_quant_type(uint32_t gguf_id) {
  for (const QuantType* type : all_quant_types()) {
    if (type->gguf_id == gguf_id) return type;
  }
  return nullptr;
}

const QuantType* find_quant_type(std::string_view name) {
  for (const QuantType* type : all_quant_types()) {
    if (type->name == name) return type;
  }
  return nullptr;
}

}  // namespace overtake
