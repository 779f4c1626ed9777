// AMX's registers: eight tiles of 16 rows of 64 bytes. Included inside an ISA region and its
// namespace.

// The configuration is a constant in memory: g++ 12 believes that the instruction reads 8 bytes of
// it, and could leave out stores to the others.
struct TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfig) == 64);
alignas(64) constexpr TileConfig tile_config;

void begin_tiles() { __asm__ volatile("ldtilecfg %0" : : "m"(tile_config) : "memory"); }
void end_tiles() { _tile_release(); }
