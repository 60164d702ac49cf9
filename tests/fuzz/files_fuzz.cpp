// Configuration and mapping files: any bytes. Whatever is accepted must also be whole.

#include "config/config.h"
#include "mapping/plan.h"
#include "unit/support.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const kaigo::test::Folder folder;
    const auto file = folder.write("file.yaml", std::string(reinterpret_cast<const char*>(data), size));
    if (const auto config = kaigo::config::load(file);
        config && config->insurers.empty() && config->sources.empty())
        __builtin_trap();
    kaigo::Faults faults;
    const auto plan = kaigo::mapping::Plan::load(file, kaigo::test::specification(), faults);
    if ((plan == nullptr) != !faults.empty()) __builtin_trap();
    return 0;
}
