// The search for codes, compiled for AVX-512.
#if defined(__x86_64__)

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

#include "tensor/cpu/isa_region.h"
#include "tensor/encode/search.h"

OVERTAKE_REGION_BEGIN(OVERTAKE_AVX512_FEATURES)
namespace overtake::avx512 {
namespace {
#include "tensor/encode/search.inl.h"
}  // namespace
}  // namespace overtake::avx512
OVERTAKE_REGION_END

namespace overtake {
Search search_avx512(const SearchSpec& spec) { return avx512::choose_search(spec); }
}  // namespace overtake

#endif
