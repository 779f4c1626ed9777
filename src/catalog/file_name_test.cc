#include "catalog/file_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catalog/store.h"

namespace overtake {
namespace {

// The path table of pull: what a server may say a file is called.
TEST(FileName, RefusesEveryWayOutOfTheFolder) {
  using namespace std::string_view_literals;
  for (const std::string_view name : {""sv,
                                      "."sv,
                                      ".."sv,
                                      "../x.gguf"sv,
                                      "../../etc/passwd"sv,
                                      "/etc/passwd"sv,
                                      "/x.gguf"sv,
                                      "a/b.gguf"sv,
                                      "a/../../x"sv,
                                      "..\\x.gguf"sv,
                                      "C:\\x.gguf"sv,
                                      "C:x.gguf"sv,
                                      "a\\b"sv,
                                      "\\\\host\\share"sv,
                                      "x\0.gguf"sv,
                                      "x.gguf\0"sv,
                                      "\0"sv,
                                      "x\n.gguf"sv,
                                      "x\r"sv,
                                      "\tx"sv,
                                      "\x1b[31mx.gguf"sv,
                                      "x\x7f"sv,
                                      "~"sv,
                                      "~root"sv,
                                      "~/x"sv,
                                      "$HOME"sv,
                                      "`id`"sv,
                                      "x;rm"sv,
                                      "x|y"sv,
                                      "x&y"sv,
                                      "x*"sv,
                                      "x?"sv,
                                      "<x>"sv,
                                      "x\"y"sv,
                                      "x'y"sv,
                                      "x:ads"sv,
                                      "file.txt::$DATA"sv,
                                      "%2e%2e%2fx"sv,
                                      "..%2fx"sv,
                                      "-rf"sv,
                                      "--help"sv,
                                      ".bashrc"sv,
                                      ".ssh"sv,
                                      ".lock"sv,
                                      "..."sv,
                                      " x"sv,
                                      "x "sv,
                                      "x."sv,
                                      "x.gguf."sv,
                                      "CON"sv,
                                      "con.gguf"sv,
                                      "NUL"sv,
                                      "nul.json"sv,
                                      "AUX.x"sv,
                                      "PRN"sv,
                                      "COM1"sv,
                                      "com9.gguf"sv,
                                      "LPT1.txt"sv,
                                      "con .txt"sv,
                                      "CONIN$"sv,
                                      "x.part"sv,
                                      "X.PART"sv,
                                      "overtake-pull.json"sv,
                                      "Overtake-Pull.JSON"sv,
                                      "\xff\xfe.gguf"sv,
                                      "\xc0\xae\xc0\xae"sv,
                                      "\xc0\xaf"sv,
                                      "\xe2\x80\xae"
                                      "fugg.exe"sv,
                                      "\xef\xbc\x8f"
                                      "etc"sv,
                                      "\xe2\x88\x95x"sv,
                                      "m\xc3\xb6"
                                      "del.gguf"sv,
                                      "x!"sv,
                                      "x#y"sv}) {
    EXPECT_FALSE(check_file_name(name).ok()) << testing::PrintToString(std::string(name));
  }
  EXPECT_FALSE(check_file_name(std::string(201, 'a')).ok());
  EXPECT_FALSE(check_file_name(std::string(100'000, 'a')).ok());
}

TEST(FileName, AcceptsTheNamesOfRealModels) {
  for (const char* name :
       {"config.json", "model-00001-of-00004.safetensors", "model.safetensors.index.json",
        "Llama-3.2-1B-Instruct-Q4_K_M.gguf", "tokenizer.model", "chat_template.jinja", "merges.txt",
        "falcon-180B.Q4_K_M.gguf", "a (1).gguf", "A+B@c=1,2.gguf", "com.gguf", "console.json"}) {
    EXPECT_TRUE(check_file_name(name).ok()) << name;
  }
  EXPECT_TRUE(check_file_name(std::string(200, 'a')).ok());
}

TEST(FileName, MessageShowsNoControlCharacter) {
  EXPECT_THAT(check_file_name("\x1b[2Jx").error().message,
              testing::Not(testing::HasSubstr("\x1b")));
}

TEST(FileName, PicklesAreKnownByTheirEndings) {
  for (const char* name : {"pytorch_model.bin", "consolidated.00.pth", "MODEL.PT", "x.pkl"}) {
    EXPECT_TRUE(is_pickle_name(name)) << name;
  }
  EXPECT_FALSE(is_pickle_name("model.safetensors"));
  EXPECT_FALSE(is_pickle_name("x.gguf"));
}

TEST(FileName, AnyTextBecomesAModelNameOrNothing) {
  EXPECT_EQ(model_name_from("Llama-3.2-1B-Instruct-Q4_K_M"), "llama-3.2-1b-instruct-q4_k_m");
  EXPECT_EQ(model_name_from("../../Etc Passwd"), "etc-passwd");
  EXPECT_EQ(model_name_from("..."), "");
  for (const char* text : {"A", "\xff\xff", "a b//c", "x..", "--x--", "_x"}) {
    const std::string name = model_name_from(text);
    EXPECT_TRUE(name.empty() || is_model_name(name)) << name;
  }
}

}  // namespace
}  // namespace overtake
