#include "daemon/rights.h"

#include <algorithm>

namespace kaigo::daemon {

Right right_of(const http::Peer& peer, const config::ControlSettings& settings, uid_t own) {
    const auto in = [&](const std::string& group) {
        return std::ranges::find(peer.groups, group) != peer.groups.end();
    };
    if (peer.uid == 0 || peer.uid == own || in(settings.operators)) return Right::operate;
    return in(settings.viewers) ? Right::view : Right::none;
}

}  // namespace kaigo::daemon
