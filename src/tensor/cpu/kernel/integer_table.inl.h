// The table of integer kernels of one instruction set. Included after matmul_integer.inl.h.

template <KernelForm kForm>
constexpr IntegerKernels make_integer_kernels() {
  // Unpacked, the layout and the levels make no difference.
  constexpr KernelForm kPanel = {kForm.dot_bits, kForm.group, false, kForm.has_min};
  IntegerKernels out = {
      kForm,
      {multiply_packed<kForm, 1>, multiply_packed<kForm, 2>, multiply_packed<kForm, 3>,
       multiply_packed<kForm, 4>},
      unpack_tile<kForm, false>,
      nullptr,
      {multiply_panel<kPanel, 1>, multiply_panel<kPanel, 2>, multiply_panel<kPanel, 3>,
       multiply_panel<kPanel, 4>, multiply_panel<kPanel, 5>, multiply_panel<kPanel, 6>,
       multiply_panel<kPanel, 7>, multiply_panel<kPanel, 8>}};
  if constexpr (folds_into_bytes(kForm.dot_bits)) out.unpack_folded = unpack_tile<kForm, true>;
  return out;
}

template <size_t... kIndex>
constexpr std::array<IntegerKernels, sizeof...(kIndex)> make_integer_table(
    std::index_sequence<kIndex...>) {
  return {make_integer_kernels<kIntegerForms[kIndex]>()...};
}

constexpr auto integer_kernels = make_integer_table(std::make_index_sequence<kIntegerFormCount>());
