#include "eventstore/rocksdb_tables.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/write_batch.h>

#include "eventstore/bytes.h"
#include "eventstore/merkle_proof.h"
#include "eventstore/rocksdb_options.h"
#include "eventstore/rocksdb_strings.h"
#include "eventstore/table_files.h"

namespace mintmark {
namespace {

// So many hashes are a block of RocksDB's: reading one node reads no more.
constexpr std::size_t node_row_bytes_max = 128 * sizeof(TreeHash);

const std::vector<std::string> family_names = {
    rocksdb::kDefaultColumnFamilyName, "events", "streams", "heads", "appends", "idempotency", "vault",
    std::string(nodes_family)};

std::string position_key(Position position) {
  std::string key;
  put_big_endian(key, position);
  return key;
}

std::string stream_key(std::string_view stream, std::uint64_t version) {
  std::string key(stream);
  key += '\0';
  put_big_endian(key, version);
  return key;
}

std::string encode_positions(const Committed& committed) {
  std::string value;
  put_big_endian(value, committed.first);
  put_big_endian(value, committed.last);
  return value;
}

std::optional<std::uint64_t> parse_schema(const std::optional<std::string>& stored) {
  if (!stored) return 1;
  std::uint64_t schema = 0;
  const auto [end, code] = std::from_chars(stored->data(), stored->data() + stored->size(), schema);
  const bool is_number = code == std::errc() && end == stored->data() + stored->size();
  return is_number ? std::optional(schema) : std::nullopt;
}

void throw_unless_ok(const rocksdb::Status& status) {
  if (!status.ok()) throw std::runtime_error("the log cannot be read: " + status.ToString());
}

StoredEvent decode_event(std::string_view bytes, Position position) {
  StoredEvent event{std::string(bytes), {}};
  if (!event.recorded.ParseFromString(event.bytes) || event.recorded.position() != position) {
    throw CorruptLog(fmt::format("the event at position {} does not decode", position));
  }
  if (event.recorded.event().kind_case() == Event::KIND_NOT_SET) {
    throw CorruptLog(
        fmt::format("the event at position {} is of a kind that this version does not know", position));
  }
  return event;
}

}  // namespace

rocksdb::Status RocksDbTables::open(rocksdb::Env& env, const std::string& path, Mode mode,
                                    std::unique_ptr<RocksDbTables>& tables) {
  auto options = database_options(env);
  options.create_if_missing = mode == Mode::kCreate;
  options.create_missing_column_families = mode == Mode::kCreate;
  options.error_if_exists = mode == Mode::kCreate;
  bool has_nodes = true;
  if (mode != Mode::kCreate) {
    std::vector<std::string> stored;
    auto listed = rocksdb::DB::ListColumnFamilies(options, path, &stored);
    if (!listed.ok()) return listed;
    if (auto checked = check_table_files(env, path); !checked.ok()) return checked;
    has_nodes = std::ranges::find(stored, nodes_family) != stored.end();
    // A log of an earlier format; any other family must be there.
    options.create_missing_column_families = mode == Mode::kWrite && !has_nodes;
  }
  const bool reading = mode == Mode::kReadOnly;
  const auto cache = rocksdb::NewLRUCache(reading ? reading_block_cache_bytes : block_cache_bytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.reserve(family_names.size());
  for (const auto& name : family_names) {
    if (name == nodes_family && !has_nodes && reading) continue;
    families.emplace_back(name, family_options(name, cache, reading));
  }

  std::unique_ptr<RocksDbTables> opened(new RocksDbTables);
  opened->space_ = SpaceListener::add_to(options);
  rocksdb::DB* db = nullptr;
  const auto status = reading ? rocksdb::DB::OpenForReadOnly(options, path, families, &opened->families_, &db)
                              : rocksdb::DB::Open(options, path, families, &opened->families_, &db);
  if (!status.ok()) return status;
  opened->db_.reset(db);
  tables = std::move(opened);
  return status;
}

RocksDbTables::~RocksDbTables() {
  for (auto* family : families_) db_->DestroyColumnFamilyHandle(family);
}

std::optional<std::string> RocksDbTables::get(Table table, std::string_view key) {
  std::string value;
  const auto status = db_->Get(rocksdb::ReadOptions(), families_[table], slice(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  throw_unless_ok(status);
  return value;
}

std::optional<RocksDbTables::Meta> RocksDbTables::meta() {
  const auto format = get(kMeta, "format");
  const auto log_id = get(kMeta, "log_id");
  const auto tree_bytes = get(kMeta, "tree");
  // What else another format holds is its own affair.
  if (format && !knows_format(*format)) return Meta{*format, {}, {}};
  if (!format || !log_id || log_id->size() != 16 || !tree_bytes) return std::nullopt;
  auto tree = MerkleTree::decode(*tree_bytes);
  const auto schema = parse_schema(get(kMeta, "schema"));
  if (!tree || !schema) return std::nullopt;
  return Meta{*format, EventId::from_bytes(*log_id), std::move(*tree), *schema};
}

rocksdb::Status RocksDbTables::write_meta(const Meta& meta) {
  rocksdb::WriteBatch batch;
  auto* family = families_[kMeta];
  auto status = batch.Put(family, "format", meta.format);
  if (status.ok()) status = batch.Put(family, "schema", std::to_string(meta.schema));
  if (status.ok()) status = batch.Put(family, "log_id", slice(meta.log_id.view()));
  if (status.ok()) status = batch.Put(family, "tree", meta.tree.encode());
  if (status.ok()) status = put_write_number(batch);
  if (!status.ok()) return status;
  rocksdb::WriteOptions options;
  options.sync = true;
  return db_->Write(options, &batch);
}

rocksdb::Status RocksDbTables::put_write_number(rocksdb::WriteBatch& batch) {
  if (!writes_) {
    const auto stored = get(kMeta, write_number_key);
    writes_ = stored ? get_big_endian(*stored) : 0;
  }
  const auto number = position_key(++*writes_);
  rocksdb::Status status;
  for (const auto table : numbered_tables) {
    if (status.ok()) status = batch.Put(families_[table], slice(write_number_key), number);
  }
  return status;
}

bool RocksDbTables::families_agree(const Meta& meta) {
  if (meta.format == known_format &&
      (families_.size() < kTables || count_nodes() != node_count(meta.tree.size()))) {
    return false;
  }
  if (meta.format == "1") return true;
  const auto newest = get(kMeta, write_number_key);
  return newest && std::ranges::all_of(numbered_tables,
                                       [&](Table table) { return get(table, write_number_key) == newest; });
}

Position RocksDbTables::last_position() {
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(rocksdb::ReadOptions(), families_[kEvents]));
  it->SeekToLast();
  throw_unless_ok(it->status());
  return it->Valid() ? get_big_endian(view(it->key())) : 0;
}

rocksdb::Status RocksDbTables::put_nodes(rocksdb::WriteBatch& batch, const MerkleTree& tree,
                                         std::string_view nodes) {
  auto number = node_count(tree.size()) - nodes.size() / sizeof(TreeHash);
  rocksdb::Status status;
  while (status.ok() && !nodes.empty()) {
    const auto row = nodes.substr(0, node_row_bytes_max);
    status = batch.Put(families_[kNodes], position_key(number), slice(row));
    number += row.size() / sizeof(TreeHash);
    nodes.remove_prefix(row.size());
  }
  return status;
}

rocksdb::Status RocksDbTables::write_nodes(const MerkleTree& tree, std::string_view nodes) {
  rocksdb::WriteBatch batch;
  const auto status = put_nodes(batch, tree, nodes);
  return status.ok() ? db_->Write(rocksdb::WriteOptions(), &batch) : status;
}

std::uint64_t RocksDbTables::count_nodes() {
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(rocksdb::ReadOptions(), families_[kNodes]));
  it->SeekToLast();
  throw_unless_ok(it->status());
  return it->Valid() ? get_big_endian(view(it->key())) + it->value().size() / sizeof(TreeHash) : 0;
}

TreeHash RocksDbTables::node(std::uint64_t number) {
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(rocksdb::ReadOptions(), families_[kNodes]));
  it->SeekForPrev(position_key(number));
  throw_unless_ok(it->status());
  const auto index = it->Valid() ? number - get_big_endian(view(it->key())) : 0;
  if (!it->Valid() || index >= it->value().size() / sizeof(TreeHash))
    throw CorruptLog(fmt::format("node {} of its tree is missing", number));
  TreeHash hash;
  std::memcpy(hash.data(), it->value().data() + index * hash.size(), hash.size());
  return hash;
}

std::string RocksDbTables::read_nodes(std::uint64_t first) {
  auto row = get(kNodes, position_key(first));
  if (!row || row->empty() || row->size() % sizeof(TreeHash) != 0)
    throw CorruptLog(fmt::format("node {} of its tree is missing", first));
  return std::move(*row);
}

rocksdb::Status RocksDbTables::write(const CommitBatch& batch, const MerkleTree& tree,
                                     std::string_view nodes) {
  rocksdb::WriteBatch writes;
  rocksdb::Status status;
  const auto put = [&](Table table, std::string_view key, std::string_view value) {
    if (status.ok()) status = writes.Put(families_[table], slice(key), slice(value));
  };
  for (const auto& event : batch.events()) {
    const auto position = position_key(event.position);
    put(kEvents, position, event.bytes);
    put(kStreams, stream_key(event.stream, event.version), position);
  }
  for (const auto& [stream, version] : batch.stream_versions()) put(kHeads, stream, position_key(version));
  for (const auto& [first_event, committed] : batch.appends()) {
    put(kAppends, first_event.view(), encode_positions(committed));
  }
  for (const auto& [key_hash, use] : batch.idempotency_keys()) {
    put(kIdempotency, key_hash, encode_positions(use.committed) + use.request_hash);
  }
  for (const auto& write : batch.vault_writes()) {
    if (!write.wrapped_key.empty()) {
      put(kVault, write.subject, write.wrapped_key);
    } else if (status.ok()) {
      status = writes.Delete(families_[kVault], slice(write.subject));
    }
  }
  put(kMeta, "tree", tree.encode());
  if (status.ok()) status = put_nodes(writes, tree, nodes);
  if (status.ok()) status = put_write_number(writes);
  if (!status.ok()) return status;
  rocksdb::WriteOptions options;
  options.sync = true;
  status = db_->Write(options, &writes);
  for (const auto& row : batch.vault_writes())
    if (row.wrapped_key.empty() || !row.replaces.empty()) former_vault_rows_ = true;
  return status;
}

std::vector<StoredEvent> RocksDbTables::read(Position after, Position last, std::size_t limit) {
  std::vector<StoredEvent> events;
  if (after >= last) return events;
  const auto count = std::min<Position>(last - after, limit);
  events.reserve(count);
  if (count == 1) {  // an iterator costs several times as much
    const auto bytes = get(kEvents, position_key(after + 1));
    if (!bytes) throw CorruptLog(fmt::format("position {} is missing", after + 1));
    events.push_back(decode_event(*bytes, after + 1));
    return events;
  }
  rocksdb::ReadOptions options;
  options.readahead_size = count > 256 ? 2UL * 1024 * 1024 : 0;
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options, families_[kEvents]));
  const auto first_key = position_key(after + 1);
  for (it->Seek(first_key); it->Valid() && events.size() < count; it->Next()) {
    const auto position = get_big_endian(view(it->key()));
    const auto expected = after + 1 + events.size();
    if (position != expected) throw CorruptLog(fmt::format("position {} is missing", expected));
    events.push_back(decode_event(view(it->value()), position));
  }
  throw_unless_ok(it->status());
  if (events.size() < count)
    throw CorruptLog(fmt::format("position {} is missing", after + 1 + events.size()));
  return events;
}

std::vector<StoredEvent> RocksDbTables::read_stream(std::string_view stream, std::uint64_t after_version,
                                                    Position last) {
  std::vector<StoredEvent> events;
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(rocksdb::ReadOptions(), families_[kStreams]));
  const auto after_key = stream_key(stream, after_version);
  const auto prefix = std::string_view(after_key).substr(0, stream.size() + 1);
  const auto is_of_stream = [&](std::string_view key) {
    return key.size() == after_key.size() && key.starts_with(prefix);
  };
  for (it->Seek(after_key); it->Valid() && is_of_stream(view(it->key())); it->Next()) {
    if (view(it->key()) == after_key) continue;
    const auto position = get_big_endian(view(it->value()));
    if (position > last) break;
    const auto bytes = get(kEvents, position_key(position));
    if (!bytes) throw CorruptLog(fmt::format("position {} is missing", position));
    events.push_back(decode_event(*bytes, position));
  }
  throw_unless_ok(it->status());
  return events;
}

std::vector<VaultRow> RocksDbTables::read_vault_after(std::string_view subject, std::size_t limit) {
  std::vector<VaultRow> rows;
  for (auto& row : read_rows(Family::kVault, subject, limit))
    rows.push_back({std::move(row.key), std::move(row.value)});
  return rows;
}

std::vector<RocksDbTables::Row> RocksDbTables::read_rows(Family family, std::string_view after,
                                                         std::size_t limit) {
  const auto table = family == Family::kAppends       ? kAppends
                     : family == Family::kIdempotency ? kIdempotency
                                                      : kVault;
  std::vector<Row> rows;
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(rocksdb::ReadOptions(), families_[table]));
  for (it->Seek(slice(after)); it->Valid() && rows.size() < limit; it->Next()) {
    if (view(it->key()) == after || view(it->key()) == write_number_key) continue;
    rows.push_back({std::string(view(it->key())), std::string(view(it->value()))});
  }
  throw_unless_ok(it->status());
  return rows;
}

std::optional<Committed> RocksDbTables::decode_range(std::string_view value) {
  if (value.size() < range_bytes) return std::nullopt;
  return Committed{get_big_endian(value), get_big_endian(value.substr(8)), true};
}

std::string RocksDbTables::stream_problem(const Recorded& recorded) {
  const auto position = recorded.position();
  const auto listed = get(kStreams, stream_key(recorded.stream(), recorded.version()));
  if (!listed || get_big_endian(*listed) != position) {
    return fmt::format("the event at position {} is not in its stream {}", position, recorded.stream());
  }
  if (stream_version(recorded.stream()) < recorded.version()) {
    return fmt::format("the newest version of stream {} is behind position {}", recorded.stream(), position);
  }
  if (recorded.version() == 1) return "";
  const auto before = get(kStreams, stream_key(recorded.stream(), recorded.version() - 1));
  if (!before || get_big_endian(*before) >= position) {
    return fmt::format("stream {} has a gap before position {}", recorded.stream(), position);
  }
  return "";
}

std::uint64_t RocksDbTables::stream_version(std::string_view stream) {
  const auto value = get(kHeads, stream);
  return value ? get_big_endian(*value) : 0;
}

std::optional<EventLog::EarlierUse> RocksDbTables::idempotency_key(std::string_view key_hash) {
  const auto value = get(kIdempotency, key_hash);
  if (!value) return std::nullopt;
  const auto committed = decode_range(*value);
  if (!committed) throw CorruptLog("the row of an idempotency key does not decode");
  return EventLog::EarlierUse{value->substr(range_bytes), *committed};
}

std::optional<Committed> RocksDbTables::append_of(const EventId& first_event) {
  const auto value = get(kAppends, first_event.view());
  if (!value) return std::nullopt;
  const auto committed = decode_range(*value);
  if (!committed) throw CorruptLog("the row of an append does not decode");
  return committed;
}

std::optional<std::string> RocksDbTables::vault_row(std::string_view subject) {
  return get(kVault, subject);
}

}  // namespace mintmark
