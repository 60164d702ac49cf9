#pragma once
// Named places at which a test may stop the process, to show that what follows a crash is right.

#include <functional>
#include <string>
#include <string_view>

namespace kaigo {

/// What the tests install; empty in every program that is shipped.
inline std::function<void(std::string_view)> failpoint_hook;

inline void failpoint(std::string_view name) {
    if (failpoint_hook) failpoint_hook(name);
}

}  // namespace kaigo
