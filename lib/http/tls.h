#pragma once
// TLS 1.3 as every end of this program speaks it. No other room includes it.

#include <boost/asio/ssl/context.hpp>
#include <boost/system/error_code.hpp>
#include <memory>
#include <string>

#include "base/result.h"
#include "http/client.h"

namespace kaigo::http {

/// Trusts `ca` alone and comes with the identity.
Result<std::unique_ptr<boost::asio::ssl::context>> client_context(const std::string& ca,
                                                                  const Identity& identity);
/// Shows the identity, and asks for none.
Result<std::unique_ptr<boost::asio::ssl::context>> server_context(const Identity& identity);

/// Whether the other side, or what it sent, ended the handshake; not the network.
bool is_tls_failure(const boost::system::error_code& failed);
/// Whether one side does not believe the other's certificate. Under TLS 1.3 a server says so after a
/// handshake that looked fine, on the first read (RFC 8446, 4.4.2.4 and 6.2).
bool is_certificate_failure(const boost::system::error_code& failed);

}  // namespace kaigo::http
