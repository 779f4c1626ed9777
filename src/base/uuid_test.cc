#include "base/uuid.h"

#include <gtest/gtest.h>

#include <set>

namespace overtake {
namespace {

// The example of RFC 9562, appendix A.6.
TEST(Uuid, MatchesTheRfcExample) {
  EXPECT_EQ(format_uuid_v7(0x017F22E279B0, 0xCC3, 0x18C4DC0C0C07398F << 2),
            "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
}

TEST(Uuid, IsUniqueAndSortsByTime) {
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i) seen.insert(make_uuid_v7());
  EXPECT_EQ(seen.size(), 10'000u);
  EXPECT_LT(format_uuid_v7(1000, 0xfff, ~0ull), format_uuid_v7(1001, 0, 0));
}

}  // namespace
}  // namespace overtake
