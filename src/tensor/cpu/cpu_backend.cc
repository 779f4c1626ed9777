// Which instruction sets this machine has, the choice among them, and the Backend over the chosen.
#include "tensor/cpu/cpu_backend.h"

#include <fmt/core.h>

#include <cstdlib>

#include "tensor/cpu/cpu_ops.h"
#include "tensor/cpu/kernels.h"
#include "tensor/cpu/matmul.h"
#include "tensor/cpu/matmul_kernels.h"
#include "tensor/cpu/prompt_kernels.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace overtake {
namespace {

#if defined(__x86_64__)
struct Cpuid {
  unsigned a = 0, b = 0, c = 0, d = 0;  // zero for a leaf that does not exist
  Cpuid(unsigned leaf, unsigned subleaf) { __get_cpuid_count(leaf, subleaf, &a, &b, &c, &d); }
};

bool has_bits(uint64_t value, std::initializer_list<int> bits) {
  for (const int bit : bits) {
    if (!(value >> bit & 1)) return false;
  }
  return true;
}

// XCR0: the register files that the kernel saves when it switches threads (Intel SDM vol. 1, 13.3).
uint64_t saved_registers() {
  if (!has_bits(Cpuid(1, 0).c, {27})) return 0;  // no OSXSAVE, no XGETBV
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

bool has_avx2() {
  // Leaf 1 ECX: FMA 12, AVX 28, F16C 29. Leaf 7 EBX: AVX2 5. XCR0: XMM 1, YMM 2.
  return has_bits(Cpuid(1, 0).c, {12, 28, 29}) && has_bits(Cpuid(7, 0).b, {5}) &&
         has_bits(saved_registers(), {1, 2});
}

// Leaf 7, subleaf 1 EAX: AVX-VNNI 4.
bool has_avxvnni() { return has_avx2() && has_bits(Cpuid(7, 1).a, {4}); }

bool has_avx512() {
  // Leaf 7 EBX: F 16, DQ 17, BW 30, VL 31; ECX: VNNI 11. XCR0: opmask 5, ZMM 6 and 7.
  const Cpuid leaf(7, 0);
  return has_avx2() && has_bits(leaf.b, {16, 17, 30, 31}) && has_bits(leaf.c, {11}) &&
         has_bits(saved_registers(), {5, 6, 7});
}

bool has_amx() {
  // Leaf 7 EDX: AMX-BF16 22, AMX-TILE 24, AMX-INT8 25; subleaf 1 EAX: AVX512-BF16 5. XCR0: tile
  // configuration 17, tile data 18, whose use by the whole process the kernel must grant (Linux,
  // Documentation/arch/x86/xstate.rst).
  constexpr int kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  return has_avx512() && has_bits(Cpuid(7, 0).d, {22, 24, 25}) && has_bits(Cpuid(7, 1).a, {5}) &&
         has_bits(saved_registers(), {17, 18}) &&
         syscall(SYS_arch_prctl, kRequestPermission, 18) == 0;
}
#endif

class CpuBackend final : public Backend {
 public:
  CpuBackend(ThreadPool& pool, Isa isa, PackedCopy* copy) : pool_(pool), isa_(isa), copy_(copy) {}

  std::string_view name() const override { return isa_name(isa_); }
  Result<std::unique_ptr<Weight>> pack(std::span<const RowSpan> rows) override {
    auto weight = TRY(pack_cpu_weight(rows, isa_, pool_, copy_));
    if (prefills_in_bf16(*weight)) bf16_prompts_ = true;
    if (prefills_otherwise(*weight)) phases_differ_ = true;
    return weight;
  }
  std::unique_ptr<Ops> make_ops() override { return make_cpu_ops(pool_, isa_, bf16_prompts_); }
  bool phases_differ() const override { return phases_differ_; }

 private:
  ThreadPool& pool_;
  Isa isa_;
  PackedCopy* copy_;
  bool bf16_prompts_ = false;
  bool phases_differ_ = false;
};

}  // namespace

std::string_view isa_name(Isa isa) {
  switch (isa) {
    case Isa::kScalar:
      return "scalar";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvxVnni:
      return "avxvnni";
    case Isa::kAvx512:
      return "avx512";
    case Isa::kAmx:
      return "amx";
  }
  return "unknown";
}

std::vector<Isa> supported_isas() {
  std::vector<Isa> found = {Isa::kScalar};
#if defined(__x86_64__)
  if (has_avx2()) found.push_back(Isa::kAvx2);
  if (has_avxvnni()) found.push_back(Isa::kAvxVnni);
  if (has_avx512()) found.push_back(Isa::kAvx512);
  static const bool amx = has_amx();
  if (amx) found.push_back(Isa::kAmx);
#endif
  return found;
}

bool has_extension(Extension extension) {
#if defined(__x86_64__)
  switch (extension) {
    case Extension::kAvx512Bf16:
      return has_avx512() && has_bits(Cpuid(7, 1).a, {5});
    case Extension::kAmxBf16:
      return supported_isas().back() == Isa::kAmx && has_bits(Cpuid(7, 0).d, {22});
  }
#endif
  return false;
}

Result<Isa> choose_isa() {
  const std::vector<Isa> supported = supported_isas();
  const char* wanted = std::getenv("OVERTAKE_ISA");
  if (!wanted || !*wanted) return supported.back();
  std::string names;
  for (const Isa isa : supported) {
    if (isa_name(isa) == wanted) return isa;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", isa_name(isa));
  }
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("instruction set \"{}\" is unknown or missing on this machine; "
                           "OVERTAKE_ISA; unset it or choose one of: {}",
                           wanted, names)};
}

const Kernels& kernels_for(Isa isa) {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kAvx2:
    case Isa::kAvxVnni:
      return kernels_avx2;
    case Isa::kAvx512:
    case Isa::kAmx:
      return kernels_avx512;
#endif
    default:
      return kernels_scalar;
  }
}

const PromptKernels* prompt_kernels_for(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::kAmx) return &prompt_kernels_amx;
#endif
  return nullptr;
}

std::unique_ptr<Backend> make_cpu_backend(ThreadPool& pool, Isa isa, PackedCopy* copy) {
  return std::make_unique<CpuBackend>(pool, isa, copy);
}

int packed_lanes(Isa isa) { return matmul_kernels_for(isa).lanes; }

}  // namespace overtake
