#pragma once
// Files that survive power loss, locks, and secrets kept in files.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/background.h"
#include "base/result.h"

namespace kaigo {

/// Folder of the running program.
std::string executable_directory();

/// Whole file as bytes. Fails beyond `limit` bytes, so that a wrong path cannot fill the memory.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit);

/// Writes a file beside it, syncs it, renames it into place and syncs the folder. Until then the old file
/// stays whole on disk; after success the new one is. Mode 0600.
/// @param name_for_failpoints  prefix of the failpoints `<name>-written`, `-synced`, `-renamed`
Status write_file_durably(const std::filesystem::path& path, std::string_view bytes,
                          std::string_view name_for_failpoints);

/// The same for a file of a new name: one that is there already stays as it is.
/// @return false when there is one
Result<bool> write_new_file_durably(const std::filesystem::path& path, std::string_view bytes);

/// Syncs a file that others wrote, and its folder.
Status sync_file(const std::filesystem::path& path);

/// Removes a file; one that is not there counts as removed. Does not sync the folder, so the file may be back
/// after a power loss, and frees the blocks `later`: a disk can take longer for either of them than it took
/// to write the file.
Status remove_file(const std::filesystem::path& path, Background& later);

/// Appends one line and syncs. The file is made with mode 0600.
Status append_line_durably(const std::filesystem::path& path, std::string_view line);

/// A lock of the whole machine, released when the holder ends in whatever way.
class FileLock {
  public:
    /// @param patience  how long to wait for its holder
    /// @return error `busy` when another process holds it all that time
    static Result<FileLock> acquire(const std::filesystem::path& path,
                                    std::chrono::milliseconds patience = std::chrono::milliseconds(0));
    FileLock(FileLock&& other) noexcept;
    FileLock& operator=(FileLock&&) = delete;
    ~FileLock();

  private:
    explicit FileLock(int descriptor) : descriptor_(descriptor) {}
    int descriptor_;
};

/// Where a secret lies: a file, or `credential:NAME` in systemd's $CREDENTIALS_DIRECTORY.
Result<std::filesystem::path> secret_path(const std::filesystem::path& setting);

}  // namespace kaigo
