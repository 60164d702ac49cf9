#include "http/local_client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "http/exchange.h"

namespace kaigo::http {

using local = asio::local::stream_protocol;

namespace {

constexpr std::uint64_t kLargestResponse = 256U << 20;

}  // namespace

tl::expected<ClientResponse, NoResponse> ask_locally(const std::filesystem::path& socket,
                                                     const ClientRequest& request) {
    const auto failed = [](NoResponse::Why why, const error_code& error) {
        return tl::unexpected(NoResponse{why, error.message()});
    };
    if (socket.native().size() >= sizeof(sockaddr_un::sun_path))
        return failed(NoResponse::Why::not_sent, asio::error::name_too_long);
    asio::io_context io(1);
    local::socket stream(io);
    error_code refused;
    stream.connect(local::endpoint(socket.string()), refused);
    if (refused) return failed(NoResponse::Why::not_sent, refused);
    const auto close = [&stream] {
        error_code ignored;
        stream.close(ignored);
    };
    Deadline deadline(io.get_executor(), close);
    beast::flat_buffer buffer{kLargestBuffer};
    Exchanged exchanged;
    exchanged.failed = asio::error::connection_aborted;  // until something else is known
    asio::co_spawn(
        io,
        [&]() -> asio::awaitable<void> {
            co_await exchange(stream, buffer, head_of(request, "localhost", request.target), request.body,
                              kLargestResponse, deadline, close, exchanged);
            deadline.none();
        },
        asio::detached);
    io.run();
    if (exchanged.failed) return failed(NoResponse::Why::no_answer, exchanged.failed);
    return ClientResponse{static_cast<int>(exchanged.response.result_int()),
                          std::move(exchanged.response.body()), std::nullopt};
}

}  // namespace kaigo::http
