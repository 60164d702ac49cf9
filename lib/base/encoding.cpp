#include "base/encoding.h"

#include <unicode/ucnv.h>
#include <unicode/unistr.h>

#include <memory>

#include "base/text.h"

namespace kaigo {
namespace {

constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";
constexpr std::string_view kUtf16LeMark = "\xFF\xFE";
constexpr std::string_view kUtf16BeMark = "\xFE\xFF";

const char* name_for_icu(Encoding encoding) {
    switch (encoding) {
        case Encoding::cp932:
            return "ibm-943_P15A-2003";  // what Windows calls code page 932
        case Encoding::utf16_le:
            return "UTF-16LE";
        case Encoding::utf16_be:
            return "UTF-16BE";
    }
    return "";
}

}  // namespace

std::optional<std::string> from_encoding(std::string_view bytes, Encoding encoding) {
    UErrorCode error = U_ZERO_ERROR;
    const std::unique_ptr<UConverter, decltype(&ucnv_close)> converter(
        ucnv_open(name_for_icu(encoding), &error), &ucnv_close);
    // Nothing is put in the place of what cannot be read.
    ucnv_setToUCallBack(converter.get(), UCNV_TO_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &error);
    if (U_FAILURE(error)) return std::nullopt;
    const icu::UnicodeString text(bytes.data(), static_cast<int32_t>(bytes.size()), converter.get(), error);
    if (U_FAILURE(error)) return std::nullopt;
    std::string out;
    text.toUTF8String(out);
    return out;
}

std::optional<std::string> text_of_file(std::string_view bytes) {
    if (bytes.starts_with(kUtf16LeMark))
        return from_encoding(bytes.substr(kUtf16LeMark.size()), Encoding::utf16_le);
    if (bytes.starts_with(kUtf16BeMark))
        return from_encoding(bytes.substr(kUtf16BeMark.size()), Encoding::utf16_be);
    if (bytes.starts_with(kUtf8Mark)) bytes.remove_prefix(kUtf8Mark.size());
    if (is_well_formed(bytes)) return std::string(bytes);
    return from_encoding(bytes, Encoding::cp932);
}

}  // namespace kaigo
