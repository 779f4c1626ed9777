#include "wire/base64.h"

#include <gtest/gtest.h>

namespace overtake::wire {
namespace {

TEST(Base64, KnowsTheVectorsOfRfc4648) {
  const std::pair<const char*, const char*> cases[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(encode_base64(bytes), text);
    EXPECT_EQ(decode_base64(text), bytes);
  }
  EXPECT_EQ(decode_base64("Zm8"), "fo");
}

TEST(Base64, EveryByteComesBack) {
  std::string all;
  for (int i = 0; i < 1000; ++i) all += static_cast<char>(i * 7 + i / 256);
  for (size_t n = 0; n < all.size(); ++n) {
    EXPECT_EQ(decode_base64(encode_base64(all.substr(n))), all.substr(n));
  }
}

TEST(Base64, RefusesWhatIsNone) {
  for (const char* bad : {"Z", "Zm9vY", "Zm 9v", "Zm9-", "Zg==Zg==", "====", "\xff\xff\xff\xff"}) {
    EXPECT_EQ(decode_base64(bad), std::nullopt) << bad;
  }
}

TEST(DataUrl, ReadsTypeAndBytes) {
  const auto url = parse_data_url("data:image/png;base64,Zm9v");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->media_type, "image/png");
  EXPECT_EQ(url->bytes, "foo");
  EXPECT_EQ(make_data_url("image/png", "foo"), "data:image/png;base64,Zm9v");
  for (const char* bad : {"", "data:", "data:image/png,foo", "http://a/b;base64,Zm9v",
                          "data:image/png;base64", "data:image/png;base64,*"}) {
    EXPECT_FALSE(parse_data_url(bad)) << bad;
  }
}

}  // namespace
}  // namespace overtake::wire
