#include "projections/extension_list.h"

#include <algorithm>
#include <string>

#include "domain/extension.h"
#include "eventstore/bytes.h"
#include "eventstore/rocksdb_strings.h"
#include "projections/created.h"
#include "projections/row_keys.h"

namespace mintmark {
namespace {

// Keys:  e extension → ExtensionRow      a account, created position → the extension's key
//        t token → the key of its extension, where that is an account's own
std::string extension_key(ExtensionId id) {
  std::string key = "e";
  put_big_endian(key, id.value());
  return key;
}

// Its stream's name serves: nothing orders these.
std::string token_key(const std::string& stream) {
  return "t" + stream;
}

std::optional<ExtensionRow> parse_extension_row(const std::optional<std::string>& stored) {
  ExtensionRow row;
  if (!stored || !row.ParseFromString(*stored)) return std::nullopt;
  return row;
}

Result<void> create_extension_row(const Recorded& recorded, RowWriter& rows) {
  const auto& created = recorded.event().extension_created();
  const auto id = ExtensionId::parse(created.extension_id());
  const auto account = AccountId::parse(created.account_id());
  if (!id || id->is_built_in() || !account) return cannot_apply("its ids are malformed");
  const auto key = extension_key(*id);
  ExtensionRow row;
  row.set_extension_id(created.extension_id());
  row.set_account_id(created.account_id());
  *row.mutable_details() = created.details();
  *row.mutable_created() = created_by(recorded);
  row.set_version(recorded.version());
  row.set_created_position(recorded.position());
  rows.put(key, row.SerializeAsString());
  rows.put(account_key(*account, recorded.position()), key);
  return {};
}

Result<void> change_extension_row(const Recorded& recorded, RowWriter& rows) {
  const auto id =
      ExtensionId::parse(std::string_view(recorded.stream()).substr(std::string_view("extension-").size()));
  if (!id) return cannot_apply("its stream's name is malformed");
  const auto key = extension_key(*id);
  auto row = parse_extension_row(rows.get(key));
  const auto account = row ? AccountId::parse(row->account_id()) : std::nullopt;
  if (!account) return cannot_apply("there is no such extension");
  row->set_version(recorded.version());
  if (recorded.event().has_extension_updated()) {
    merge(recorded.event().extension_updated().changed(), *row->mutable_details());
    *row->mutable_modified() = created_by(recorded);
  } else {
    row->set_deleted(true);
    rows.erase(account_key(*account, row->created_position()));
  }
  rows.put(key, row->SerializeAsString());
  return {};
}

Result<void> count_token(const Recorded& recorded, RowWriter& rows) {
  const auto id = ExtensionId::parse(recorded.event().token_created().extension_id());
  if (!id) return cannot_apply("its extension's id is malformed");
  const auto key = extension_key(*id);
  auto row = parse_extension_row(rows.get(key));
  if (!row) return cannot_apply("there is no such extension");
  row->set_tokens(row->tokens() + 1);
  rows.put(key, row->SerializeAsString());
  rows.put(token_key(recorded.stream()), key);
  return {};
}

void discount_token(const Recorded& recorded, RowWriter& rows) {
  const auto token = token_key(recorded.stream());
  const auto key = rows.get(token);
  if (!key) return;
  rows.erase(token);
  auto row = parse_extension_row(rows.get(*key));
  if (!row || row->tokens() == 0) return;
  row->set_tokens(row->tokens() - 1);
  rows.put(*key, row->SerializeAsString());
}

}  // namespace

Result<void> ExtensionList::apply_event(const StoredEvent& event, RowWriter& rows) {
  const auto& kind = event.recorded.event();
  if (kind.has_extension_created()) return create_extension_row(event.recorded, rows);
  if (kind.has_extension_updated() || kind.has_extension_deleted())
    return change_extension_row(event.recorded, rows);
  if (kind.has_token_created() && !kind.token_created().extension_id().empty()) {
    return count_token(event.recorded, rows);
  }
  if (kind.has_token_deleted()) discount_token(event.recorded, rows);
  return {};
}

std::optional<ExtensionRow> ExtensionList::find(ExtensionId id) const {
  return parse_extension_row(view().get(extension_key(id)));
}

bool ExtensionList::counts(TokenId id) const {
  return view().get(token_key(stream_of(id))).has_value();
}

bool ExtensionList::belongs(ExtensionId id, AccountId account) const {
  return view().has_value(account_prefix(account), extension_key(id));
}

std::vector<ExtensionRow> ExtensionList::of(AccountId account) const {
  std::vector<ExtensionRow> extensions;
  const auto prefix = account_prefix(account);
  const auto it = view().rows();
  for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix); it->Next()) {
    if (auto row = parse_extension_row(view().get(mintmark::view(it->value()))))
      extensions.push_back(std::move(*row));
  }
  throw_unless_ok(it->status());
  std::ranges::reverse(extensions);
  return extensions;
}

}  // namespace mintmark
