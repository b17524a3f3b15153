#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "domain/events.pb.h"
#include "domain/schema.h"
#include "tests/support/given_when_then.h"

// The stored bytes of every released version of every event, for ever: <event type>.v<version>.bin, with a
// text form beside it for people. A changed event gets a new version and keeps its old files.
// MINTMARK_UPDATE_GOLDEN=1 writes the files of the present version.
namespace mintmark::golden_events_test {
namespace {

namespace fs = std::filesystem;

const fs::path folder = "tests/golden/events";

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const fs::path& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  file << bytes;
}

std::string text_of(const Recorded& recorded) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(recorded, &text);
  return text;
}

Sealed sealed(char byte, std::size_t ciphertext_bytes) {
  Sealed result;
  result.set_nonce(std::string(24, byte));
  result.set_ciphertext(std::string(ciphertext_bytes, byte));
  return result;
}

SecretDigest digest(char byte) {
  SecretDigest result;
  result.set_pepper(1);
  result.set_digest(std::string(16, byte));
  return result;
}

Event token_created() {
  Event event;
  auto& fields = *event.mutable_token_created();
  fields.set_token_id("SU-160-984-824");
  fields.set_account_id("VA-000-001");
  fields.set_extension(ZAPIER);
  fields.set_name("Billing");
  fields.set_description("Nightly export");
  fields.set_external_id("crm-7");
  fields.set_expires_at_us(1'800'000'000'000'000);
  *fields.mutable_secret_digest() = digest(1);
  *fields.mutable_secret() = sealed(2, 36);
  *fields.mutable_handle_digest() = digest(3);
  *fields.mutable_handle() = sealed(4, 36);
  fields.set_issued_at_us(1'764'000'000'000'000);
  fields.set_extension_id("EXT-992-774");
  return event;
}

TokenCredentials credentials() {
  TokenCredentials result;
  *result.mutable_secret_digest() = digest(12);
  *result.mutable_secret() = sealed(13, 36);
  *result.mutable_handle_digest() = digest(14);
  *result.mutable_handle() = sealed(15, 36);
  result.set_expires_at_us(1'800'000'000'000'000);
  result.set_issued_at_us(1'764'000'000'000'000);
  return result;
}

void add_lifecycle(std::map<std::string, Event>& events) {
  events["token_activated"].mutable_token_activated();
  events["token_deactivated"].mutable_token_deactivated();
  *events["token_rotated"].mutable_token_rotated()->mutable_credentials() = credentials();
  auto& renewed = *events["token_renewed"].mutable_token_renewed();
  *renewed.mutable_credentials() = credentials();
  renewed.set_old_expires_at_us(1'780'000'000'000'000);
  events["token_renewal_completed"].mutable_token_renewal_completed();
  events["token_expiring"].mutable_token_expiring();
  events["token_expired"].mutable_token_expired();
  auto& granted = *events["permissions_granted"].mutable_permissions_granted();
  granted.add_modules(1);
  granted.add_modules(64);
  events["permissions_revoked"].mutable_permissions_revoked()->add_modules(64);
  auto& use = *events["tokens_used"].mutable_tokens_used()->add_uses();
  use.set_token(160'984'824);
  use.set_last_used_at_us(1'764'000'300'000'000);
}

void add_user_events(std::map<std::string, Event>& events) {
  auto& updated = *events["user_updated"].mutable_user_updated();
  updated.set_role(AUDITOR);
  *updated.mutable_profile() = sealed(13, 40);
  events["user_deactivated"].mutable_user_deactivated();
  events["user_activated"].mutable_user_activated();
  events["user_erased"].mutable_user_erased()->set_email_hash(std::string(32, 'a'));
  events["email_released"].mutable_email_released()->set_user_id("UR-000-000-005");
  events["sessions_ended"].mutable_sessions_ended()->set_kept_session(std::string(32, 'b'));
  auto& members_changed = *events["members_changed"].mutable_members_changed();
  members_changed.set_account_id("VA-000-001");
  members_changed.set_user_id("UR-000-000-005");
}

void add_account_events(std::map<std::string, Event>& events) {
  auto& details = *events["account_details_updated"].mutable_account_details_updated();
  details.set_overview("We make things");
  details.set_headquarters("Irvine");
  details.set_is_public(true);
  details.mutable_countries()->add_values("GB");
  details.mutable_languages()->add_values("en");
  details.mutable_websites()->add_values("https://example.com");
  details.mutable_industries()->add_values("IN-001");
  events["account_closed"].mutable_account_closed();
}

void add_webhook_events(std::map<std::string, Event>& events) {
  auto& created = *events["webhook_created"].mutable_webhook_created();
  created.set_webhook_id("WH-000-000-009");
  created.set_account_id("VA-000-001");
  created.set_type("event");
  created.set_object_class("fulfillment_request");
  created.set_label("Orders");
  created.set_description("To the ERP");
  created.set_product_id("PRD-276-377-545");
  created.set_http_method("POST");
  created.set_active(true);
  *created.mutable_delivery() = sealed(14, 80);
  auto& updated = *events["webhook_updated"].mutable_webhook_updated();
  updated.set_type("validator");
  updated.set_object_class("token");
  updated.set_label("Orders 2");
  updated.set_description("");
  updated.set_product_id("");
  updated.set_http_method("GET");
  updated.set_active(false);
  *updated.mutable_delivery() = sealed(15, 80);
  events["webhook_deleted"].mutable_webhook_deleted();
  *events["webhook_triggered"].mutable_webhook_triggered()->mutable_data() = sealed(16, 20);
}

void add_extension_events(std::map<std::string, Event>& events) {
  ExtensionDetails details;
  details.set_name("ledger");
  details.set_description("Our ledger");
  details.set_external_id("erp-9");
  details.set_subtitle("Books");
  details.set_overview("Writes invoices into the books");
  details.set_portal("vendor");
  details.set_status("published");
  details.set_featured(true);
  details.set_priority(-1);
  details.mutable_constraints()->set_account_tokens(5);
  details.mutable_websites()->add_values("https://example.com");
  details.mutable_categories()->add_values("CAT-001");
  details.mutable_industries()->add_values("IN-001");
  auto& created = *events["extension_created"].mutable_extension_created();
  created.set_extension_id("EXT-992-774");
  created.set_account_id("VA-000-001");
  *created.mutable_details() = details;
  *events["extension_updated"].mutable_extension_updated()->mutable_changed() = details;
  events["extension_deleted"].mutable_extension_deleted();
  events["extension_name_reserved"].mutable_extension_name_reserved()->set_extension_id("EXT-992-774");
  events["extension_name_released"].mutable_extension_name_released()->set_extension_id("EXT-992-774");
}

void set(JobReference& job) {
  job.set_position(41);
  job.set_kind(DELIVER_WEBHOOK);
  job.set_target(9);
}

template <class Attempt>
void set_attempt(Attempt& attempt) {
  set(*attempt.mutable_job());
  attempt.set_attempt(2);
  attempt.set_started_at_us(1'764'000'000'000'000);
  attempt.set_duration_us(1500);
  attempt.set_status(503);
  attempt.set_failure(ATTEMPT_STATUS);
  attempt.set_next_attempt_at_us(1'764'000'300'000'000);
}

void add_delivery_events(std::map<std::string, Event>& events) {
  auto& attempt =
      *events["webhook_deliveries_recorded"].mutable_webhook_deliveries_recorded()->add_attempts();
  set_attempt(attempt);
  attempt.set_triggered(true);
  events["webhook_disabled"].mutable_webhook_disabled()->set_failing_since_us(1'763'000'000'000'000);
  events["webhook_unsubscribed"].mutable_webhook_unsubscribed()->set_reason(
      WebhookUnsubscribed::TOKEN_DELETED);
  events["webhook_paused"].mutable_webhook_paused()->set_token_id("SU-160-984-824");
  events["webhook_resumed"].mutable_webhook_resumed()->set_token_id("SU-160-984-824");
  events["webhook_test_requested"].mutable_webhook_test_requested();
  set(*events["jobs_retried"].mutable_jobs_retried()->add_jobs());
  set(*events["jobs_cancelled"].mutable_jobs_cancelled()->add_jobs());
  set_attempt(*events["zapier_provisioning_failed"].mutable_zapier_provisioning_failed());
}

// One event of every kind, with every field set.
std::map<std::string, Event> present_events() {
  std::map<std::string, Event> events;
  events["token_created"] = token_created();
  auto& account_opened = *events["account_opened"].mutable_account_opened();
  account_opened.set_account_id("VA-000-001");
  account_opened.set_name("Acme");
  auto& account_updated = *events["account_updated"].mutable_account_updated();
  account_updated.set_name("Acme 2");
  account_updated.set_description("");
  account_updated.set_external_id("erp-1");
  account_updated.set_brand("ACME");
  events["email_reserved"].mutable_email_reserved()->set_user_id("UR-000-000-005");
  auto& user_added = *events["user_added"].mutable_user_added();
  user_added.set_user_id("UR-000-000-005");
  user_added.set_account_id("VA-000-001");
  user_added.set_role(OWNER);
  *user_added.mutable_profile() = sealed(5, 40);
  user_added.set_email_hash(std::string(32, 'a'));
  *events["password_set"].mutable_password_set()->mutable_password_hash() = sealed(6, 113);
  auto& session_opened = *events["session_opened"].mutable_session_opened();
  session_opened.set_user_id("UR-000-000-005");
  session_opened.set_account_id("VA-000-001");
  session_opened.set_secret_hash(std::string(32, 'b'));
  session_opened.set_expires_at_us(1'764'000'000'000'000);
  events["session_closed"].mutable_session_closed();
  auto& token_updated = *events["token_updated"].mutable_token_updated();
  token_updated.set_name("Invoices");
  token_updated.set_description("");
  token_updated.set_external_id("crm-8");
  events["token_revealed"].mutable_token_revealed();
  events["token_deleted"].mutable_token_deleted();
  events["zapier_connection_issued"].mutable_zapier_connection_issued()->set_connection_id(
      std::string(16, 7));
  events["zapier_connection_withdrawn"].mutable_zapier_connection_withdrawn()->set_connection_id(
      std::string(16, 7));
  add_user_events(events);
  add_account_events(events);
  add_webhook_events(events);
  add_extension_events(events);
  events["handle_exchanged"].mutable_handle_exchanged();
  events["partner_marked"].mutable_partner_marked();
  add_delivery_events(events);
  events["pepper_added"].mutable_pepper_added()->set_number(1);
  events["count_changed"].mutable_count_changed()->set_id("WH-000-000-009");
  add_lifecycle(events);
  return events;
}

Recorded recorded(const Event& event) {
  Recorded result;
  result.set_position(42);
  result.set_stream("stream-of-the-event");
  result.set_version(3);
  result.set_event_id(std::string(16, 8));
  result.set_recorded_at_us(1'763'910'245'000'001);
  result.mutable_actor()->set_kind(Actor::USER);
  result.mutable_actor()->set_id("UR-000-000-005");
  result.set_request_id("request-1");
  result.set_correlation_id(std::string(16, 9));
  result.set_causation_id(std::string(16, 10));
  result.set_client_ip("192.0.2.1");
  result.set_idempotency_key_hash(std::string(32, 11));
  result.set_request_hash(std::string(32, 12));
  *result.mutable_event() = event;
  return result;
}

const google::protobuf::OneofDescriptor& kinds() {
  return *Event::descriptor()->FindOneofByName("kind");
}

// The present version of a kind of event; 1 where it never changed.
int version_of(const std::string& type) {
  static const std::map<std::string, int> versions = {{"token_created", 2}};
  const auto found = versions.find(type);
  return found == versions.end() ? 1 : found->second;
}

TEST(GoldenEvents, PresentEventsHaveTheirReleasedBytes) {
  const char* update = std::getenv("MINTMARK_UPDATE_GOLDEN");
  for (const auto& [type, event] : present_events()) {
    const auto stored = recorded(event);
    const auto bytes = testing::deterministic_bytes(stored);
    const auto name = type + ".v" + std::to_string(version_of(type));
    const auto binary_path = folder / (name + ".bin");
    const auto text_path = folder / (name + ".txt");
    if (update && std::string_view(update) == "1") {
      fs::create_directories(folder);
      write_file(binary_path, bytes);
      write_file(text_path, text_of(stored));
    }
    EXPECT_EQ(read_file(binary_path), bytes) << binary_path;
    EXPECT_EQ(read_file(text_path), text_of(stored)) << text_path;
  }
}

TEST(GoldenEvents, EveryKindOfEventHasAFile) {
  for (int i = 0; i < kinds().field_count(); ++i) {
    const auto path = folder / (kinds().field(i)->name() + ".v1.bin");
    EXPECT_TRUE(fs::exists(path)) << path << " is missing: build the event in present_events()";
  }
}

TEST(GoldenEvents, EveryFileDecodesWholly) {
  std::set<std::string> types;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".bin") continue;
    const auto name = entry.path().filename().string();
    Recorded decoded;
    ASSERT_TRUE(decoded.ParseFromString(read_file(entry.path()))) << name;
    const auto* kind = decoded.event().GetReflection()->GetOneofFieldDescriptor(decoded.event(), &kinds());
    ASSERT_NE(kind, nullptr) << name;
    EXPECT_EQ(name.substr(0, name.find('.')), kind->name());
    types.insert(kind->name());

    auto text_path = entry.path();
    text_path.replace_extension(".txt");
    Recorded from_text;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(read_file(text_path), &from_text)) << text_path;
    EXPECT_EQ(testing::deterministic_bytes(decoded), testing::deterministic_bytes(from_text)) << name;
    // An unknown field would not be in the text form, and so change these bytes.
    EXPECT_EQ(read_file(entry.path()), testing::deterministic_bytes(from_text)) << name;
  }
  EXPECT_EQ(types.size(), static_cast<std::size_t>(kinds().field_count()));
}

TEST(GoldenEvents, SetEveryFieldOfTheEnvelopeAndOfTheirKind) {
  const auto unset = [](const google::protobuf::Message& message) {
    std::string names;
    const auto& descriptor = *message.GetDescriptor();
    for (int i = 0; i < descriptor.field_count(); ++i) {
      const auto* const field = descriptor.field(i);
      const auto& reflection = *message.GetReflection();
      const bool set = field->is_repeated() ? reflection.FieldSize(message, field) > 0
                                            : reflection.HasField(message, field);
      if (!set) names += descriptor.field(i)->full_name() + " ";
    }
    return names;
  };
  EXPECT_EQ(unset(credentials()), "");
  for (const auto& [type, event] : present_events()) {
    EXPECT_EQ(unset(recorded(event)), "");
    const auto* kind = Event::descriptor()->FindFieldByName(type);
    ASSERT_NE(kind, nullptr) << type;
    EXPECT_EQ(unset(event.GetReflection()->GetMessage(event, kind)), "");
  }
}

// Adds a line for each field, and each value of an enum, that can be in a message.
void describe(const google::protobuf::Descriptor& message, std::set<std::string>& lines,
              std::set<std::string>& seen) {
  if (!seen.insert(message.full_name()).second) return;
  for (int i = 0; i < message.field_count(); ++i) {
    const auto& field = *message.field(i);
    const auto* const kind = field.message_type();
    const auto* const values = field.enum_type();
    const auto type = kind     ? kind->full_name()
                      : values ? values->full_name()
                               : std::string(field.type_name());
    lines.insert(field.full_name() + " = " + std::to_string(field.number()) + " " +
                 (field.is_repeated() ? "repeated " : "") + type);
    if (kind) describe(*kind, lines, seen);
    for (int j = 0; values && j < values->value_count(); ++j) {
      const auto& value = *values->value(j);
      lines.insert(values->full_name() + " " + value.name() + " = " + std::to_string(value.number()));
    }
  }
}

// A schema's file never changes: what is added to events.proto is the next schema's.
TEST(GoldenEvents, AreThoseOfTheSchemaThatLogsAreMarkedWith) {
  std::set<std::string> lines;
  std::set<std::string> seen;
  describe(*Recorded::descriptor(), lines, seen);
  std::string description;
  for (const auto& line : lines) description += line + "\n";
  const auto path = folder / ("schema.v" + std::to_string(event_schema) + ".txt");
  const char* update = std::getenv("MINTMARK_UPDATE_GOLDEN");
  if (update && std::string_view(update) == "1" && !fs::exists(path)) write_file(path, description);
  EXPECT_EQ(read_file(path), description) << "events.proto has grown: raise event_schema in domain/schema.h, "
                                             "so that programs that do not know it "
                                             "refuse the log";
}

}  // namespace
}  // namespace mintmark::golden_events_test
