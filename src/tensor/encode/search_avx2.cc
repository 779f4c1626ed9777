// The search for codes, compiled for AVX2.
#if defined(__x86_64__)

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

#include "tensor/cpu/isa_region.h"
#include "tensor/encode/search.h"

OVERTAKE_REGION_BEGIN(OVERTAKE_AVX2_FEATURES)
namespace overtake::avx2 {
namespace {
#include "tensor/encode/search.inl.h"
}  // namespace
}  // namespace overtake::avx2
OVERTAKE_REGION_END

namespace overtake {
Search search_avx2(const SearchSpec& spec) { return avx2::choose_search(spec); }
}  // namespace overtake

#endif
