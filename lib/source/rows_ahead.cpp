#include "base/read_ahead.h"
#include "crypto/crypto.h"
#include "source/source.h"

namespace kaigo::source {
namespace {

constexpr std::size_t kBlocks = 6;
constexpr std::size_t kRowsInBlock = 128;
constexpr std::size_t kBytesInBlock = 256U << 10;

/// Rows with their text. They may hold a マイナンバー, and are wiped.
struct Block {
    std::vector<Cell> cells;
    std::string text;  ///< never grows while cells look into it

    void clear() {
        SecretBytes::wipe(text.data(), text.size());
        text.clear();
        cells.clear();
    }

    /// @return false when there is no room for its text beside that of the rows before it
    bool take(std::span<const Cell> row) {
        std::size_t bytes = 0;
        for (const Cell& cell : row) bytes += cell.text.size();
        if (text.size() + bytes > text.capacity()) {
            if (!cells.empty()) return false;
            text.reserve(bytes);
        }
        for (const Cell& cell : row) {
            cells.push_back(cell);
            cells.back().text = {text.data() + text.size(), cell.text.size()};
            text += cell.text;
        }
        return true;
    }

    Block() { text.reserve(kBytesInBlock); }
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;
    ~Block() { clear(); }
};

class RowsAhead : public RowStream {
  public:
    explicit RowsAhead(std::unique_ptr<RowStream> rows)
        : rows_(std::move(rows)),
          columns_(rows_->columns().size()),
          blocks_(kBlocks, [this](Block& block) { return fill(block); }) {}

    Result<bool> next() override {
        if (block_ != nullptr && ++row_ * columns_ < block_->cells.size()) return true;
        KAIGO_TRY(block_, blocks_.next());
        row_ = 0;
        return block_ != nullptr;
    }

    std::span<const Cell> row() const override {
        return std::span(block_->cells).subspan(row_ * columns_, columns_);
    }

    const std::vector<std::string>& columns() const override { return rows_->columns(); }

  private:
    Result<bool> fill(Block& block) {
        block.clear();
        while (block.cells.size() < kRowsInBlock * columns_ && !ended_) {
            if (!left_) {
                const auto more = rows_->next();
                if (!more) failure_ = more.error();  // the rows before it come first
                ended_ = !more || !*more;
                if (ended_) break;
            }
            left_ = !block.take(rows_->row());
            if (left_) break;
        }
        if (block.cells.empty() && failure_) return tl::unexpected(*failure_);
        return !block.cells.empty();
    }

    std::unique_ptr<RowStream> rows_;
    std::size_t columns_;
    std::optional<Error> failure_;  ///< of the reading thread
    bool ended_ = false;            ///< of the reading thread
    bool left_ = false;             ///< of the reading thread: a row that had no room in the block before
    const Block* block_ = nullptr;
    std::size_t row_ = 0;
    ReadAhead<Block> blocks_;
};

}  // namespace

std::unique_ptr<RowStream> read_ahead(std::unique_ptr<RowStream> rows) {
    return std::make_unique<RowsAhead>(std::move(rows));
}

}  // namespace kaigo::source
