// The CPU as a device: kernels chosen at run time among scalar, AVX2, AVX2 with
// VNNI, AVX-512 with VNNI, and AMX.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "parallel/thread_pool.h"
#include "tensor/ops.h"

namespace overtake {

class PackedCopy;

// When decoding, all vector instruction sets give the same bits. AMX is AVX-512 with a matrix unit,
// on which prompts multiply bf16.
enum class Isa { kScalar, kAvx2, kAvxVnni, kAvx512, kAmx };

std::string_view isa_name(Isa isa);  // "scalar", "avx2", "avxvnni", "avx512", "amx"
// What this processor and kernel allow, weakest first.
std::vector<Isa> supported_isas();
// Instructions that only some processors of an Isa have.
enum class Extension { kAvx512Bf16, kAmxBf16 };
bool has_extension(Extension extension);
// OVERTAKE_ISA where it is set (an error if unknown or not supported here), else the strongest.
Result<Isa> choose_isa();

// `pool` must outlive the backend and all that it makes. Weights come from `copy` where it has
// them; it must live while there is packing to do.
std::unique_ptr<Backend> make_cpu_backend(ThreadPool& pool, Isa isa, PackedCopy* copy = nullptr);

// How wide the layout of packed weights is: they serve all instruction sets of the same width.
int packed_lanes(Isa isa);

}  // namespace overtake
