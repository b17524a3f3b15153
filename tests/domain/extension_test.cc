#include "domain/extension.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "domain/limits.h"
#include "tests/support/given_when_then.h"

namespace mintmark::extension_test {
namespace {

using testing::given;

const auto extension_id_of_ours = ExtensionId::from_value(992'774);
const auto account_id = AccountId::from_value(AccountType::kVendor, 1);
const std::vector<std::string> not_found{"Extension not found."};

ExtensionDetails named(const std::string& name, const std::string& description = "Our ledger") {
  ExtensionDetails details;
  details.set_name(name);
  details.set_description(description);
  return details;
}

CreateExtension create(ExtensionDetails details = named("ledger")) {
  return {extension_id_of_ours, account_id, std::move(details)};
}

Event created() {
  Event event;
  auto& made = *event.mutable_extension_created();
  made.set_extension_id("EXT-992-774");
  made.set_account_id("VA-000-001");
  auto& details = *made.mutable_details();
  details = named("ledger");
  details.set_external_id("");
  details.set_subtitle("");
  details.set_overview("");
  details.set_portal("any");
  details.set_status("published");
  details.set_featured(false);
  details.set_priority(0);
  details.mutable_constraints();
  details.mutable_websites();
  details.mutable_categories();
  details.mutable_industries();
  return event;
}

Event updated(const ExtensionDetails& changed) {
  Event event;
  *event.mutable_extension_updated()->mutable_changed() = changed;
  return event;
}

Event deleted() {
  Event event;
  event.mutable_extension_deleted();
  return event;
}

TEST(CreateExtensionCommand, PutsDefaultsWhereNothingIsSaid) {
  given<AccountExtension>({}).when(create()).then({created()});
}

TEST(CreateExtensionCommand, KeepsWhatIsSaid) {
  auto details = named("a.b_c-9");
  details.set_portal("vendor");
  details.set_status("draft");
  details.set_featured(true);
  details.set_priority(-7);
  details.mutable_constraints()->set_account_tokens(0);
  details.mutable_websites()->add_values("https://example.com");
  const auto events = decide(AccountExtension{}, create(details));
  ASSERT_TRUE(events);
  const auto& kept = events->front().extension_created().details();
  EXPECT_EQ(kept.name(), "a.b_c-9");
  EXPECT_EQ(kept.portal(), "vendor");
  EXPECT_EQ(kept.status(), "draft");
  EXPECT_TRUE(kept.featured());
  EXPECT_EQ(kept.priority(), -7);
  EXPECT_TRUE(kept.constraints().has_account_tokens());
  EXPECT_EQ(kept.websites().values(0), "https://example.com");
}

TEST(CreateExtensionCommand, RefusesAnIdThatIsOrWasTaken) {
  for (const auto& history : {std::vector<Event>{created()}, std::vector<Event>{created(), deleted()}}) {
    given<AccountExtension>(history).when(create()).then_fails(ErrorKind::kTaken,
                                                               {"id: This extension id is taken."});
  }
}

TEST(CreateExtensionCommand, TellsEveryFieldThatIsWrongAtOnce) {
  ExtensionDetails details;
  details.set_external_id(std::string(257, 'a'));
  details.set_subtitle("a\nb");
  details.set_overview(std::string(limits::extension_overview_max + 1, 'a'));
  details.set_portal("x");
  details.set_status("x");
  details.mutable_constraints()->set_account_tokens(33);
  details.mutable_websites()->add_values("");
  for (int i = 0; i < 101; ++i) details.mutable_categories()->add_values("CAT");
  details.mutable_industries()->add_values(std::string(256, 'a'));
  given<AccountExtension>({})
      .when(create(details))
      .then_fails(ErrorKind::kInvalid,
                  {"external_id: Ensure this field has no more than 256 characters.",
                   "subtitle: Control characters are not allowed.",
                   "overview: Ensure this field has no more than 16384 characters.",
                   "portal: Must be any, provider or vendor.", "status: There is no such status.",
                   "constraints: account.tokens must be 0 to 32.", "websites: This field may not be blank.",
                   "categories: Give no more than 100.",
                   "industries: Ensure this field has no more than 255 characters.",
                   "name: This field is required.", "description: This field is required."});
}

TEST(CreateExtensionCommand, TakesNamesInLowerCaseWithoutSpacesThatAreNotBuiltIn) {
  const std::string rule = "name: Use lower-case letters, digits, '.', '_' and '-' alone.";
  for (const auto* name : {"Ledger", "my ledger", "ledger\n", "l\xC3\xA4", "a/b", "a\xFF"}) {
    given<AccountExtension>({}).when(create(named(name))).then_fails(ErrorKind::kInvalid, {rule});
  }
  for (const auto* name : {"custom", "zapier"}) {
    given<AccountExtension>({})
        .when(create(named(name)))
        .then_fails(ErrorKind::kInvalid, {"name: An extension has this name already."});
  }
  given<AccountExtension>({})
      .when(create(named(std::string(51, 'a'))))
      .then_fails(ErrorKind::kInvalid, {"name: Ensure this field has no more than 50 characters."});
  given<AccountExtension>({})
      .when(create(named("")))
      .then_fails(ErrorKind::kInvalid, {"name: This field may not be blank."});
  EXPECT_TRUE(decide(AccountExtension{}, create(named(std::string(50, 'a')))));
}

TEST(UpdateExtensionCommand, RecordsOnlyWhatChanges) {
  given<AccountExtension>({created()}).when(UpdateExtension{named("ledger")}).then_nothing_changes();
  ExtensionDetails same;
  same.set_featured(false);
  same.mutable_constraints();
  same.mutable_websites();
  given<AccountExtension>({created()}).when(UpdateExtension{same}).then_nothing_changes();

  auto wanted = named("books");
  wanted.mutable_websites()->add_values("https://a.example");
  wanted.mutable_constraints()->set_account_tokens(3);
  ExtensionDetails changed = wanted;
  changed.clear_description();
  given<AccountExtension>({created()}).when(UpdateExtension{wanted}).then({updated(changed)});
  given<AccountExtension>({created(), updated(changed)}).when(UpdateExtension{wanted}).then_nothing_changes();
}

TEST(UpdateExtensionCommand, ReplacesListsAndConstraintsWhole) {
  ExtensionDetails first;
  first.mutable_websites()->add_values("https://a.example");
  first.mutable_constraints()->set_account_tokens(3);
  ExtensionDetails second;
  second.mutable_websites()->add_values("https://b.example");
  second.mutable_constraints();
  AccountExtension extension;
  for (const auto& event : {created(), updated(first), updated(second)}) evolve(extension, event);
  EXPECT_EQ(extension.details.websites().values_size(), 1);
  EXPECT_EQ(extension.details.websites().values(0), "https://b.example");
  EXPECT_FALSE(extension.details.constraints().has_account_tokens());
  EXPECT_EQ(extension.details.name(), "ledger");
}

TEST(UpdateExtensionCommand, ChecksWhatComes) {
  given<AccountExtension>({created()})
      .when(UpdateExtension{named("Ledger", " ")})
      .then_fails(ErrorKind::kInvalid, {"name: Use lower-case letters, digits, '.', '_' and '-' alone.",
                                        "description: This field may not be blank."});
}

TEST(DeleteExtensionCommand, WaitsForItsTokensToBeGone) {
  given<AccountExtension>({created()}).when(DeleteExtension{0}).then({deleted()});
  given<AccountExtension>({created()})
      .when(DeleteExtension{2})
      .then_fails(ErrorKind::kConflict, {"The extension has 2 tokens; delete them first."});
}

TEST(DeletedExtension, IsNotFoundByAnyCommand) {
  for (const auto& history : {std::vector<Event>{}, std::vector<Event>{created(), deleted()}}) {
    given<AccountExtension>(history).when(DeleteExtension{}).then_fails(ErrorKind::kNotFound, not_found);
    given<AccountExtension>(history)
        .when(UpdateExtension{named("books")})
        .then_fails(ErrorKind::kNotFound, not_found);
  }
}

TEST(ExtensionNameClaim, IsHeldFromReservationToRelease) {
  Event reserved;
  reserved.mutable_extension_name_reserved()->set_extension_id("EXT-992-774");
  Event released;
  released.mutable_extension_name_released()->set_extension_id("EXT-992-774");
  ExtensionNameClaim claim;
  EXPECT_FALSE(claim.extension);
  evolve(claim, reserved);
  EXPECT_EQ(claim.extension, extension_id_of_ours);
  evolve(claim, released);
  EXPECT_FALSE(claim.extension);
  const auto stream = extension_name_stream(account_id, std::string(limits::extension_name_max, 'a'));
  EXPECT_TRUE(stream.starts_with("extension_name-VA-000-001-a"));
  EXPECT_LE(stream.size(), limits::stream_name_bytes_max);
}

}  // namespace
}  // namespace mintmark::extension_test
