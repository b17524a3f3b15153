#include "domain/webhook.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "domain/limits.h"
#include "tests/support/given_when_then.h"

namespace mintmark::webhook_test {
namespace {

using testing::given;

const auto webhook_id = WebhookId::from_value(9);
const auto account_id = AccountId::from_value(AccountType::kVendor, 1);
const std::vector<std::string> not_found{"Webhook not found."};

Sealed sealed(char byte) {
  Sealed result;
  result.set_nonce(std::string(24, byte));
  result.set_ciphertext(std::string(40, byte));
  return result;
}

WebhookFields fields() {
  return {.type = "event",
          .object_class = "fulfillment_request",
          .label = "Orders",
          .description = "",
          .product_id = "",
          .http_method = "POST",
          .active = true};
}

WebhookDelivery delivery() {
  WebhookDelivery result;
  result.set_external_url("https://example.com/hook");
  result.set_jwt_secret("secret");
  result.set_data("{}");
  return result;
}

WebhookDelivery with_header(const std::string& name, const std::string& value) {
  auto result = delivery();
  auto& header = *result.add_headers();
  header.set_name(name);
  header.set_value(value);
  return result;
}

CreateWebhook create(WebhookDelivery of = delivery()) {
  return {webhook_id, account_id, fields(), std::move(of), sealed(1)};
}

Event created(bool active = true) {
  Event event;
  auto& made = *event.mutable_webhook_created();
  made.set_webhook_id("WH-000-000-009");
  made.set_account_id("VA-000-001");
  made.set_type("event");
  made.set_object_class("fulfillment_request");
  made.set_label("Orders");
  made.set_http_method("POST");
  made.set_active(active);
  *made.mutable_delivery() = sealed(1);
  return event;
}

Event deleted() {
  Event event;
  event.mutable_webhook_deleted();
  return event;
}

void refuses(const WebhookDelivery& of, const std::string& message) {
  given<Webhook>({}).when(create(of)).then_fails(ErrorKind::kInvalid, {message});
}

TEST(CreateWebhookCommand, StoresWhatIsSealedAndNeverTheClear) {
  given<Webhook>({}).when(create()).then({created()});
  const auto events = decide(Webhook{}, create());
  ASSERT_TRUE(events);
  const auto bytes = events->front().SerializeAsString();
  EXPECT_EQ(bytes.find("example.com"), std::string::npos);
  EXPECT_EQ(bytes.find("secret"), std::string::npos);
}

TEST(CreateWebhookCommand, RefusesAnIdThatIsOrWasTaken) {
  given<Webhook>({created()}).when(create()).then_fails(ErrorKind::kTaken, {"id: This webhook id is taken."});
  given<Webhook>({created(), deleted()})
      .when(create())
      .then_fails(ErrorKind::kTaken, {"id: This webhook id is taken."});
}

TEST(CreateWebhookCommand, TellsEveryFieldThatIsWrongAtOnce) {
  auto command = create();
  command.fields = {.type = "x",
                    .object_class = "",
                    .label = " ",
                    .description = std::string(limits::webhook_description_max + 1, 'a'),
                    .product_id = "a\nb",
                    .http_method = "PUT",
                    .active = true};
  command.delivery.set_external_url("");
  command.delivery.set_jwt_secret(std::string(101, 'a'));
  command.delivery.set_data(std::string(limits::webhook_data_bytes_max + 1, ' '));
  given<Webhook>({}).when(command).then_fails(
      ErrorKind::kInvalid,
      {"label: This field may not be blank.", "type: There is no such type.",
       "object_class: There is no such class.", "http_method: Must be GET or POST.",
       "description: Ensure this field has no more than 4096 characters.",
       "product_id: Control characters are not allowed.", "external_url: This field may not be blank.",
       "jwt_secret: Ensure this field has no more than 100 characters.",
       "data: Must take no more than 65536 bytes."});
}

TEST(CreateWebhookCommand, TakesHeadersThatACallMayCarryAndNoOthers) {
  const auto good = with_header("X-Api-Key", "a b");
  given<Webhook>({}).when(create(good)).then({created()});
  const std::string name_rule = "headers: A name is 1 to 128 of the characters that HTTP allows in one.";
  for (const auto& name : {"", "a b", "a:b", "a\r\nb", "\xC3\xA4"})
    refuses(with_header(name, "x"), name_rule);
  refuses(with_header(std::string(129, 'a'), "x"), name_rule);
  for (const std::string name : {"Host", "content-length", "Transfer-Encoding", "Connection", "Authorization",
                                 "Authentication", "webhook-id", "Webhook-Signature", "webhook-timestamp"}) {
    refuses(with_header(name, "x"), "headers: " + name + " is not yours to set.");
  }
  for (const auto& value : {"a\r\nEvil: 1", "a\nb", "\x7F", "\xC3\xA4"}) {
    refuses(with_header("A", value),
            "headers: The value of A must be at most 4096 printable ASCII characters.");
  }
  auto twice = with_header("A", "1");
  *twice.add_headers() = with_header("a", "2").headers(0);
  refuses(twice, "headers: a is there twice.");
  auto many = delivery();
  for (std::size_t i = 0; i <= limits::webhook_headers_max; ++i) {
    many.add_headers()->set_name("A" + std::to_string(i));
  }
  refuses(many, "headers: Give no more than 32.");
}

TEST(UpdateWebhookCommand, RecordsOnlyWhatChanges) {
  UpdateWebhook command{.fields = fields(), .delivery = {}, .sealed = {}};
  given<Webhook>({created()}).when(command).then_nothing_changes();
  command.fields.label = "Orders 2";
  command.fields.object_class = "token";
  command.fields.active = false;
  command.delivery = delivery();
  command.sealed = sealed(2);
  Event event;
  auto& updated = *event.mutable_webhook_updated();
  updated.set_label("Orders 2");
  updated.set_object_class("token");
  updated.set_active(false);
  *updated.mutable_delivery() = sealed(2);
  given<Webhook>({created()}).when(command).then({event});
  given<Webhook>({created(), event})
      .when(UpdateWebhook{.fields = command.fields, .delivery = {}, .sealed = {}})
      .then_nothing_changes();
}

TEST(UpdateWebhookCommand, ChecksWhatComes) {
  UpdateWebhook command{.fields = fields(), .delivery = with_header("Host", "x"), .sealed = sealed(2)};
  command.fields.label = "";
  given<Webhook>({created()})
      .when(command)
      .then_fails(ErrorKind::kInvalid,
                  {"label: This field may not be blank.", "headers: Host is not yours to set."});
}

TEST(TriggerWebhookCommand, RecordsThatACallIsWanted) {
  Event triggered;
  *triggered.mutable_webhook_triggered()->mutable_data() = sealed(3);
  given<Webhook>({created()}).when(TriggerWebhook{sealed(3)}).then({triggered});
  given<Webhook>({created(false)})
      .when(TriggerWebhook{sealed(3)})
      .then_fails(ErrorKind::kConflict, {"This webhook is not active."});
}

TEST(DeletedWebhook, IsNotFoundByAnyCommand) {
  given<Webhook>({created()}).when(DeleteWebhook{}).then({deleted()});
  for (const auto& history : {std::vector<Event>{}, std::vector<Event>{created(), deleted()}}) {
    const auto gone = given<Webhook>(history);
    gone.when(DeleteWebhook{}).then_fails(ErrorKind::kNotFound, not_found);
    gone.when(TriggerWebhook{}).then_fails(ErrorKind::kNotFound, not_found);
    gone.when(UpdateWebhook{.fields = fields(), .delivery = {}, .sealed = {}})
        .then_fails(ErrorKind::kNotFound, not_found);
  }
}

Event with(void (*fill)(Event&)) {
  Event event;
  fill(event);
  return event;
}
const Event disabled = with([](Event& event) { event.mutable_webhook_disabled()->set_failing_since_us(7); });
const Event gone =
    with([](Event& event) { event.mutable_webhook_unsubscribed()->set_reason(WebhookUnsubscribed::GONE); });
const Event ended = with([](Event& event) {
  event.mutable_webhook_unsubscribed()->set_reason(WebhookUnsubscribed::TOKEN_DELETED);
});
const Event paused =
    with([](Event& event) { event.mutable_webhook_paused()->set_token_id("SU-000-000-005"); });
const Event resumed =
    with([](Event& event) { event.mutable_webhook_resumed()->set_token_id("SU-000-000-005"); });
const auto token_of_it = TokenId::from_value(5);

TEST(EndOfAWebhook, IsItsDeletionOrItsTokens) {
  EXPECT_TRUE(ends_webhook(deleted()));
  EXPECT_TRUE(ends_webhook(ended));
  for (const auto& event : {created(), disabled, gone, paused, resumed, Event()}) {
    EXPECT_FALSE(ends_webhook(event)) << event.ShortDebugString();
  }
}

TEST(TriggerStream, NamesItsWebhook) {
  const auto stream = trigger_stream(webhook_id, "019ac-1");
  EXPECT_EQ(stream, "trigger-WH-000-000-009-019ac-1");
  EXPECT_EQ(webhook_of_trigger(stream), webhook_id);
  for (const auto* other :
       {"", "trigger-", "trigger-WH-000-000-009", "trigger-WH-000-000-009-", "trigger-WH-000-0000-09-1",
        "trigger-SU-000-000-009-1", "webhook-WH-000-000-009-1", "triggers-WH-000-000-009-1"}) {
    EXPECT_EQ(webhook_of_trigger(other), std::nullopt) << other;
  }
}

TEST(TestWebhookCommand, IsTakenWhereverThereIsAWebhook) {
  const auto requested = with([](Event& event) { event.mutable_webhook_test_requested(); });
  given<Webhook>({created(false)}).when(TestWebhook{}).then({requested});
  given<Webhook>({created(), deleted()}).when(TestWebhook{}).then_fails(ErrorKind::kNotFound, not_found);
}

TEST(WorkersWebhookCommands, SayWhatHappenedOnce) {
  const DisableWebhook disable{Time(std::chrono::microseconds(7))};
  given<Webhook>({created()}).when(disable).then({disabled});
  given<Webhook>({created(), disabled}).when(disable).then_nothing_changes();
  const UnsubscribeWebhook unsubscribe{WebhookUnsubscribed::GONE};
  given<Webhook>({created()}).when(unsubscribe).then({gone});
  given<Webhook>({created(), gone}).when(unsubscribe).then_nothing_changes();
  const UnsubscribeWebhook end{WebhookUnsubscribed::TOKEN_DELETED};
  given<Webhook>({created(false)}).when(end).then({ended});
  given<Webhook>({created(), ended}).when(end).then_nothing_changes();
  given<Webhook>({created(), ended}).when(TestWebhook{}).then_fails(ErrorKind::kNotFound, not_found);
  given<Webhook>({created()}).when(PauseWebhook{token_of_it}).then({paused});
  given<Webhook>({created(), paused}).when(PauseWebhook{token_of_it}).then_nothing_changes();
  given<Webhook>({created(), paused}).when(ResumeWebhook{token_of_it}).then({resumed});
  given<Webhook>({created()}).when(ResumeWebhook{token_of_it}).then_nothing_changes();
  given<Webhook>({}).when(disable).then_nothing_changes();
  given<Webhook>({created(), deleted()}).when(PauseWebhook{token_of_it}).then_nothing_changes();
}

TEST(RotateSecret, KeepsTheOldOneBesideTheNewForADay) {
  auto rotated = delivery();
  const Time now(std::chrono::seconds(1'000));
  rotate_secret(rotated, "secret", now);
  EXPECT_EQ(rotated.previous_jwt_secret(), "");
  rotate_secret(rotated, "new", now);
  EXPECT_EQ(rotated.jwt_secret(), "new");
  EXPECT_EQ(rotated.previous_jwt_secret(), "secret");
  EXPECT_EQ(rotated.previous_secret_until_us(), (1'000 + 24 * 3600) * 1'000'000LL);
}

}  // namespace
}  // namespace mintmark::webhook_test
