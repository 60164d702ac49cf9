#include "spool/spool.h"

#include <zstd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <set>

#include "base/files.h"
#include "base/i18n.h"

namespace kaigo::spool {
namespace {

constexpr std::string_view kMagic = "KGSPOOL1";
constexpr std::size_t kKeyIdSize = 8;
constexpr std::size_t kLargestFile = 256U << 20;
constexpr int kCompressionLevel = 1;
constexpr std::string_view kSuffix = ".spool";
constexpr std::string_view kPart = ".part";

void append_length(std::string& out, std::size_t length) {
    const auto value = static_cast<std::uint32_t>(length);
    char bytes[4];
    std::memcpy(bytes, &value, sizeof bytes);
    out.append(bytes, sizeof bytes);
}

}  // namespace

Spool::Spool(std::filesystem::path directory, const Keys& keys)
    : directory_(std::move(directory)), key_(keys.spool.view()), key_id_(keys.id) {}

Spool::Spool(Spool&& other) noexcept
    : directory_(std::move(other.directory_)),
      key_(std::move(other.key_)),
      key_id_(std::move(other.key_id_)),
      size_(other.size_.load()),
      freeing_(std::move(other.freeing_)) {}

Result<Spool> Spool::open(const std::filesystem::path& directory, const Keys& keys) {
    std::error_code error;
    if (std::filesystem::create_directories(directory, error))
        std::filesystem::permissions(directory, std::filesystem::perms::owner_all, error);
    if (error) return fail(ErrorCode::cannot_write, error.message()).at(directory.string());
    return Spool(directory, keys);
}

std::filesystem::path Spool::file(const std::string& request_id) const {
    return directory_ / (request_id + std::string(kSuffix));
}

std::string Spool::header() const { return std::string(kMagic) + key_id_; }

Status Spool::store(const std::string& request_id, const std::vector<std::string_view>& records) {
    std::string plain;
    std::size_t plain_size = 0;
    for (const std::string_view record : records) plain_size += record.size() + sizeof(std::uint32_t);
    plain.reserve(plain_size);  // growing would leave copies behind
    for (const std::string_view record : records) {
        append_length(plain, record.size());
        plain += record;
    }
    std::string packed(ZSTD_compressBound(plain.size()), '\0');
    const std::size_t size =
        ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), kCompressionLevel);
    SecretBytes::wipe(plain.data(), plain.size());
    if (ZSTD_isError(size) != 0) return fail(ErrorCode::internal, "zstd");
    const std::string sealed = seal(key_, header() + request_id, std::string_view(packed).substr(0, size));
    SecretBytes::wipe(packed.data(), packed.size());
    KAIGO_CHECK(write_file_durably(file(request_id), header() + sealed, "spool"));
    size_ += header().size() + sealed.size();
    return {};
}

Result<std::vector<std::string>> Spool::load(const std::string& request_id) const {
    const std::string place = file(request_id).string();
    KAIGO_TRY(const std::string bytes, read_file(place, kLargestFile));
    const auto damaged = [&] {
        return fail(ErrorCode::spool_damaged, tr("the spool file is damaged")).at(place);
    };
    if (bytes.size() < kMagic.size() + kKeyIdSize || !bytes.starts_with(kMagic)) return damaged();
    const std::string key_id = bytes.substr(kMagic.size(), kKeyIdSize);
    if (key_id != key_id_)
        return fail(ErrorCode::key_missing,
                    tr("the spool file was sealed under key {}, this key is {}", key_id, key_id_))
            .at(place)
            .remedy(tr("put the former key file back"));
    auto packed =
        unseal(key_, header() + request_id, std::string_view(bytes).substr(kMagic.size() + kKeyIdSize));
    if (!packed) return damaged();
    const auto plain_size = ZSTD_getFrameContentSize(packed->data(), packed->size());
    if (plain_size > kLargestFile) return damaged();
    std::string plain(plain_size, '\0');
    const std::size_t size = ZSTD_decompress(plain.data(), plain.size(), packed->data(), packed->size());
    SecretBytes::wipe(packed->data(), packed->size());
    if (ZSTD_isError(size) != 0 || size != plain.size()) return damaged();
    std::vector<std::string> records;
    std::string_view rest = plain;
    while (!rest.empty()) {
        std::uint32_t length = 0;
        if (rest.size() < sizeof length) return damaged();
        std::memcpy(&length, rest.data(), sizeof length);
        rest.remove_prefix(sizeof length);
        if (rest.size() < length) return damaged();
        records.emplace_back(rest.substr(0, length));
        rest.remove_prefix(length);
    }
    SecretBytes::wipe(plain.data(), plain.size());
    return records;
}

Status Spool::remove(const std::string& request_id) {
    std::error_code missing;
    const std::uintmax_t size = std::filesystem::file_size(file(request_id), missing);
    KAIGO_CHECK(remove_file(file(request_id), *freeing_));
    if (!missing) size_ -= std::min<std::uint64_t>(size_.load(), size);
    return {};
}

Status Spool::tidy(const std::vector<std::string>& needed) {
    const std::set<std::string> keep(needed.begin(), needed.end());
    std::error_code error;
    std::vector<std::filesystem::path> left;
    size_ = 0;
    for (std::filesystem::directory_iterator it(directory_, error), end; !error && it != end;
         it.increment(error)) {
        const std::filesystem::path& path = it->path();
        const bool half_written = path.extension() == kPart && path.stem().extension() == kSuffix;
        if (half_written || (path.extension() == kSuffix && !keep.contains(path.stem().string())))
            left.push_back(path);
        else if (path.extension() == kSuffix)
            size_ += it->file_size(error);
        // Whatever else lies here is not ours.
    }
    if (error) return fail(ErrorCode::cannot_read, error.message()).at(directory_.string());
    for (const std::filesystem::path& path : left) KAIGO_CHECK(remove_file(path, *freeing_));
    return {};
}

}  // namespace kaigo::spool
