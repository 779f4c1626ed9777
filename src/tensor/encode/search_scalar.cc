// The search for codes, compiled for any x86-64.
#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

#include "tensor/cpu/isa_region.h"
#include "tensor/encode/search.h"

namespace overtake::scalar {
namespace {
#include "tensor/encode/search.inl.h"
}  // namespace
}  // namespace overtake::scalar

namespace overtake {
Search search_scalar(const SearchSpec& spec) { return scalar::choose_search(spec); }
}  // namespace overtake
