#include "cli/machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace overtake {
namespace {

// A folder that looks like the root of another machine.
class MachineTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = testing::TempDir() + "/overtake_machine_" + std::to_string(::getpid());
    put("proc/cpuinfo",
        "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nflags\t\t: fpu avx2 amx_int8 avx512f\n");
    put("proc/meminfo", "MemTotal:       1000 kB\nMemAvailable:    400 kB\n");
    put("proc/self/cgroup", "0::/a/b\n");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void put(const std::string& path, const std::string& text) {
    const std::filesystem::path file = std::filesystem::path(root_) / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  std::string root_;
};

TEST_F(MachineTest, ReadsProcessorAndMemory) {
  const Machine machine = read_machine(root_);
  EXPECT_EQ(machine.processor, "Some CPU @ 2 GHz");
  EXPECT_THAT(machine.features, testing::ElementsAre("avx2", "amx_int8", "avx512f"));
  EXPECT_EQ(machine.memory_bytes, 1024'000u);
  EXPECT_EQ(machine.available_memory_bytes, 409'600u);
  EXPECT_FALSE(machine.core_quota);
  EXPECT_FALSE(machine.memory_limit_bytes);
  EXPECT_GE(machine.n_cores, 1);
}

TEST_F(MachineTest, ControlGroupLimitsCount) {
  put("sys/fs/cgroup/a/b/cpu.max", "150000 100000\n");
  put("sys/fs/cgroup/a/b/memory.max", "300000\n");
  put("sys/fs/cgroup/a/b/memory.current", "100000\n");
  const Machine machine = read_machine(root_);
  EXPECT_EQ(machine.core_quota, 1.5);
  EXPECT_EQ(machine.memory_limit_bytes, 300'000u);
  EXPECT_EQ(machine.available_memory_bytes, 200'000u);
}

TEST_F(MachineTest, NoLimitIsSpelledMax) {
  put("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  put("sys/fs/cgroup/a/b/memory.max", "max\n");
  const Machine machine = read_machine(root_);
  EXPECT_FALSE(machine.core_quota);
  EXPECT_FALSE(machine.memory_limit_bytes);
}

TEST_F(MachineTest, MissingFilesLeaveFieldsEmpty) {
  const Machine machine = read_machine(root_ + "/nowhere");
  EXPECT_EQ(machine.processor, "");
  EXPECT_EQ(machine.memory_bytes, 0u);
}

TEST(Disk, NearestExistingParentCounts) {
  EXPECT_TRUE(free_disk_bytes(testing::TempDir() + "/no/such/folder"));
}

TEST(Port, TakenPortIsSeen) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(fd, 1), 0);
  ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  EXPECT_FALSE(port_is_free(ntohs(address.sin_port)));
  ::close(fd);
}

}  // namespace
}  // namespace overtake
