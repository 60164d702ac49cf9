#include "base/crypto.h"
#include "base/read_ahead.h"
#include "source/source.h"

namespace kaigo::source {
namespace {

constexpr std::size_t kBlocks = 4;
constexpr std::size_t kRowsInBlock = 128;
constexpr std::size_t kBytesInBlock = 256U << 10;

/// Rows with their text. They may hold a マイナンバー, and are wiped.
struct Block {
    std::vector<Cell> cells;
    std::string text;
    std::vector<std::size_t> starts;  ///< of each cell's text: addresses are known when the block is full
    std::size_t rows = 0;

    void clear() {
        SecretBytes::wipe(text.data(), text.size());
        text.clear();
        cells.clear();
        starts.clear();
        rows = 0;
    }

    Block() { text.reserve(kBytesInBlock); }  // growing would leave copies behind
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;
    ~Block() { clear(); }
};

class RowsAhead : public RowStream {
  public:
    explicit RowsAhead(std::unique_ptr<RowStream> rows)
        : rows_(std::move(rows)),
          columns_(rows_->row().size()),
          blocks_(kBlocks, [this](Block& block) { return fill(block); }) {}

    Result<bool> next() override {
        if (block_ != nullptr && ++row_ < block_->rows) return true;
        KAIGO_TRY(block_, blocks_.next());
        row_ = 0;
        return block_ != nullptr;
    }

    std::span<const Cell> row() const override {
        return std::span(block_->cells).subspan(row_ * columns_, columns_);
    }

  private:
    Result<bool> fill(Block& block) {
        block.clear();
        if (failure_) return tl::unexpected(*failure_);
        while (block.rows < kRowsInBlock && !ended_) {
            const auto more = rows_->next();
            if (!more) failure_ = more.error();  // the rows before it come first
            ended_ = !more || !*more;
            if (ended_) break;
            for (const Cell& cell : rows_->row()) {
                block.cells.push_back(cell);
                block.starts.push_back(block.text.size());
                block.text += cell.text;
            }
            ++block.rows;
        }
        for (std::size_t i = 0; i < block.cells.size(); ++i)
            block.cells[i].text = {block.text.data() + block.starts[i], block.cells[i].text.size()};
        if (block.rows == 0 && failure_) return tl::unexpected(*failure_);
        return block.rows > 0;
    }

    std::unique_ptr<RowStream> rows_;
    std::size_t columns_;
    std::optional<Error> failure_;  ///< of the reading thread
    bool ended_ = false;            ///< of the reading thread
    const Block* block_ = nullptr;
    std::size_t row_ = 0;
    ReadAhead<Block> blocks_;
};

}  // namespace

std::unique_ptr<RowStream> read_ahead(std::unique_ptr<RowStream> rows) {
    return std::make_unique<RowsAhead>(std::move(rows));
}

}  // namespace kaigo::source
