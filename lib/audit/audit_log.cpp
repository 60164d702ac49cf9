#include "audit/audit_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>

#include "base/i18n.h"
#include "base/text.h"
#include "crypto/crypto.h"

namespace kaigo::audit {
namespace {

constexpr std::string_view kHashMark = ",\"hash\":\"";

/// A line is its content, then the hash: the part before the mark is what the hash covers.
struct Line {
    std::string_view content;
    std::string_view hash;
};

std::optional<Line> split(std::string_view line) {
    const std::size_t mark = line.rfind(kHashMark);
    constexpr std::size_t kHashSize = 64;
    if (mark == std::string_view::npos || line.size() != mark + kHashMark.size() + kHashSize + 2)
        return std::nullopt;
    return Line{line.substr(0, mark), line.substr(mark + kHashMark.size(), kHashSize)};
}

std::string beginning(std::int64_t sequence, const std::string& previous) {
    return fmt::format("{{\"seq\":{},\"previous\":\"{}\",", sequence, previous);
}

/// The last whole line of a log, which may have grown for years: only its end is read.
struct Tail {
    std::uintmax_t size = 0;   ///< of the file
    std::uintmax_t whole = 0;  ///< up to the end of its last whole line
    std::string last;
};

Result<Tail> read_tail(const std::filesystem::path& path) {
    const auto unreadable = [&] {
        return fail(ErrorCode::cannot_read, tr("the audit log cannot be read")).at(path.string());
    };
    std::ifstream in(path, std::ios::binary);
    in.seekg(0, std::ios::end);
    // Only what was read to its end may be cut: a log that cannot be read must stay as it is.
    if (!in) return unreadable();
    Tail out;
    out.size = static_cast<std::uintmax_t>(in.tellg());
    std::string end;
    for (std::uintmax_t length = 4096;; length *= 4) {
        length = std::min(length, out.size);
        end.resize(length);
        in.seekg(static_cast<std::streamoff>(out.size - length));
        in.read(end.data(), static_cast<std::streamsize>(length));
        if (!in) return unreadable();
        const std::size_t stop = end.rfind('\n');
        const std::size_t before =
            stop == std::string::npos || stop == 0 ? std::string::npos : end.rfind('\n', stop - 1);
        if (before == std::string::npos && length < out.size) continue;
        if (stop == std::string::npos) return out;
        const std::size_t begin = before == std::string::npos ? 0 : before + 1;
        out.whole = out.size - length + stop + 1;
        out.last = end.substr(begin, stop - begin);
        return out;
    }
}

std::string_view event_of(std::string_view content) {
    constexpr std::string_view kMark = ",\"event\":\"";
    const std::size_t at = content.find(kMark);
    if (at == std::string_view::npos) return {};
    content.remove_prefix(at + kMark.size());
    return content.substr(0, content.find('"'));
}

std::optional<std::int64_t> sequence_of(std::string_view content) {
    constexpr std::string_view kMark = "{\"seq\":";
    if (!content.starts_with(kMark)) return std::nullopt;
    content.remove_prefix(kMark.size());
    std::int64_t out = 0;
    const auto [end, error] = std::from_chars(content.data(), content.data() + content.size(), out);
    if (error != std::errc() || out < 1) return std::nullopt;
    return out;
}

}  // namespace

Result<AuditLog> AuditLog::open(const std::filesystem::path& path, Duration patience) {
    std::error_code ignored;
    std::filesystem::create_directories(path.parent_path(), ignored);
    KAIGO_TRY(FileLock lock, FileLock::acquire(path.string() + ".lock", patience));
    if (!std::filesystem::exists(path, ignored)) return AuditLog(std::move(lock), path, "", 0);
    KAIGO_TRY(const Tail tail, read_tail(path));
    // A line without its end was being written when the power failed. Nobody had got a confirmation for it.
    if (tail.whole < tail.size) std::filesystem::resize_file(path, tail.whole, ignored);
    if (tail.whole == 0) return AuditLog(std::move(lock), path, "", 0);
    const auto parts = split(tail.last);
    const auto sequence = parts ? sequence_of(parts->content) : std::nullopt;
    if (!sequence)
        return fail(ErrorCode::bad_data, tr("the last line of the audit log is not whole"))
            .at(path.string())
            .remedy(tr("run: kaigo-gateway audit verify"));
    return AuditLog(std::move(lock), path, std::string(parts->hash), *sequence);
}

Status AuditLog::append(Instant at, const std::string& event, const std::string& actor,
                        const std::map<std::string, std::string>& details) {
    std::string content = beginning(sequence_ + 1, head_);
    content += fmt::format("\"at\":\"{}\",\"event\":", format_instant(at));
    append_json_string(content, event);
    content += ",\"actor\":";
    append_json_string(content, actor);
    content += ",\"details\":{";
    bool first = true;
    for (const auto& [name, value] : details) {
        if (!first) content += ',';
        first = false;
        append_json_string(content, name);
        content += ':';
        append_json_string(content, value);
    }
    content += '}';
    const std::string hash = sha256_hex(content);
    KAIGO_CHECK(append_line_durably(path_, fmt::format("{}{}{}\"}}", content, kHashMark, hash)));
    head_ = hash;
    ++sequence_;
    return {};
}

Result<Verification> verify(const std::filesystem::path& path, const std::string& anchor) {
    std::ifstream in(path);
    if (!in) return fail(ErrorCode::cannot_read, tr("there is no audit log")).at(path.string());
    Verification out;
    std::string line;
    while (std::getline(in, line)) {
        ++out.lines;
        const auto parts = split(line);
        if (!parts || sha256_hex(parts->content) != parts->hash ||
            !parts->content.starts_with(beginning(out.lines, out.head)))
            return fail(ErrorCode::bad_data,
                        tr("the chain is broken: this line was changed, or one before it removed"))
                .at(fmt::format("{}:{}", path.string(), out.lines))
                .remedy(tr(
                    "keep the file as it is and report it to the person in charge of information security"));
        out.head = parts->hash;
        if (out.anchor_seen || anchor.empty()) out.events_after.emplace_back(event_of(parts->content));
        out.anchor_seen = out.anchor_seen || out.head == anchor;
    }
    return out;
}

}  // namespace kaigo::audit
