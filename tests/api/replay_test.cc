#include "api/replay.h"

#include <chrono>
#include <set>
#include <string>
#include <vector>

#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include "domain/webhook.h"
#include "eventstore/memory_log.h"
#include "tests/support/history.h"
#include "tests/support/scripted_log.h"

namespace mintmark::replay_test {
namespace {

namespace json = boost::json;
namespace pb = google::protobuf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using namespace ::mintmark::testing;
using namespace std::chrono_literals;

std::vector<std::string> replay(EventLog& log, ReplayOptions options) {
  Replay replay(log, std::move(options));
  std::vector<std::string> all;
  while (auto lines = replay.next()) all.insert(all.end(), lines->begin(), lines->end());
  return all;
}

// Fills an event with values that tell where they came from, and remembers which may show.
class MarkedEvents {
 public:
  // One event of every kind there is, each in a stream of its own.
  explicit MarkedEvents(EventLog& log) {
    History history(log);
    const auto* kinds = Event::descriptor()->oneof_decl(0);
    for (int i = 0; i < kinds->field_count(); ++i) {
      Event event;
      fill(*event.GetReflection()->MutableMessage(&event, kinds->field(i)), false);
      history.add("stream-" + kinds->field(i)->name(), event);
      types_.push_back(kinds->field(i)->message_type()->name());
    }
  }

  const std::vector<std::string>& types() const { return types_; }
  const std::vector<std::string>& shown() const { return shown_; }
  const std::vector<std::string>& hidden() const { return hidden_; }

 private:
  void fill(pb::Message& message, bool secret) {
    const auto* reflection = message.GetReflection();
    for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
      const auto* field = message.GetDescriptor()->field(i);
      const auto number = ++count_;
      if (field->type() == pb::FieldDescriptor::TYPE_BYTES) {
        hidden_.push_back(fmt::format("BYTES{:07}", number));
        reflection->SetString(&message, field, hidden_.back());
      } else if (field->is_repeated()) {
        fill_list(message, *field, number);
      } else if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_BOOL) {
        reflection->SetBool(&message, field, true);
      } else if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_INT32) {
        ASSERT_TRUE(secret) << field->full_name();
        hidden_.push_back(std::to_string(987'000'000 + number));
        reflection->SetInt32(&message, field, static_cast<std::int32_t>(987'000'000 + number));
      } else if (field->type() == pb::FieldDescriptor::TYPE_STRING) {
        (secret ? hidden_ : shown_).push_back(fmt::format("TEXT{:07}", number));
        reflection->SetString(&message, field, (secret ? hidden_ : shown_).back());
      } else if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE) {
        // Of the messages in a message, only the name of a job and the dates of a value show.
        const bool is_shown = field->message_type() == JobReference::descriptor() ||
                              field->message_type() == TokenCredentials::descriptor();
        const bool is_hidden = secret || !is_shown;
        fill(*reflection->MutableMessage(&message, field), is_hidden);
      } else if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_UINT64) {
        (secret ? hidden_ : shown_).push_back(std::to_string(987'000'000 + number));
        reflection->SetUInt64(&message, field, 987'000'000 + number);
      } else if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_UINT32) {
        (secret ? hidden_ : shown_).push_back(std::to_string(987'000'000 + number));
        reflection->SetUInt32(&message, field, static_cast<std::uint32_t>(987'000'000 + number));
      } else if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_INT64) {
        reflection->SetInt64(&message, field, 1'763'910'245'000'001 + number);
        (secret ? hidden_ : shown_)
            .push_back(format_time_exact(Time(std::chrono::microseconds(1'763'910'245'000'001 + number))));
      } else if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_ENUM) {
        reflection->SetEnumValue(&message, field, 1);
        shown_.push_back(field->enum_type()->FindValueByNumber(1)->name());
      } else {
        ADD_FAILURE() << "a field of a kind that this test does not know: " << field->full_name();
      }
    }
  }

  // Lists of numbers and of messages show, no others do.
  void fill_list(pb::Message& message, const pb::FieldDescriptor& field, std::uint32_t number) {
    if (field.cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE)
      return fill(*message.GetReflection()->AddMessage(&message, &field), false);
    if (field.type() == pb::FieldDescriptor::TYPE_UINT32) {
      shown_.push_back(std::to_string(987'000'000 + number));
      return message.GetReflection()->AddUInt32(&message, &field, 987'000'000 + number);
    }
    ASSERT_EQ(field.type(), pb::FieldDescriptor::TYPE_STRING) << field.full_name();
    hidden_.push_back(fmt::format("LISTED{:07}", number));
    message.GetReflection()->AddString(&message, &field, hidden_.back());
  }

  std::uint32_t count_ = 0;
  std::vector<std::string> types_;
  std::vector<std::string> shown_;
  std::vector<std::string> hidden_;
};

std::string hex_of(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

TEST(Replay, RendersEveryKindOfEventWithAllThatMayShowAndNothingElse) {
  MemoryLog log(event_id(1));
  const MarkedEvents events(log);
  ASSERT_GE(events.hidden().size(), 15);
  for (const bool as_json : {true, false}) {
    ReplayOptions options;
    options.json = as_json;
    const auto lines = replay(log, options);
    ASSERT_EQ(lines.size(), events.types().size());
    std::string all;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      EXPECT_THAT(lines[i], HasSubstr(events.types()[i]));
      EXPECT_EQ(lines[i].find('\n'), std::string::npos);
      if (as_json) EXPECT_EQ(json::parse(lines[i]).at("type").as_string(), events.types()[i]);
      all += lines[i];
    }
    for (const auto& text : events.shown()) EXPECT_THAT(all, HasSubstr(text));
    for (const auto& secret : events.hidden()) {
      EXPECT_THAT(all, Not(HasSubstr(secret)));
      EXPECT_THAT(all, Not(HasSubstr(hex_of(secret))));
    }
  }
}

TEST(Replay, ALineOfJsonHasTheWholeEnvelope) {
  MemoryLog log(event_id(1));
  AppendRequest request;
  request.streams.push_back({"account-VA-000-001", 0, {{event_id(0xAB), account_opened(vendor(1), "Acme")}}});
  request.metadata.actor.set_kind(Actor::USER);
  request.metadata.actor.set_id("UR-000-000-005");
  request.metadata.recorded_at = Time(std::chrono::microseconds(1'763'910'245'000'001));
  request.metadata.request_id = "request";
  request.metadata.client_ip = "192.0.2.1";
  request.metadata.causation_id = event_id(0xCD).view();
  request.metadata.correlation_id = event_id(0xEF).view();
  request.idempotency_key = IdempotencyKey{"secret key hash", "secret request hash"};
  ASSERT_TRUE(append_and_wait(log, std::move(request)));
  ReplayOptions options;
  options.json = true;
  EXPECT_THAT(replay(log, options),
              ElementsAre(R"({"position":1,"recorded_at":"2025-11-23T15:04:05.000001+00:00",)"
                          R"("type":"AccountOpened","stream":"account-VA-000-001","version":1,)"
                          R"("actor":{"kind":"user","id":"UR-000-000-005"},)"
                          R"("event_id":"00000000-0000-7000-0000-0000000000ab",)"
                          R"("causation_id":"00000000-0000-7000-0000-0000000000cd",)"
                          R"("correlation_id":"00000000-0000-7000-0000-0000000000ef",)"
                          R"("request_id":"request","client_ip":"192.0.2.1",)"
                          R"("data":{"account_id":"VA-000-001","name":"Acme"}})"));
}

class ReplayFilterTest : public ::testing::Test {
 protected:
  ReplayFilterTest() {
    history_.add(stream_of(vendor(1)), account_opened(vendor(1), "Acme"));  // 1
    history_.add(token_id(1), token_created(token_id(1), vendor(1)));       // 2
    history_.actor.set_id("SU-000-000-001");                                //
    history_.add(token_id(2), token_created(token_id(2), vendor(2)));       // 3
    history_.add(token_id(1), token_renamed("new"));                        // 4
    history_.actor.set_id("test");                                          //
    history_.add(token_id(2), token_deleted());                             // 5
    Event updated;
    updated.mutable_account_updated()->set_brand("ACME");
    history_.add(stream_of(vendor(1)), updated);  // 6
  }

  // The positions that the members of a command select.
  std::vector<std::uint64_t> positions(json::object members) {
    members["json"] = true;
    auto options = ReplayOptions::parse(members);
    if (!options) {
      ADD_FAILURE() << options.error().messages.front();
      return {};
    }
    std::vector<std::uint64_t> found;
    for (const auto& line : replay(log_, std::move(*options))) {
      found.push_back(json::parse(line).at("position").to_number<std::uint64_t>());
    }
    return found;
  }
  static std::string time_of(Position position) { return format_time_exact(History::recorded_at(position)); }

  MemoryLog log_{event_id(1)};
  History history_{log_};
};

TEST_F(ReplayFilterTest, WithoutAFilterEverythingIsThere) {
  EXPECT_THAT(positions({}), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(ReplayFilterTest, PositionsAreInclusiveAndMayLieOutsideTheLog) {
  EXPECT_THAT(positions({{"from", "3"}}), ElementsAre(3, 4, 5, 6));
  EXPECT_THAT(positions({{"to", "2"}}), ElementsAre(1, 2));
  EXPECT_THAT(positions({{"from", "2"}, {"to", "2"}}), ElementsAre(2));
  EXPECT_THAT(positions({{"from", "0"}, {"to", "999"}}), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(positions({{"from", "7"}}), IsEmpty());
  EXPECT_THAT(positions({{"from", "18446744073709551615"}}), IsEmpty());
  EXPECT_THAT(positions({{"from", "4"}, {"to", "3"}}), IsEmpty());
  EXPECT_THAT(positions({{"to", "0"}}), IsEmpty());
}

TEST_F(ReplayFilterTest, TimesAreInclusive) {
  EXPECT_THAT(positions({{"from", time_of(5)}}), ElementsAre(5, 6));
  EXPECT_THAT(positions({{"to", time_of(2)}}), ElementsAre(1, 2));
  EXPECT_THAT(positions({{"from", time_of(2)}, {"to", time_of(3)}}), ElementsAre(2, 3));
  EXPECT_THAT(positions({{"to", "2001-01-01"}}), IsEmpty());
}

TEST_F(ReplayFilterTest, UpToADayIsToItsEnd) {
  const auto day = time_of(1).substr(0, 10);
  ASSERT_EQ(time_of(6).substr(0, 10), day) << "all are of one day";
  EXPECT_THAT(positions({{"to", day}}), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(positions({{"from", day}, {"to", day}}), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(positions({{"to", day + "T00:00:00Z"}}), IsEmpty()) << "which a moment is not";
  const auto day_before = format_time(History::recorded_at(1) - std::chrono::days(1)).substr(0, 10);
  EXPECT_THAT(positions({{"to", day_before}}), IsEmpty());
}

TEST_F(ReplayFilterTest, ATokenIsItsStream) {
  EXPECT_THAT(positions({{"token", "SU-000-000-001"}}), ElementsAre(2, 4));
  EXPECT_THAT(positions({{"token", "SU-000-000-001"}, {"from", "3"}}), ElementsAre(4));
  EXPECT_THAT(positions({{"token", "SU-000-000-001"}, {"to", "3"}}), ElementsAre(2));
  EXPECT_THAT(positions({{"token", "SU-000-000-009"}}), IsEmpty());
}

TEST_F(ReplayFilterTest, AnAccountIsItsOwnStreamAndThoseOfItsTokens) {
  EXPECT_THAT(positions({{"account", "VA-000-001"}}), ElementsAre(1, 2, 4, 6));
  EXPECT_THAT(positions({{"account", "VA-000-002"}}), ElementsAre(3, 5));
  EXPECT_THAT(positions({{"account", "VA-000-002"}, {"from", "4"}}), ElementsAre(5));
  EXPECT_THAT(positions({{"account", "PA-000-001"}}), IsEmpty());
}

TEST_F(ReplayFilterTest, AnActorIsWhoDidIt) {
  EXPECT_THAT(positions({{"actor", "SU-000-000-001"}}), ElementsAre(3, 4));
  EXPECT_THAT(positions({{"actor", "test"}, {"account", "VA-000-002"}}), ElementsAre(5));
  EXPECT_THAT(positions({{"actor", "nobody"}}), IsEmpty());
}

TEST_F(ReplayFilterTest, ATypeIsTheEventsName) {
  EXPECT_THAT(positions({{"type", "TokenCreated"}}), ElementsAre(2, 3));
  EXPECT_THAT(positions({{"type", "TokenCreated"}, {"token", "SU-000-000-002"}}), ElementsAre(3));
  EXPECT_THAT(positions({{"type", "SessionClosed"}}), IsEmpty());
}

TEST_F(ReplayFilterTest, AMemberThatMakesNoSenseIsRefusedByItsName) {
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, json::value>>{{"from", "yesterday"},
                                                        {"from", 3},
                                                        {"from", ""},
                                                        {"from", "-1"},
                                                        {"to", "1.5"},
                                                        {"to", nullptr},
                                                        {"token", "VA-000-001"},
                                                        {"token", 1},
                                                        {"account", "SU-000-000-001"},
                                                        {"account", nullptr},
                                                        {"actor", 5},
                                                        {"type", "Nothing"},
                                                        {"type", "Sealed"},
                                                        {"type", "Recorded"},
                                                        {"type", json::array{}},
                                                        {"json", "yes"}}) {
    const auto options = ReplayOptions::parse({{name, value}});
    ASSERT_FALSE(options) << name << ' ' << value;
    EXPECT_EQ(options.error().kind, ErrorKind::kInvalid);
    EXPECT_TRUE(options.error().messages.front().starts_with(name + ": "))
        << options.error().messages.front();
  }
}

TEST_F(ReplayFilterTest, ItEndsAtTheHeadThatItBeganWith) {
  Replay replay(log_, {});
  history_.add(token_id(1), token_revealed());
  std::size_t count = 0;
  while (const auto lines = replay.next()) count += lines->size();
  EXPECT_EQ(count, 6);
}

TEST(Replay, OfAnAccountHasItsWebhooksTriggers) {
  MemoryLog log(event_id(1));
  History history(log);
  for (std::uint32_t number : {1U, 2U}) {
    Event event;
    event.mutable_webhook_created()->set_account_id(vendor(number).text());
    history.add(stream_of(WebhookId::from_value(number)), event);
  }
  Event triggered;
  triggered.mutable_webhook_triggered();
  for (std::uint32_t number : {1U, 2U, 3U}) {
    history.add(trigger_stream(WebhookId::from_value(number), "a"), triggered);
  }
  ReplayOptions options;
  options.account = vendor(2);
  EXPECT_THAT(replay(log, options),
              ElementsAre(HasSubstr("webhook-WH-000-000-002@1"), HasSubstr("trigger-WH-000-000-002-a@1")));
}

TEST(Replay, OfAnEmptyLogEndsAtOnce) {
  MemoryLog log(event_id(1));
  EXPECT_FALSE(Replay(log, {}).next());
}

// A log that a newer program has written: of its events' kinds this one knows none.
class NewerLog final : public ScriptedLog {
 public:
  using ScriptedLog::ScriptedLog;
  std::vector<StoredEvent> read(Position after, std::size_t limit) override {
    auto events = ScriptedLog::read(after, limit);
    for (auto& event : events) event.recorded.mutable_event()->clear_kind();
    return events;
  }
};

TEST(Replay, AnEventOfAKindThatThisProgramDoesNotKnowShowsWithoutData) {
  MemoryLog log(event_id(1));
  History(log).add("token-SU-000-000-001", token_deleted());
  NewerLog newer(log);
  EXPECT_THAT(replay(newer, {}), ElementsAre(HasSubstr("token-SU-000-000-001@1")));
  ReplayOptions options;
  options.json = true;
  options.account = vendor(1);
  EXPECT_THAT(replay(newer, options), IsEmpty());
}

TEST(Replay, ReadsALogOfManyBatches) {
  MemoryLog log(event_id(1));
  History history(log);
  for (int i = 0; i < 1100; ++i) history.add("a" + std::to_string(i), token_revealed());
  EXPECT_EQ(replay(log, {}).size(), 1100);
}

}  // namespace
}  // namespace mintmark::replay_test
