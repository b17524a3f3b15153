#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/ids.h"
#include "projections/account_feed.h"
#include "projections/row_projection.h"

namespace mintmark {

// What an event is about, by the name of its stream: {"token", "SU-160-984-824"}. The id is empty where the
// stream is not one thing's: an account's jobs. A trigger is about its webhook. Views into the name.
struct AuditObject {
  std::string_view kind;
  std::string_view id;
};
AuditObject audit_object(std::string_view stream);
// The stream that says whose the thing is which the stream is about: a trigger's webhook's, or it itself.
std::string object_stream(std::string_view stream);
// The stream of the thing with that id; of no thing's where the id is none.
std::string audit_stream(std::string_view object_id);

// An event as the index has it. Views into the index, valid while it is shown.
struct AuditEntry {
  Position position = 0;
  std::int64_t at_us = 0;
  int type = 0;  // its field's number in Event
  Actor::Kind actor_kind = Actor::KIND_UNSPECIFIED;
  std::string_view stream;
  std::string_view actor_id;
  std::string_view client_ip;
};

// The events of an account, or of one thing of it, numbered 1, 2, 3, … from the oldest on, as they were when
// it was made. For one thread; its functions block on disk and throw std::runtime_error where it fails.
class AuditTrail {
 public:
  // Answers whether it wants the next one too.
  using Visit = std::function<bool(std::uint64_t number, const AuditEntry& entry)>;

  std::uint64_t count() const { return count_; }
  // How many of them have that position or one before it.
  std::uint64_t count_up_to(Position position);
  // Show the events from that number on, in the order of time or against it.
  void forward(std::uint64_t first, const Visit& visit);
  void backward(std::uint64_t first, const Visit& visit);

 private:
  friend class AuditIndex;
  AuditTrail(View view, AccountId account) : view_(view), account_(account), rows_(view.rows()) {}

  std::string row_key(std::uint64_t number) const;
  // Shows the event of the row that the iterator stands at; false where it stands at none of the trail's.
  bool show(std::uint64_t number, const Visit& visit);

  View view_;
  AccountId account_;
  std::string stream_;  // of the thing; empty: all events of the account
  std::unique_ptr<rocksdb::Iterator> rows_;
  std::uint64_t count_ = 0;
};

// Which events are an account's, and which are about one thing of it, so that the log need not be searched.
// Left out are those of streams that only keep something unique or in order (claims on e-mail addresses and
// names, who is a member) and accompany the event that tells the story; when tokens were used, which the list
// of tokens tells; and the outcomes of deliveries, which are many accounts' at once and have their own list.
class AuditIndex final : public RowProjection {
 public:
  static constexpr std::string_view projection_name = "audit_index";

  explicit AuditIndex(View view) : RowProjection(view) {}
  std::string_view name() const override { return projection_name; }

  // Thread-safe; they block on disk.
  AuditTrail trail(AccountId account) const;
  // Of the thing with that stream; empty where it is not the account's.
  AuditTrail trail(AccountId account, std::string stream) const;

  // Notified of the accounts that have new events, once these can be read. Thread-safe.
  AccountFeed& feed() const { return feed_; }

 private:
  Result<void> apply_event(const StoredEvent& event, RowWriter& rows) override;
  void rows_written() override;
  void rows_dropped() override { changed_.clear(); }

  mutable AccountFeed feed_;
  std::vector<AccountId> changed_;  // by the batch that is being applied; the projector's thread alone
};

}  // namespace mintmark
