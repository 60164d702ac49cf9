#include "base/files.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "base/failpoint.h"
#include "base/i18n.h"

namespace kaigo {
namespace {

namespace fs = std::filesystem;

class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    int get() const { return fd_; }
    bool ok() const { return fd_ >= 0; }

  private:
    int fd_;
};

Failure system_failure(ErrorCode code, const fs::path& path) {
    const int error = errno;
    const bool denied = error == EACCES || error == EPERM;
    return fail(denied ? ErrorCode::permission_denied : code, std::strerror(error)).at(path.string());
}

Status write_all(int fd, std::string_view bytes, const fs::path& path) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0) {
            if (errno == EINTR) continue;
            return system_failure(ErrorCode::cannot_write, path);
        }
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
}

Status sync_folder_of(const fs::path& path) {
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.ok() || ::fsync(fd.get()) != 0) return system_failure(ErrorCode::cannot_write, folder);
    return {};
}

}  // namespace

std::string executable_directory() {
    std::error_code ignored;
    return fs::read_symlink("/proc/self/exe", ignored).parent_path().string();
}

Result<std::string> read_file(const fs::path& path, std::size_t limit) {
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.ok()) return system_failure(ErrorCode::cannot_read, path);
    std::string out;
    char buffer[65536];
    for (;;) {
        const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
        if (n < 0) {
            if (errno == EINTR) continue;
            return system_failure(ErrorCode::cannot_read, path);
        }
        if (n == 0) return out;
        out.append(buffer, static_cast<std::size_t>(n));
        if (out.size() > limit)
            return fail(ErrorCode::bad_data, tr("the file is larger than {} bytes", limit)).at(path.string());
    }
}

namespace {

Status write_and_sync(const fs::path& path, std::string_view bytes, std::string_view name_for_failpoints) {
    const Descriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!fd.ok()) return system_failure(ErrorCode::cannot_write, path);
    KAIGO_CHECK(write_all(fd.get(), bytes, path));
    failpoint(fmt::format("{}-written", name_for_failpoints));
    if (::fsync(fd.get()) != 0) return system_failure(ErrorCode::cannot_write, path);
    return {};
}

}  // namespace

Result<bool> write_new_file_durably(const fs::path& path, std::string_view bytes) {
    const fs::path temporary = path.string() + ".part";
    KAIGO_CHECK(write_and_sync(temporary, bytes, "new-file"));
    if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) != 0) {
        const int failed = errno;
        ::unlink(temporary.c_str());
        errno = failed;
        if (failed == EEXIST) return false;
        return system_failure(ErrorCode::cannot_write, path);
    }
    KAIGO_CHECK(sync_folder_of(path));
    return true;
}

Status write_file_durably(const fs::path& path, std::string_view bytes,
                          std::string_view name_for_failpoints) {
    const fs::path temporary = path.string() + ".part";
    KAIGO_CHECK(write_and_sync(temporary, bytes, name_for_failpoints));
    failpoint(fmt::format("{}-synced", name_for_failpoints));
    if (::rename(temporary.c_str(), path.c_str()) != 0) return system_failure(ErrorCode::cannot_write, path);
    failpoint(fmt::format("{}-renamed", name_for_failpoints));
    return sync_folder_of(path);
}

Status sync_file(const fs::path& path) {
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.ok() || ::fsync(fd.get()) != 0) return system_failure(ErrorCode::cannot_write, path);
    return sync_folder_of(path);
}

Status remove_file(const fs::path& path, Background& later) {
    // While the file is open, unlinking it does not free its blocks.
    const int open = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    Status removed;
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        removed = system_failure(ErrorCode::cannot_write, path);
    if (open >= 0) later.later([open] { ::close(open); });
    return removed;
}

Status append_line_durably(const fs::path& path, std::string_view line) {
    std::error_code ignored;
    const bool existed = fs::exists(path, ignored);
    const Descriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (!fd.ok()) return system_failure(ErrorCode::cannot_write, path);
    KAIGO_CHECK(write_all(fd.get(), std::string(line) + "\n", path));
    if (::fdatasync(fd.get()) != 0) return system_failure(ErrorCode::cannot_write, path);
    return existed ? Status{} : sync_folder_of(path);
}

Result<FileLock> FileLock::acquire(const fs::path& path, std::chrono::milliseconds patience) {
    constexpr std::chrono::milliseconds kLook{10};
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return system_failure(ErrorCode::cannot_write, path);
    for (auto waited = std::chrono::milliseconds(0); ::flock(fd, LOCK_EX | LOCK_NB) != 0; waited += kLook) {
        if (waited < patience) {
            std::this_thread::sleep_for(kLook);
            continue;
        }
        ::close(fd);
        return fail(ErrorCode::busy, tr("another process is working here"))
            .at(path.string())
            .remedy(tr("wait until it has finished, then run this command again"));
    }
    return FileLock(fd);
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
FileLock::~FileLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

Result<fs::path> secret_path(const fs::path& setting) {
    constexpr std::string_view kPrefix = "credential:";
    const std::string text = setting.string();
    if (!text.starts_with(kPrefix)) return setting;
    const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
    if (folder == nullptr)
        return fail(ErrorCode::key_missing,
                    tr("{} is named, but this process has no credentials folder", text))
            .remedy(tr("start it by systemd with LoadCredential=, or name a file"));
    return fs::path(folder) / text.substr(kPrefix.size());
}

}  // namespace kaigo
