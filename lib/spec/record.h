#pragma once
// One record in memory, its canonical bytes and its key.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "spec/spec.h"

namespace kaigo::spec {

/// Memory of one record. What it held is wiped when it is reset: it may have been a マイナンバー.
class Arena {
  public:
    Arena() = default;
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;
    ~Arena() { reset(); }

    void* allocate(std::size_t size);
    std::string_view copy(std::string_view text);
    void reset();

  private:
    struct Block {
        std::unique_ptr<std::byte[]> bytes;
        std::size_t size;
        std::size_t used;
    };
    std::vector<Block> blocks_;
    std::size_t current_ = 0;
};

/// Value of an item. `absent` means that the member does not appear.
struct Value {
    enum class Kind : std::uint8_t {
        absent,
        text,    ///< also digits, dates, codes
        number,  ///< integers; decimals as integer of their last place
        boolean,
        object,     ///< children: one per item of the specification
        array,      ///< children: the elements
        malformed,  ///< the source's value could not be read as this item; `text` names the fault
    };
    Kind kind = Kind::absent;
    std::uint32_t count = 0;
    std::string_view text;
    std::int64_t number = 0;
    Value* children = nullptr;

    bool present() const { return kind != Kind::absent; }
};

/// A record of one kind; items and context in the specification's order, their memory in an Arena.
struct Record {
    const RecordKind* kind = nullptr;
    Value* items = nullptr;
    Value* context = nullptr;
};

/// All items absent.
Record make_record(const RecordKind& kind, Arena& arena);
Value* make_values(std::size_t count, Arena& arena);

/// Canonical form: members in the specification's order, no spaces, fixed decimals, without recordId and
/// updateKind.
/// @param record validated
void append_canonical(std::string& out, const Record& record);

/// Key of a record inside one insurer: fixed-width members, ISO dates, 4-byte big-endian integers, so that
/// memcmp sorts it. Starts with the 10 bytes of the 被保険者番号.
/// @return false when a key member is absent or malformed: `out` may hold a part then
bool append_key(std::string& out, const Record& record);

/// A deletion's canonical form: header members and key members, from what the ledger knows.
/// @param key as append_key made it
void append_deletion(std::string& out, const RecordKind& kind, std::string_view insurer, std::string_view key,
                     std::int64_t history);

/// Key for people: "0000000001 2026-04-01 1".
std::string describe_key(const RecordKind& kind, std::string_view key);

inline constexpr std::size_t kInsuredNumberWidth = 10;
inline std::string_view insured_number_of(std::string_view key) { return key.substr(0, kInsuredNumberWidth); }

}  // namespace kaigo::spec
