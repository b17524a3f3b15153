#include "projections/authorization_snapshot.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <concepts>
#include <cstring>
#include <optional>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <unistd.h>

#include "eventstore/files.h"

namespace mintmark {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are stored as they lie in memory");

constexpr std::string_view magic = "MMAUTHIX";
constexpr std::uint32_t version = 4;
constexpr std::size_t buffer_bytes = 1UL << 20;
constexpr std::size_t token_bytes_min = 34;
constexpr std::size_t parked_bytes_min = 16;

using Hash = std::array<std::uint8_t, 32>;

// What a token has before its name, as it lies in the file.
struct TokenHead {
  std::uint32_t token;
  std::uint32_t account;
  std::uint32_t expires_at;
  std::uint8_t pepper;
  std::uint8_t extension;
  std::uint8_t state;
  std::uint8_t more;  // has_permissions, has_renewed_key
  Digest digest;
};
constexpr std::uint8_t has_permissions = 1;
constexpr std::uint8_t has_renewed_key = 2;
static_assert(sizeof(TokenHead) + sizeof(std::uint16_t) == token_bytes_min);

class Hasher {
 public:
  Hasher() { crypto_generichash_init(&state_, nullptr, 0, Hash{}.size()); }
  void update(const char* bytes, std::size_t size) {
    crypto_generichash_update(&state_, reinterpret_cast<const std::uint8_t*>(bytes), size);
  }
  Hash finish() {
    Hash hash{};
    crypto_generichash_final(&state_, hash.data(), hash.size());
    return hash;
  }

 private:
  crypto_generichash_state state_;
};

void throw_errno(const std::filesystem::path& path) {
  throw std::system_error(errno, std::generic_category(), path.string());
}

// Collects bytes, hashes them and hands them on: to a file, or with none to nobody.
class Writer {
 public:
  explicit Writer(const Descriptor* file, std::filesystem::path path = {})
      : file_(file), path_(std::move(path)) {
    buffer_.reserve(buffer_bytes);
  }

  void put(std::string_view bytes) {
    if (buffer_.size() + bytes.size() > buffer_bytes) flush();
    if (bytes.size() < buffer_bytes) {
      buffer_.append(bytes);
    } else {
      hand_on(bytes);
    }
  }
  template <std::unsigned_integral Number>
  void put(Number number) {
    put({reinterpret_cast<const char*>(&number), sizeof number});
  }
  void put_text(std::string_view text) {
    put(static_cast<std::uint32_t>(text.size()));
    put(text);
  }

  Hash finish() {
    flush();
    const auto hash = hasher_.finish();
    if (file_ != nullptr) write_out({reinterpret_cast<const char*>(hash.data()), hash.size()});
    return hash;
  }

 private:
  void flush() {
    hand_on(buffer_);
    buffer_.clear();
  }
  void hand_on(std::string_view bytes) {
    hasher_.update(bytes.data(), bytes.size());
    if (file_ != nullptr) write_out(bytes);
  }
  void write_out(std::string_view bytes) {
    if (!write_all(file_->fd(), bytes)) throw_errno(path_);
  }

  const Descriptor* file_;
  std::filesystem::path path_;
  std::string buffer_;
  Hasher hasher_;
};

void write_history(Writer& out, const AuthorizationHistory& history) {
  history.deleted.for_each([&out](TokenId id) { out.put(id.value()); });
  for (const auto& [stream, parked] : history.parked) {
    out.put_text(stream);
    out.put(parked.position);
    out.put_text(parked.reason);
  }
}

// Gives the bytes before the hash and no more; every take fails once one has.
class Reader {
 public:
  Reader(const Descriptor& file, std::uint64_t body_bytes)
      : file_(file),
        unread_(body_bytes),
        left_(body_bytes),
        buffer_(std::min<std::uint64_t>(body_bytes, buffer_bytes)) {}

  bool take(char* to, std::size_t size) {
    if (size > left_) return false;
    left_ -= size;
    while (size > 0) {
      if (begin_ == end_ && !fill()) return false;
      const auto part = std::min(size, end_ - begin_);
      std::memcpy(to, buffer_.data() + begin_, part);
      begin_ += part;
      to += part;
      size -= part;
    }
    return true;
  }
  template <std::unsigned_integral Number>
  bool take(Number& number) {
    return take(reinterpret_cast<char*>(&number), sizeof number);
  }
  bool take_text(std::string& text, std::size_t size) {
    if (size > left_) return false;
    text.resize(size);
    return take(text.data(), size);
  }
  bool take_text(std::string& text) {
    std::uint32_t size = 0;
    return take(size) && take_text(text, size);
  }

  // Whether the body has been taken to its end and the hash behind it is right.
  bool hash_is_right() {
    Hash stored{};
    if (left_ != 0 || read_some(reinterpret_cast<char*>(stored.data()), stored.size()) != stored.size())
      return false;
    return hasher_.finish() == stored;
  }
  std::uint64_t left() const { return left_; }

 private:
  bool fill() {
    const auto size = read_some(buffer_.data(), std::min<std::uint64_t>(unread_, buffer_.size()));
    begin_ = 0;
    end_ = size;
    unread_ -= size;
    hasher_.update(buffer_.data(), size);
    return size > 0;
  }
  // Fewer than `size` only at the end of the file or after an error.
  std::size_t read_some(char* to, std::size_t size) {
    return static_cast<std::size_t>(std::max<std::ptrdiff_t>(read_up_to(file_.fd(), to, size), 0));
  }

  const Descriptor& file_;
  std::uint64_t unread_;  // bytes of the body that are not in the buffer yet
  std::uint64_t left_;    // bytes of the body that are not taken yet
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  Hasher hasher_;
};

struct Header {
  Position checkpoint = 0;
  std::uint64_t tokens = 0;
  std::uint64_t deleted = 0;
  std::uint64_t parked = 0;
};

std::expected<Header, std::string> read_header(Reader& in, EventId log_id) {
  std::array<char, magic.size()> found{};
  std::uint32_t found_version = 0;
  std::uint32_t reserved = 0;
  EventId found_log;
  Header header;
  if (!in.take(found.data(), found.size()) || std::string_view(found.data(), found.size()) != magic) {
    return std::unexpected("not a snapshot of the authorization index");
  }
  if (!in.take(found_version)) return std::unexpected("the file is truncated");
  if (found_version != version) {
    return std::unexpected(fmt::format("format version {}, this program reads {}", found_version, version));
  }
  if (!in.take(reserved) ||
      !in.take(reinterpret_cast<char*>(found_log.bytes.data()), found_log.bytes.size()) ||
      !in.take(header.checkpoint) || !in.take(header.tokens) || !in.take(header.deleted) ||
      !in.take(header.parked)) {
    return std::unexpected("the file is truncated");
  }
  if (found_log != log_id) return std::unexpected("the snapshot belongs to another log");
  if (reserved != 0 || header.tokens > in.left() / token_bytes_min ||
      header.tokens > TokenTable::tokens_max || header.deleted > in.left() / sizeof(std::uint32_t) ||
      header.parked > in.left() / parked_bytes_min) {
    return std::unexpected("the header is damaged");
  }
  return header;
}

bool is_header_text(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c <= 0x7E; });
}

bool is_sound(const TokenHead& head) {
  return head.token < TokenId::value_end && head.account < 2 * AccountId::value_end && head.pepper != 0 &&
         (head.extension == CUSTOM || head.extension == ZAPIER) &&
         head.state <= static_cast<std::uint8_t>(TokenState::kInactive) &&
         head.more <= (has_permissions | has_renewed_key);
}

bool read_token(Reader& in, LoadedAuthorization& loaded, std::string& name) {
  TokenHead head;
  std::uint16_t name_length = 0;
  if (!in.take(reinterpret_cast<char*>(&head), sizeof head) || !in.take(name_length) ||
      name_length > NameArena::text_bytes_max || !in.take_text(name, name_length)) {
    return false;
  }
  if (!is_sound(head) || !is_header_text(name) || !loaded.copies[0].can_take(1, name.size())) return false;
  TokenRecord record{.token = TokenId::from_value(head.token),
                     .account = AccountId::from_code(head.account),
                     .key = {head.digest, head.expires_at, head.pepper},
                     .renewed_key = {},
                     .permissions = {},
                     .extension = head.extension,
                     .state = static_cast<TokenState>(head.state),
                     .name = name};
  if ((head.more & has_permissions) != 0 && !in.take(record.permissions.emplace())) return false;
  if ((head.more & has_renewed_key) != 0) {
    auto& key = record.renewed_key.emplace();
    if (!in.take(key.expires_at) || !in.take(key.pepper) || key.pepper == 0 ||
        !in.take(reinterpret_cast<char*>(key.digest.data()), key.digest.size())) {
      return false;
    }
  }
  return loaded.copies[0].insert(record) && loaded.copies[1].insert(record);
}

bool read_body(Reader& in, const Header& header, LoadedAuthorization& loaded) {
  for (auto& copy : loaded.copies) copy.reserve(header.tokens);
  std::string name;
  for (std::uint64_t i = 0; i < header.tokens; ++i) {
    if (!read_token(in, loaded, name)) return false;
  }
  for (std::uint64_t i = 0; i < header.deleted; ++i) {
    std::uint32_t id = 0;
    if (!in.take(id) || id >= TokenId::value_end || !loaded.history.deleted.insert(TokenId::from_value(id))) {
      return false;
    }
  }
  for (std::uint64_t i = 0; i < header.parked; ++i) {
    ParkedStream parked;
    if (!in.take_text(parked.stream) || !in.take(parked.position) || !in.take_text(parked.reason))
      return false;
    auto stream = parked.stream;
    if (!loaded.history.parked.emplace(std::move(stream), std::move(parked)).second) return false;
  }
  return true;
}

void write_file(const std::filesystem::path& path, const SnapshotContent& content,
                const std::function<void(std::string& bytes)>& append_part) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (file.fd() < 0) throw_errno(path);
  Writer out(&file, path);
  out.put(magic);
  out.put(version);
  out.put(std::uint32_t{0});
  out.put(content.log_id.view());
  out.put(content.checkpoint);
  out.put(content.tokens);
  out.put(std::uint64_t{content.history.deleted.size()});
  out.put(std::uint64_t{content.history.parked.size()});
  std::string part_bytes;
  for (std::size_t part = 0; part < TokenTable::part_count; ++part) {
    part_bytes.clear();
    append_part(part_bytes);
    out.put(part_bytes);
  }
  write_history(out, content.history);
  out.finish();
  if (!sync_file(file.fd())) throw_errno(path);
}

}  // namespace

void append_token(const TokenRecord& record, std::string& bytes) {
  const auto append = [&bytes](const auto& value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  append(TokenHead{.token = record.token.value(),
                   .account = record.account.code(),
                   .expires_at = record.key.expires_at,
                   .pepper = record.key.pepper,
                   .extension = record.extension,
                   .state = static_cast<std::uint8_t>(record.state),
                   .more = static_cast<std::uint8_t>((record.permissions ? has_permissions : 0) |
                                                     (record.renewed_key ? has_renewed_key : 0)),
                   .digest = record.key.digest});
  append(static_cast<std::uint16_t>(record.name.size()));
  bytes.append(record.name);
  if (record.permissions) append(*record.permissions);
  if (record.renewed_key) {
    append(record.renewed_key->expires_at);
    append(record.renewed_key->pepper);
    append(record.renewed_key->digest);
  }
}

void save_authorization_snapshot(const std::filesystem::path& path, const SnapshotContent& content,
                                 const std::function<void(std::string& bytes)>& append_part) {
  auto temporary = path;
  temporary += ".new";
  try {
    write_file(temporary, content, append_part);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) throw_errno(path);
  if (!sync_parent_folder(path)) throw_errno(path);
}

std::expected<LoadedAuthorization, std::string> load_authorization_snapshot(const std::filesystem::path& path,
                                                                            EventId log_id) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd() < 0) return std::unexpected(std::generic_category().message(errno));
  const auto end = ::lseek(file.fd(), 0, SEEK_END);
  if (end < static_cast<off_t>(Hash{}.size()) || ::lseek(file.fd(), 0, SEEK_SET) != 0) {
    return std::unexpected("the file is truncated");
  }
  Reader in(file, static_cast<std::uint64_t>(end) - Hash{}.size());
  const auto header = read_header(in, log_id);
  if (!header) return std::unexpected(header.error());
  std::expected<LoadedAuthorization, std::string> loaded;
  loaded->checkpoint = header->checkpoint;
  if (!read_body(in, *header, *loaded) || !in.hash_is_right()) return std::unexpected("the file is damaged");
  return loaded;
}

std::string authorization_fingerprint(const TokenTable& table, const AuthorizationHistory& history) {
  Writer out(nullptr);
  std::string bytes;
  table.for_each([&](const TokenRecord& record) {
    bytes.clear();
    append_token(record, bytes);
    out.put(bytes);
  });
  write_history(out, history);
  const auto hash = out.finish();
  std::array<char, 2 * Hash{}.size() + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
  return hex.data();
}

}  // namespace mintmark
