#include "format/gguf_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "base/file.h"

namespace overtake {
namespace {

namespace fs = std::filesystem;

class GgufWriterTest : public testing::Test {
 protected:
  GgufWriterTest() {
    folder_ = fs::path(testing::TempDir()) / ("gguf-writer-" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    path_ = (folder_ / "model.gguf").string();
  }
  ~GgufWriterTest() override { fs::remove_all(folder_); }

  std::vector<std::string> files() const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      out.push_back(entry.path().filename().string());
    }
    return out;
  }

  static GgufTensor tensor(std::string name, const char* type, std::vector<int64_t> shape) {
    return {std::move(name), find_quant_type(std::string_view(type)), std::move(shape)};
  }

  // Writes every tensor full of bytes of its number.
  static Status write_all(GgufWriter& writer) {
    for (size_t i = 0; i < writer.tensors().size(); ++i) {
      const std::vector<std::byte> bytes(writer.tensors()[i].n_bytes(), std::byte(i + 1));
      TRY(writer.write(i, 0, bytes));
    }
    return writer.finish();
  }

  static Metadata architecture() {
    Metadata metadata;
    metadata.set("general.architecture", "llama");
    return metadata;
  }

  fs::path folder_;
  std::string path_;
};

TEST_F(GgufWriterTest, WritesTensorsThatTheReaderFindsWithTheirShapes) {
  auto writer = GgufWriter::create(
      path_, architecture(),
      {tensor("a.weight", "Q8_0", {3, 64}), tensor("b", "F32", {5}), tensor("c", "F16", {2, 1, 7})},
      false);
  ASSERT_TRUE(writer.ok()) << writer.error().message;
  ASSERT_TRUE(write_all(*writer).ok());
  const auto checkpoint = open_checkpoint(path_);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  const auto tensors = (*checkpoint)->tensors();
  ASSERT_EQ(tensors.size(), 3u);
  EXPECT_EQ(tensors[0].shape, (std::vector<int64_t>{3, 64}));
  EXPECT_EQ(tensors[2].shape, (std::vector<int64_t>{2, 1, 7}));
  for (size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_EQ(tensors[i].data.size(), writer->tensors()[i].n_bytes());
    EXPECT_THAT(tensors[i].data, testing::Each(std::byte(i + 1)));
  }
  EXPECT_EQ((*checkpoint)->file_bytes(), writer->file_bytes());
}

TEST_F(GgufWriterTest, KeepsEveryKindOfValue) {
  Metadata metadata = architecture();
  metadata.set("k.yes", true);
  metadata.set("k.small", int64_t{7});
  metadata.set("k.negative", int64_t{-7});
  metadata.set("k.large", int64_t{1} << 40);
  metadata.set("k.largest", ~uint64_t{0});
  metadata.set("k.half", 0.5);
  metadata.set("k.tenth", 0.1);
  metadata.set("k.text", "naïve");
  metadata.set("k.integers", std::vector<int64_t>{-1, 2});
  metadata.set("k.numbers", std::vector<double>{0.5, 0.1});
  metadata.set("k.flags", std::vector<bool>{true, false});
  metadata.set("k.texts", std::vector<std::string>{"", "two"});
  auto writer = GgufWriter::create(path_, metadata, {}, false);
  ASSERT_TRUE(writer.ok() && writer->finish().ok());
  const auto checkpoint = open_checkpoint(path_);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  const auto& read = (*checkpoint)->metadata().all();
  EXPECT_EQ(read.size(), metadata.all().size());
  EXPECT_EQ(read.at("k.yes"), MetaValue(true));
  EXPECT_EQ(read.at("k.small"), MetaValue(uint64_t{7}));  // UINT32, as sizes are by custom
  EXPECT_EQ(read.at("k.negative"), MetaValue(int64_t{-7}));
  EXPECT_EQ(read.at("k.large"), MetaValue(int64_t{1} << 40));
  EXPECT_EQ(read.at("k.largest"), MetaValue(~uint64_t{0}));
  for (const char* key :
       {"k.half", "k.tenth", "k.text", "k.integers", "k.numbers", "k.flags", "k.texts"}) {
    EXPECT_EQ(read.at(key), metadata.all().at(key)) << key;
  }
}

TEST_F(GgufWriterTest, SaysNumbersInF32WhereThatIsExact) {
  const auto size_with = [&](double value) {
    Metadata metadata = architecture();
    metadata.set("key", value);
    auto writer = GgufWriter::create(path_, metadata, {}, true);
    EXPECT_TRUE(writer.ok() && writer->finish().ok());
    const auto bytes = read_file(path_, 1 << 20);
    // The key, its type, and the value; the rest of the file is padding.
    const size_t at = bytes->find("key") + 3;
    return static_cast<unsigned char>((*bytes)[at]);
  };
  EXPECT_EQ(size_with(0.5), 6);   // FLOAT32
  EXPECT_EQ(size_with(0.1), 12);  // FLOAT64
  EXPECT_EQ(size_with(1e300), 12);
}

TEST_F(GgufWriterTest, DoesNotReplaceAFileUnlessTold) {
  ASSERT_TRUE(write_file_atomic(path_, "precious").ok());
  const auto refused = GgufWriter::create(path_, architecture(), {}, false);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, testing::HasSubstr("--force"));
  EXPECT_EQ(*read_file(path_, 100), "precious");
  auto writer = GgufWriter::create(path_, architecture(), {}, true);
  ASSERT_TRUE(writer.ok() && writer->finish().ok());
  EXPECT_TRUE(open_checkpoint(path_).ok());
}

TEST_F(GgufWriterTest, DoesNotReplaceAFileThatAppearedMeanwhile) {
  auto writer = GgufWriter::create(path_, architecture(), {}, false);
  ASSERT_TRUE(writer.ok());
  ASSERT_TRUE(write_file_atomic(path_, "precious").ok());
  EXPECT_FALSE(writer->finish().ok());
  EXPECT_EQ(*read_file(path_, 100), "precious");
}

TEST_F(GgufWriterTest, LeavesNothingBehindWhenItIsGivenUp) {
  {
    auto writer = GgufWriter::create(path_, architecture(), {tensor("a", "F32", {1000})}, false);
    ASSERT_TRUE(writer.ok());
    EXPECT_EQ(files().size(), 1u);
    EXPECT_FALSE(fs::exists(path_));
  }
  EXPECT_THAT(files(), testing::IsEmpty());
}

TEST_F(GgufWriterTest, SaysHowMuchRoomTheFileNeedsWhereThereIsTooLittle) {
  struct rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit small = {1 << 20, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto writer =
      GgufWriter::create(path_, architecture(), {tensor("a", "F32", {1 << 20})}, false);
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(writer.ok());
  EXPECT_EQ(writer.error().code, ErrorCode::kIo);
  EXPECT_THAT(writer.error().message, testing::HasSubstr("the file takes 4.2 MB"));
  EXPECT_THAT(files(), testing::IsEmpty());
}

TEST_F(GgufWriterTest, RefusesAFolderAMissingFolderAndADevice) {
  const auto folder = GgufWriter::create(folder_.string(), architecture(), {}, true);
  ASSERT_FALSE(folder.ok());
  EXPECT_THAT(folder.error().message, testing::HasSubstr("not a regular file"));
  const auto missing =
      GgufWriter::create((folder_ / "no" / "x.gguf").string(), architecture(), {}, true);
  EXPECT_FALSE(missing.ok());
  const auto device = GgufWriter::create("/dev/null", architecture(), {}, true);
  ASSERT_FALSE(device.ok());
  EXPECT_THAT(device.error().message, testing::HasSubstr("not a regular file"));
}

}  // namespace
}  // namespace overtake
