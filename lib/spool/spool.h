#pragma once
// Bodies of requests until every member has settled: compressed, encrypted, synced.

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/background.h"
#include "base/result.h"
#include "crypto/crypto.h"

namespace kaigo::spool {

/// One file per batch, named by its request id: the records' canonical bytes (zstd, then AES-256-GCM). The
/// header names the key, and is bound to the content together with the request id.
class Spool {
  public:
    Spool(Spool&& other) noexcept;
    /// Makes the folder (mode 0700) when it is not there.
    static Result<Spool> open(const std::filesystem::path& directory, const Keys& keys);

    /// On return the file and its folder are on disk. May be called by several threads at once.
    Status store(const std::string& request_id, const std::vector<std::string_view>& records);
    Result<std::vector<std::string>> load(const std::string& request_id) const;
    bool has(const std::string& request_id) const { return std::filesystem::exists(file(request_id)); }
    /// Bytes of all files.
    std::uint64_t size() const { return size_; }
    /// A file that a power loss brings back is found by the next tidying.
    Status remove(const std::string& request_id);
    /// Removes what a crash between two steps left: files of no request in `needed`, and half-written ones.
    Status tidy(const std::vector<std::string>& needed);

  private:
    Spool(std::filesystem::path directory, const Keys& keys);
    std::filesystem::path file(const std::string& request_id) const;
    std::string header() const;

    std::filesystem::path directory_;
    std::string key_;
    std::string key_id_;
    std::atomic<std::uint64_t> size_ = 0;
    std::unique_ptr<Background> freeing_ = std::make_unique<Background>();
};

}  // namespace kaigo::spool
