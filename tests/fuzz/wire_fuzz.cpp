// Answers of the platform: any bytes.

#include "platform/wire.h"
#include "unit/support.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view body(reinterpret_cast<const char*>(data), size);
    const kaigo::WireNames& wire = kaigo::test::specification().wire();
    static_cast<void>(kaigo::platform::parse_submit_answer(wire, body, "R1", 1));
    static_cast<void>(kaigo::platform::parse_error_code(wire, body));
    static_cast<void>(kaigo::platform::parse_service_status(wire, body));
    static_cast<void>(kaigo::platform::parse_receptions(wire, body));
    static_cast<void>(kaigo::platform::parse_reception(wire, body));
    static_cast<void>(kaigo::platform::parse_results(wire, body));
    return 0;
}
