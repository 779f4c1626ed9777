// A model from its packed copy is the same model, to the last bit, on every instruction set; and
// the copy is only ever that of the file at hand.
#include "tensor/cpu/packed_copy.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>

#include "catalog/packed_copies.h"
#include "engine/local_model.h"
#include "golden.h"

namespace overtake {
namespace {

namespace fs = std::filesystem;

// A home of its own, and a model in it that may be changed.
class KeptCopies : public testing::Test {
 protected:
  void SetUp() override {
    home_ = fs::path(testing::TempDir()) / ("packed-home-" + std::to_string(::getpid()));
    fs::create_directories(home_);
    model_ = home_ / "tiny.gguf";
    fs::copy_file(OVERTAKE_TEST_DATA_DIR "/gguf/tiny.gguf", model_);
    ::setenv("OVERTAKE_HOME", home_.c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("OVERTAKE_HOME");
    fs::remove_all(home_);
  }

  std::unique_ptr<LocalModel> load(PackedCopies packed) {
    auto model = LocalModel::load({.path = model_, .name = "t", .n_threads = 1, .packed = packed});
    EXPECT_TRUE(model.ok()) << model.error().message;
    return std::move(model).value();
  }
  std::unique_ptr<Checkpoint> checkpoint() { return open_checkpoint(model_).value(); }
  std::vector<fs::path> files() {
    std::vector<fs::path> out;
    if (!fs::exists(home_ / "packed")) return out;
    for (const auto& entry : fs::directory_iterator(home_ / "packed")) out.push_back(entry.path());
    return out;
  }
  // Whether a start would find all its matrices.
  bool is_kept() {
    const auto file = checkpoint();
    ThreadPool pool(1);
    PackedCopy copy = open_packed_copy(*file, isa_, pool);
    const auto backend = make_cpu_backend(pool, isa_, &copy);
    EXPECT_TRUE(load_model(*file, *backend).ok());
    return !copy.lacks_some();
  }
  void put(const fs::path& path, std::string_view bytes) { std::ofstream(path) << bytes; }

  fs::path home_, model_;
  Isa isa_ = choose_isa().value();
};

TEST_F(KeptCopies, GiveTheLogitsOfGoldenModelsBitForBit) {
  const std::string path = home_ / "copy";
  for (const std::string& folder : golden_folders()) {
    const Golden golden = read_golden(folder);
    for (const Isa isa : supported_isas()) {
      SCOPED_TRACE(folder + " " + std::string(isa_name(isa)));
      const auto file = open_checkpoint(folder).value();
      ThreadPool pool(2);
      const auto logits = [&](PackedCopy& copy) {
        const auto backend = make_cpu_backend(pool, isa, &copy);
        const auto model = load_model(*file, *backend);
        EXPECT_TRUE(model.ok());
        const auto ops = backend->make_ops();
        std::vector<float> out;
        const auto append = [&](int64_t, Tensor rows) {
          for (int64_t i = 0; i < rows.rows; ++i) {
            out.insert(out.end(), rows.row(i), rows.row(i) + rows.cols);
          }
        };
        EXPECT_TRUE(trace_prompt(**model, *ops, golden.input_ids, append).ok());
        return out;
      };
      PackedCopy fresh;
      const std::vector<float> packed = logits(fresh);
      ASSERT_TRUE(fresh.write(path, folder, "key").ok());
      auto kept = PackedCopy::open(path, "key", pool);
      ASSERT_TRUE(kept.ok()) << kept.error().message;
      const std::vector<float> mapped = logits(*kept);
      EXPECT_FALSE(kept->lacks_some());
      ASSERT_EQ(packed.size(), mapped.size());
      EXPECT_EQ(std::memcmp(packed.data(), mapped.data(), packed.size() * sizeof(float)), 0);
    }
  }
}

TEST_F(KeptCopies, AreMadeOnlyWhenAskedForAndThenUsed) {
  EXPECT_EQ(load(PackedCopies::kUse)->mapped_bytes(), 0u);
  EXPECT_TRUE(files().empty());
  load(PackedCopies::kKeep);
  ASSERT_EQ(files().size(), 1u);
  EXPECT_TRUE(is_kept());
  EXPECT_EQ(fs::status(files()[0]).permissions() & fs::perms::mask,
            fs::perms::owner_read | fs::perms::owner_write);
  const auto written = fs::last_write_time(files()[0]);
  load(PackedCopies::kKeep);
  EXPECT_EQ(fs::last_write_time(files().at(0)), written);
  const auto copies = packed_copies_of(home_);
  ASSERT_EQ(copies.size(), 1u);
  EXPECT_EQ(copies[0].source, fs::canonical(model_));
  EXPECT_EQ(copies[0].bytes, fs::file_size(files()[0]));
  EXPECT_EQ(packed_copies_of(model_).size(), 1u);
  EXPECT_TRUE(packed_copies_of(home_ / "tin").empty());
  remove_packed_copies(copies);
  EXPECT_TRUE(files().empty());
}

TEST_F(KeptCopies, AreNotThoseOfAFileThatWasChangedOrReplaced) {
  load(PackedCopies::kKeep);
  fs::last_write_time(model_, fs::last_write_time(model_) - std::chrono::hours(1));
  EXPECT_FALSE(is_kept());
  load(PackedCopies::kKeep);
  EXPECT_EQ(files().size(), 1u);  // the old one has gone
  EXPECT_TRUE(is_kept());
  // Another file of the same size and time.
  const auto time = fs::last_write_time(model_);
  fs::copy_file(model_, home_ / "other.gguf");
  fs::last_write_time(home_ / "other.gguf", time);
  fs::rename(home_ / "other.gguf", model_);
  EXPECT_FALSE(is_kept());
}

TEST_F(KeptCopies, OfOtherWidthsStandBesideEachOther) {
  const auto file = checkpoint();
  ThreadPool pool(1);
  std::vector<int> widths;
  for (const Isa isa : supported_isas()) {
    PackedCopy copy = open_packed_copy(*file, isa, pool);
    const auto backend = make_cpu_backend(pool, isa, &copy);
    ASSERT_TRUE(load_model(*file, *backend).ok());
    const bool known = std::ranges::count(widths, packed_lanes(isa)) > 0;
    EXPECT_EQ(copy.lacks_some(), !known) << isa_name(isa);
    if (known) continue;
    ASSERT_TRUE(keep_packed_copy(*file, isa, copy).ok());
    widths.push_back(packed_lanes(isa));
    EXPECT_EQ(files().size(), widths.size());
  }
}

TEST_F(KeptCopies, ThatAreDamagedAreRemovedAndMadeAnew) {
  load(PackedCopies::kKeep);
  const fs::path copy = files().at(0);
  fs::resize_file(copy, fs::file_size(copy) - 4096);
  EXPECT_FALSE(is_kept());
  EXPECT_TRUE(files().empty());
  load(PackedCopies::kKeep);
  EXPECT_TRUE(is_kept());
}

TEST_F(KeptCopies, MakeRoomByRemovingUselessOnes) {
  load(PackedCopies::kKeep);
  const fs::path first = model_;
  model_ = home_ / "second.gguf";
  fs::copy_file(first, model_);
  put(home_ / "packed" / "damaged.packed", "OVTPACK");
  put(home_ / "packed" / "new.packed.1.tmp", "being written");
  put(home_ / "packed" / "old.packed.2.tmp", "left by a crash");
  fs::last_write_time(home_ / "packed" / "old.packed.2.tmp",
                      fs::file_time_type::clock::now() - std::chrono::hours(2));
  load(PackedCopies::kKeep);
  EXPECT_EQ(files().size(), 3u);  // both models', and what seems to be being written
  fs::remove(first);
  fs::last_write_time(model_, fs::last_write_time(model_) - std::chrono::hours(1));
  load(PackedCopies::kKeep);
  EXPECT_EQ(files().size(), 2u);
  EXPECT_TRUE(is_kept());
}

// A folder that cannot be made costs the copy, not the start.
TEST_F(KeptCopies, ThatCannotBeWrittenLeaveTheModelUsable) {
  put(home_ / "packed", "a file in the folder's place");
  EXPECT_NE(load(PackedCopies::kKeep), nullptr);
  EXPECT_FALSE(is_kept());
}

}  // namespace
}  // namespace overtake
