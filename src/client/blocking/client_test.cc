#include "client/blocking/client.h"

#include <thread>
#include <vector>

#include "client/blocking/lock.h"
#include "client/blocking/servers.h"
#include "client/blocking/testing_blocking.h"

namespace conclave::blocking {
namespace {

using namespace chubby;
using ClientTest = BlockingTest;

TEST_F(ClientTest, Every_call_on_a_handle) {
  Handle directory = a->open("/d", {.mode = kReadWrite, .creation = Creation::must, .directory = true}).value();
  EXPECT_TRUE(directory.created());
  EXPECT_TRUE(directory.stat().directory);
  Handle file = directory
                    .open("f", {.mode = {.read = true, .write = true, .change_acl = true},
                                .creation = Creation::if_missing,
                                .contents = "one"})
                    .value();
  const Contents read = file.get_contents().value();
  EXPECT_EQ(read.contents, "one");
  EXPECT_EQ(code(file.set_contents("two", read.stat.content_generation)), "ok");
  EXPECT_EQ(code(file.set_contents("three", read.stat.content_generation)), "another generation");
  EXPECT_EQ(file.get_stat().value().length, 3u);
  EXPECT_EQ(directory.read_directory().value().at(0).name, "f");
  EXPECT_EQ(code(file.set_acl({.read = "all"})), "ok");
  EXPECT_EQ(file.get_stat().value().acl->read, "all");

  const Acquired acquired = file.acquire(LockMode::exclusive).value();
  EXPECT_EQ(file.get_sequencer().value(), acquired.sequencer);
  EXPECT_TRUE(b->check_sequencer(acquired.sequencer).value());
  Handle theirs = open(*b, "/d/f");
  EXPECT_EQ(code(theirs.try_acquire(LockMode::shared)), "the lock is held");
  EXPECT_EQ(code(file.release()), "ok");
  EXPECT_FALSE(b->check_sequencer(acquired.sequencer).value());
  EXPECT_EQ(code(file.get_sequencer()), "the lock is not held");
  theirs.set_sequencer(acquired.sequencer);
  EXPECT_EQ(code(theirs.get_contents()), "the sequencer is not valid any more");
  theirs.set_sequencer("");
  EXPECT_EQ(code(theirs.get_contents()), "ok");

  EXPECT_EQ(code(file.remove()), "ok");
  EXPECT_EQ(code(theirs.get_contents()), "the handle's node is gone");
  EXPECT_EQ(code(a->open("/d/f")), "no such node");
  EXPECT_EQ(code(directory.close()), "ok");
  EXPECT_EQ(code(directory.get_stat()), "the handle is not open");
  EXPECT_EQ(code(Handle().get_contents()), "the handle is not open");
}

// CH-51: a call with a callback, one that is waited for later, one that waits.
TEST_F(ClientTest, CH_51_Three_forms_of_a_call) {
  const Handle file = open(*a, "/f");
  const auto read = [id = file.id()](LockService& service, Completion<Contents> done) {
    return service.get_contents(id, std::move(done));
  };
  std::promise<bool> called;
  a->begin<Contents>(read, [&](const Outcome<Contents>& got) { called.set_value(got.has_value()); });
  EXPECT_TRUE(called.get_future().get());
  std::future<Outcome<Contents>> later = a->start<Contents>(read);
  EXPECT_EQ(code(later.get()), "ok");
  EXPECT_EQ(code(a->call<Contents>(read)), "ok");
  std::promise<Outcome<Stat>> posted;
  a->post([&, id = file.id()](LockService& service) {
    service.get_stat(id, [&](Outcome<Stat> stat) { posted.set_value(std::move(stat)); });
  });
  EXPECT_EQ(code(posted.get_future().get()), "ok");
}

// CH-98: the call is given up at the service too, so nobody stands in the way of those behind.
TEST_F(ClientTest, CH_98_A_call_whose_time_is_over_is_cancelled) {
  const Handle mine = open(*a, "/f");
  const Handle theirs = open(*b, "/f");
  EXPECT_EQ(code(mine.acquire(LockMode::exclusive)), "ok");
  const auto late = theirs.acquire(LockMode::exclusive, {.timeout = Duration::millis(1)});
  EXPECT_EQ(code(late), "deadline exceeded");
  EXPECT_EQ(late.error().message, "no answer within 1 ms (session: safe)");  // CH-51: more about the error
  EXPECT_EQ(code(mine.release()), "ok");
  EXPECT_EQ(code(mine.try_acquire(LockMode::exclusive)), "ok");  // the lock did not go to who had given up
  EXPECT_EQ(code(theirs.get_contents({.timeout = Duration::seconds(60)})), "ok");
}

TEST_F(ClientTest, CH_98_Another_thread_cancels_a_call) {
  const Handle mine = open(*a, "/f");
  const Handle theirs = open(*b, "/f");
  EXPECT_EQ(code(mine.acquire(LockMode::exclusive)), "ok");
  std::stop_source stop;
  auto waiting = b->start<Acquired>(
      [id = theirs.id()](LockService& service, Completion<Acquired> done) {
        return service.acquire(id, LockMode::exclusive, std::move(done));
      },
      {.stop = stop.get_token()});
  settle();
  EXPECT_EQ(waiting.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  std::thread([&] { stop.request_stop(); }).join();
  EXPECT_EQ(code(waiting.get()), "cancelled");
  EXPECT_EQ(code(mine.release()), "ok");
  EXPECT_EQ(code(theirs.acquire(LockMode::exclusive, {.stop = stop.get_token()})), "cancelled");  // was not begun
  EXPECT_EQ(code(mine.try_acquire(LockMode::exclusive)), "ok");
}

TEST_F(ClientTest, CH_46_Another_thread_poisons_a_handle) {
  const Handle mine = open(*a, "/f");
  const Handle theirs = open(*b, "/f");
  EXPECT_EQ(code(mine.acquire(LockMode::exclusive)), "ok");
  std::thread waits([&] { EXPECT_EQ(code(theirs.acquire(LockMode::exclusive)), "the handle is poisoned"); });
  theirs.poison();
  waits.join();
  EXPECT_EQ(code(theirs.get_contents()), "the handle is poisoned");
  EXPECT_EQ(code(mine.get_contents()), "ok");
}

TEST_F(ClientTest, A_callback_that_waits_is_told_that_it_would_deadlock) {
  Handle file = open(*a, "/f");
  std::string answers;
  on_loop([&] {
    answers = code(file.get_contents()) + ", " + code(a->open("/f")) + ", " + code(a->wait_until_safe()) + ", " +
              code(file.close());
    EXPECT_EQ(a->session_state(), SessionState::safe);  // asks nobody else
  });
  EXPECT_EQ(answers, "would deadlock, would deadlock, would deadlock, would deadlock");
  EXPECT_EQ(code(file.get_contents()), "ok");
}

TEST_F(ClientTest, CH_72_Session_events_and_the_end_of_jeopardy) {
  const Handle file = open(*a, "/f");
  std::vector<SessionEvent> told;
  a->on_session([&](SessionEvent event) { told.push_back(event); });
  EXPECT_EQ(a->wait_until_safe().value(), SessionState::safe);
  on_loop([&] { fake_a->jeopardize(); });
  EXPECT_EQ(a->session_state(), SessionState::jeopardy);
  EXPECT_EQ(code(a->wait_until_safe({.timeout = Duration::millis(1)})), "deadline exceeded");
  const auto blocked = file.get_contents({.timeout = Duration::millis(1)});
  EXPECT_EQ(blocked.error().message, "no answer within 1 ms (session: jeopardy)");
  auto waits = a->start<SessionState>([core = a->core()](LockService&, Completion<SessionState> done) {
    core->await_safety(std::move(done));  // as wait_until_safe()
  });
  settle();
  EXPECT_EQ(waits.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  on_loop([&] { fake_a->make_safe(); });
  EXPECT_EQ(waits.get().value(), SessionState::safe);
  on_loop([&] { fake_a->expire(); });
  EXPECT_EQ(code(file.get_contents()), "session expired");
  EXPECT_EQ(a->wait_until_safe().value(), SessionState::expired);
  a->restart();
  EXPECT_EQ(a->session_state(), SessionState::safe);
  EXPECT_EQ(code(file.get_contents()), "session expired");
  EXPECT_EQ(code(open(*a, "/f").get_contents()), "ok");
  settle();
  EXPECT_THAT(told, testing::ElementsAre(SessionEvent::jeopardy, SessionEvent::safe, SessionEvent::expired));
}

TEST_F(ClientTest, What_waits_when_the_client_is_destroyed_fails_and_so_do_its_handles) {
  const Handle mine = open(*a, "/f");
  const Handle theirs = open(*b, "/f");
  EXPECT_EQ(code(mine.acquire(LockMode::exclusive)), "ok");
  auto waiting = b->start<Acquired>([id = theirs.id()](LockService& service, Completion<Acquired> done) {
    return service.acquire(id, LockMode::exclusive, std::move(done));
  });
  bool called = false;
  SessionState at_the_end = SessionState::safe;
  const Lock held = Lock::acquire(*b, "/held", {.on_lost = [&at_the_end, client = b.get()] {
                      at_the_end = client->session_state();
                    }}).value();
  b->begin<Acquired>(
      [id = theirs.id()](LockService& service, Completion<Acquired> done) {
        return service.acquire(id, LockMode::exclusive, std::move(done));
      },
      [&](const Outcome<Acquired>&) { called = true; });
  settle();
  b.reset();
  EXPECT_EQ(code(waiting.get()), "cancelled");
  EXPECT_EQ(code(theirs.get_contents()), "cancelled");
  EXPECT_EQ(code(theirs.get_sequencer()), "cancelled");
  theirs.poison();
  settle();
  EXPECT_FALSE(called);
  EXPECT_TRUE(held.lost());
  EXPECT_EQ(at_the_end, SessionState::none);
}

TEST_F(ClientTest, A_handle_that_is_destroyed_is_closed) {
  Handle file = open(*a, "/f");
  EXPECT_EQ(code(file.acquire(LockMode::exclusive)), "ok");
  const Handle theirs = open(*b, "/f");
  EXPECT_EQ(code(theirs.try_acquire(LockMode::exclusive)), "the lock is held");
  file = open(*a, "/other");
  EXPECT_EQ(code(theirs.try_acquire(LockMode::exclusive)), "ok");
  EXPECT_EQ(code(file.get_contents()), "ok");
}

TEST_F(ClientTest, Events_of_a_handle_come_on_the_loop_thread) {
  std::promise<std::thread::id> told;
  const auto watched =
      a->open("/f", {.events = {.contents = true}, .creation = Creation::if_missing, .on_event = [&](const Event&) {
                       told.set_value(std::this_thread::get_id());
                     }});
  EXPECT_EQ(code(open(*b, "/f").set_contents("news")), "ok");
  std::thread::id loop_thread;
  on_loop([&] { loop_thread = std::this_thread::get_id(); });
  EXPECT_EQ(told.get_future().get(), loop_thread);
}

TEST_F(ClientTest, Many_threads_call_at_once) {
  const Handle file = open(*a, "/f");
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        Outcome<Contents> read = file.get_contents();
        while (!file.set_contents(read->contents + ".", read->stat.content_generation)) read = file.get_contents();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(file.get_contents()->contents.size(), 400u);
}

// The real client, without a cell.
TEST(CellClientTest, Says_why_there_was_no_answer_and_ends_at_once) {
  const auto client = Client::create("127.0.0.1:1");
  ASSERT_TRUE(client);
  EXPECT_EQ((*client)->session_state(), SessionState::none);
  auto waiting = (*client)->start<Stat>(
      [](LockService& service, Completion<Stat> done) { return service.get_stat(service.root(), std::move(done)); });
  const auto late = (*client)->open("/f", {}, {.timeout = Duration::millis(50)});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, CallCode::deadline_exceeded);
  EXPECT_THAT(late.error().message, testing::StartsWith("no answer within 50 ms (session: opening"));
  EXPECT_EQ(waiting.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
}

TEST(CellClientTest, Two_on_one_loop) {
  LoopThread loop;
  Client one({.replicas = {{.host = "127.0.0.1", .port = 1}}}, &loop);
  Client two({.replicas = {{.host = "127.0.0.1", .port = 1}}}, &loop);
  EXPECT_EQ(one.session_state(), SessionState::none);
  EXPECT_EQ(two.session_state(), SessionState::none);
}

TEST(ServersTest, Names_addresses_and_ports) {
  const auto parsed = parse_servers("a,b:7,[::1],[fd00::2]:65535");
  ASSERT_TRUE(parsed);
  const std::vector<env::Address> expected = {{.host = "a", .port = kDefaultPort},
                                              {.host = "b", .port = 7},
                                              {.host = "::1", .port = kDefaultPort},
                                              {.host = "fd00::2", .port = 65535}};
  EXPECT_EQ(*parsed, expected);
}

TEST(ServersTest, Says_what_is_wrong_and_where) {
  const auto error = [](std::string_view text) { return parse_servers(text).error().message; };
  EXPECT_EQ(error(""), "no server is named: give HOST:PORT,HOST:PORT,...");
  EXPECT_EQ(error("a,,b"), "server '': there is no host");
  EXPECT_EQ(error("a,:7"), "server ':7': there is no host");
  EXPECT_EQ(error("a:0"), "server 'a:0': the port must be 1 to 65535");
  EXPECT_EQ(error("a:65536"), "server 'a:65536': the port must be 1 to 65535");
  EXPECT_EQ(error("a:7x"), "server 'a:7x': the port must be 1 to 65535");
  EXPECT_EQ(error("::1"), "server '::1': an IPv6 address needs brackets");
  EXPECT_EQ(error("[::1"), "server '[::1': ']' is missing");
  EXPECT_EQ(error("[::1]7"), "server '[::1]7': ':' and a port must follow ']'");
  EXPECT_EQ(Client::create("a:b").error().message, "server 'a:b': the port must be 1 to 65535");
}

}  // namespace
}  // namespace conclave::blocking
