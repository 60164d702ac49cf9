#pragma once
// Contents that come in any order and are wanted by their keys: sorted on disk, so that memory does not grow
// with them. The file has no name: it goes with the process, however that ends.

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/crypto.h"

namespace kaigo::spool {

class SortedFile {
  public:
    /// @param folder  where there is room
    /// @param random  makes the key under which the contents are sealed; it stays in this process
    static Result<std::unique_ptr<SortedFile>> make(const std::filesystem::path& folder,
                                                    RandomSource& random);
    ~SortedFile();

    /// Keys may come several times.
    Status add(std::string_view key, std::string_view content);
    /// Call it after the last add(). From then on next() may be called, and add() no longer.
    Status sort();
    /// The next by key; those of one key in the order in which they came.
    /// @return false after the last
    Result<bool> next();
    // Of the current one. Each stays valid until the second call of next() from now, which wipes the content.
    std::string_view key() const { return owned_[slot_].key; }
    std::string_view content() const { return owned_[slot_].content; }

  private:
    struct Table;
    struct Owned {
        std::string key, content;
    };

    explicit SortedFile(std::unique_ptr<Table> table);

    std::unique_ptr<Table> table_;
    SecretBytes key_;
    std::array<Owned, 2> owned_;
    std::size_t slot_ = 0;
};

}  // namespace kaigo::spool
