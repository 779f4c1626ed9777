// Written by tests/fixtures/make_known_vocabularies.py from the vocabularies themselves.
#include "cli/known_vocabularies.h"

namespace overtake {
namespace {

// clang-format off
constexpr KnownVocabulary kKnown[] = {
    {"Llama 2", 32000,
     {0x11fa8fcaa3fa3820, 0x0fdc314baffded32, 0x711a1d7c1a884616, 0xf275c0073ab84d8e,
      0xc81e81a091415d8c, 0xe345afdaf214f525, 0x8d00f1c1b39beea5, 0xc5e92eaa6f3bb9c0,
      0x8b3d1698c21d95e1, 0x5ef199a6c9360f26, 0x45164cdc4ea32f80, 0x45f1746d91179e54,
      0x8a598309551ae48d, 0xd1d44dfe1ecfefd7, 0x5780ac418ea89554, 0x2c4306c72e1bf7eb},
     0, "<s>", {"</s>"},
     {{{10000, 4096}, {1e+06, 16384}}}},
    {"Llama 3", 128000,
     {0x8033fa5c63f721a1, 0x9d678292af175706, 0x77a9088224608322, 0x932f1401ac4623d2,
      0x31f43d7379c22bd0, 0xb6d66f8c2bc42b17, 0xbb3c9fcd054d2b0e, 0x833f66c2d9e585ee,
      0x263d85dbad877172, 0xdcd933908465144c, 0x0a663768b5b65188, 0x127c435471f1295a,
      0x967e87a5cabb13cd, 0xd635d56ab30e3480, 0xd770f0486ec03a0b, 0xf1ee9e694a555433},
     0xb28c7e824f837705, "<|begin_of_text|>", {"<|end_of_text|>", "<|eot_id|>", "<|eom_id|>"},
     {{{500000, 8192}}}},
    {"Falcon", 65024,
     {0xf06ca5b447e0f9e1, 0xbe2955d349dc2fc0, 0x6f2beb75f54f583f, 0x2384badd60edb6ad,
      0x7a06777376e60d3a, 0xc05f3da8c1643744, 0x97bf5811e7364f5b, 0x27460013e912dd60,
      0x8dac39b1da7542ff, 0xff123d529d84350a, 0xc3f1dfed0752c6d1, 0xb10e7e2fa7a27231,
      0x0dc7d4eecffaa1c3, 0xd73f3ab146c37bed, 0xb6fa89f8c372db21, 0x093e696f780fff92},
     0xc1602baa9bb8a000, "", {"<|endoftext|>"},
     {{}}},
    {"GPT-2", 50257,
     {0xefded62236b329ca, 0xdba1c5777b4932d7, 0xa7323a5c46154194, 0x22b4a56f006283f8,
      0xd5c782e36f1fa92b, 0x13fbd976098875b7, 0x1a6b89b56e440f2b, 0xc4cad6e656822981,
      0x53064c8f4c8ccaf8, 0x6659f3a4771afdf7, 0xa160452d28a9d271, 0xb5a10d29e3369bd0,
      0x78eafb48f4371cdc, 0x52f7fb2d57c68c56, 0x45f832eee1f16343, 0x3ee6557457348593},
     0x38c8ccaa94c1ede1, "<|endoftext|>", {"<|endoftext|>"},
     {{}}},
    {"SmolLM2", 49152,
     {0x5436402b591f85ce, 0x259b87c68a9faffc, 0x1c9cd107bb8e42fa, 0x9231313687d5ab17,
      0x286e3f56bb6c8609, 0x3cd8c27d09c54aad, 0xb5e4026c05b3d7ec, 0x46ea62dbef8f92e2,
      0xa28514272b860f2b, 0x032842b5a9bba6dd, 0xbd9bae031740ac01, 0x2b75582c3f4c3872,
      0x00fc2de55357ddb5, 0x4198f8ad3f137369, 0x275798f0f7e8aca5, 0xf6c5636b8315cc10},
     0x5dff2676a4f1520e, "", {"<|im_end|>", "<|endoftext|>"},
     {{{100000, 8192}, {130000, 8192}}}},
    {"Qwen 2.5", 151643,
     {0x07be4b33abb52f56, 0xd7ab344de2e511e1, 0xcc7707eb4f22f21a, 0x492caa6472fd8a69,
      0x0198c4c337fd87c9, 0x84136478f98d90bb, 0x72d8f9f9e1e208ab, 0xba2e696c53f6c145,
      0xddbe40ad81c0e686, 0xb96599b1b7227ea4, 0x9e1b189c88b8bfca, 0x62f638524efee848,
      0xa79a9f2f77387f88, 0x0071e0b599663c8c, 0x94ea501c74d89407, 0xdda042400296f9b6},
     0xb5aea26a47635497, "", {"<|im_end|>", "<|endoftext|>"},
     {{}}},
    {"Mistral Nemo", 131072,
     {0xb80b7212292961d8, 0x9c01b9d96cc7f674, 0x68f17517ca7a68b6, 0x35eb5dcf98881ba2,
      0x785e409fae8bce0c, 0x410b11e9fa4ebda2, 0x223ceae8d20162ed, 0xb84a066bfe5b8251,
      0xc2b1e0bb54b59e3d, 0xffb5d634e16ac947, 0xe5efde1ed4db738c, 0x3ace33b727d5e91a,
      0xda204ddc41363a42, 0x2142e091636dda9a, 0xb428d13584023184, 0x71af5981e4ab99b7},
     0x315e08152b4bca47, "<s>", {"</s>"},
     {{{1e+06, 0}}}},
    {"DeepSeek V3", 128000,
     {0x6e3e79a779afa065, 0x8881081b0d0de89b, 0x3e288e733e37c468, 0x6317e72ab99c23ea,
      0x7b1651f6c99acb14, 0x6f339c18f4c66289, 0x2ac34a84214cad69, 0x2c83b8ebc2016e93,
      0x7c74f93a077a8647, 0x196896f70a398d88, 0xab51a391ef35ea71, 0xfcbdd90fd2bd38b9,
      0xbcf161f0e602ddda, 0x16331791887fb6e4, 0x8058ecfd10f6bf9f, 0xafd7931613dda79b},
     0x879a33b1b4797b1e, "<｜begin▁of▁sentence｜>", {"<｜end▁of▁sentence｜>"},
     {{}}},
};
// clang-format on

}  // namespace

std::span<const KnownVocabulary> known_vocabularies() { return kKnown; }

}  // namespace overtake
