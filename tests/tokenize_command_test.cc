// `overtake tokenize` as people and scripts call it.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <string>

namespace {

struct Outcome {
  int status;
  std::string out;  // standard output and error
};

Outcome run(const std::string& arguments, const std::string& before = "") {
  const std::string command = before + OVERTAKE_BINARY + " tokenize " + arguments + " 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  Outcome outcome{-1, ""};
  std::array<char, 4096> buffer;
  while (const size_t n = fread(buffer.data(), 1, buffer.size(), pipe)) {
    outcome.out.append(buffer.data(), n);
  }
  const int status = pclose(pipe);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

const std::string kGpt2 = std::string(OVERTAKE_TEST_DATA_DIR) + "/tokenizers/gpt-2.gguf";

TEST(TokenizeCommand, PrintsIdsOfAVocabularyOnlyFile) {
  const Outcome got = run(kGpt2 + " 'Hello world' --ids");
  EXPECT_EQ(got.out, "15496 995\n");
  EXPECT_EQ(got.status, 0);
  EXPECT_EQ(run(kGpt2 + " '' --ids").out, "\n");
  EXPECT_EQ(run(kGpt2 + " --ids -- '-x'").out, "12 87\n");
}

TEST(TokenizeCommand, ReadsStandardInputToTheLastByte) {
  EXPECT_EQ(run(kGpt2 + " - --ids < /dev/null").out, "\n");
  const std::string printed = "printf 'Hello world\\n' | ";
  EXPECT_EQ(run(kGpt2 + " - --ids", printed).out, "15496 995 198\n");
  EXPECT_EQ(run(kGpt2 + " --ids", printed).out, "15496 995 198\n");
}

TEST(TokenizeCommand, TakesControlTokensOnlyWhereToldTo) {
  EXPECT_EQ(run(kGpt2 + " '<|endoftext|>' --ids --special").out, "50256\n");
  EXPECT_EQ(run(kGpt2 + " '<|endoftext|>' --ids").out, "27 91 437 1659 5239 91 29\n");
}

TEST(TokenizeCommand, ShowsPieces) {
  EXPECT_EQ(run(kGpt2 + " 'a \"中' --special").out.substr(0, 30),
            "      64  \"a\"\n     366  \" \\\"\"\n");
  EXPECT_EQ(run(kGpt2 + " '<|endoftext|>' --special").out, "   50256  <|endoftext|>\n");
  EXPECT_NE(run(kGpt2 + " '뷁'").out.find("\\x"), std::string::npos);
}

TEST(TokenizeCommand, PrintsJson) {
  const Outcome got = run(kGpt2 + " 'Hello' --json");
  EXPECT_NE(got.out.find("\"ids\": [\n    15496\n  ]"), std::string::npos) << got.out;
}

TEST(TokenizeCommand, ReadsAFolderOfTokenizerFilesAlone) {
  const std::string folder = std::string(OVERTAKE_TEST_DATA_DIR) + "/tokenizers/hf/";
  const std::string ids = run(folder + "mistral 'Hello world' --ids").out;
  EXPECT_EQ(run(folder + "llama-model 'Hello world' --ids").out, ids);
  EXPECT_EQ(run(folder + "mistral '<s>' --ids --special").out, "1\n");
  const Outcome none = run(std::string(OVERTAKE_TEST_DATA_DIR) + "/tokenizers x");
  EXPECT_EQ(none.status, 1);
  EXPECT_NE(none.out.find("tokenizer.json"), std::string::npos) << none.out;
}

TEST(TokenizeCommand, SaysWhatIsWrong) {
  const Outcome missing = run("/no/such/file.gguf x --ids");
  EXPECT_EQ(missing.status, 1);
  EXPECT_EQ(missing.out.substr(0, 10), "overtake: ") << missing.out;
  EXPECT_EQ(run("").status, 2);
  EXPECT_EQ(run(kGpt2 + " a b").status, 2);
}

}  // namespace
