#include "daemon/rights.h"

#include <algorithm>

namespace kaigo::daemon {

std::optional<jobs::Right> right_of(const http::Peer& peer, const config::ControlSettings& settings,
                                    uid_t own) {
    const auto in = [&](const std::string& group) {
        return std::ranges::find(peer.groups, group) != peer.groups.end();
    };
    if (peer.uid == 0 || peer.uid == own || in(settings.administrators)) return jobs::Right::administer;
    if (in(settings.operators)) return jobs::Right::operate;
    if (in(settings.viewers)) return jobs::Right::view;
    return std::nullopt;
}

}  // namespace kaigo::daemon
